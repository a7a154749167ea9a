"""The pool of lanes: many orbits in flight, stepped together, replaced as they finish.

A *lane* is one orbit. The state of all lanes is one flat array; a variable v of lane i is at
``state[V + i]``, with a constant V for each variable. Vectors of lanes are stepped in registers
(vectors.py), for a *round* of several passes without a look. The lanes that have left are then
followed again through the pass in which they did, many together, with a look at each step that
finds their counts.

A rung of the ladder (float64.py, double_double.py) adds the steps; all else is here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mandelbrot.discs import ROUNDING, attracted
from mandelbrot.intrinsics import trailing_zeros
from mandelbrot.jit import kernel
from mandelbrot.recurrence import Recurrence
from mandelbrot.vectors import mover

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int32]
    Pool = tuple[Floats, Floats, Ints, Ints, Ints]

LANES = 96
"""Orbits in flight: whole vectors of every kind, and few enough for the first-level cache."""

_ROW = LANES + 8  # not a power of two: a lane's variables would compete for one cache set
X, Y, S, XL, YL, CX, CY, N, NEAR, NEXT_SAVE, INSIDE = range(0, 11 * _ROW, _ROW)
"""Variables of a lane: z, the S of its error bound, the low parts of z in the double-double rung,
c, the number of steps taken, and how many passes of the last round ended inside |z| ≤ 2."""
SAVED_X, SAVED_Y = XL, YL
"""For the cycle search (with `NEAR` and `NEXT_SAVE`): an earlier z, how near (squared) z must come
to it for an attempt, and when to save again. Only in the float64 rung."""
CXL, CYL = NEAR, NEXT_SAVE
"""The low parts of c in the double-double rung."""
START, SLOT, MOST_PASSES = 11 * _ROW, 5 * _ROW + 88, 16
"""X to YL as they were before pass k are at ``START + k * SLOT + X`` and so on. (The distance
spreads what is used of them over all sets of the cache.)"""
STATE = START + MOST_PASSES * SLOT

QUEUE = 2**14
"""Points that go through the pool together; part v of point i is at ``points[v * QUEUE + i]``."""

WATCH = 4096
"""The least maxiter for which the search for attracting cycles pays."""

ERROR_LIMIT = 2.0**-4
"""Of e²: beyond, no later iterate can be certified."""

_IN, _OUT = 2 * (1 - 2.0**-48), 2 * (1 + 2.0**-48)  # 2, with room for the rounding of a comparison
_FIRST_NEAR = 2.0**-20
_ATTEMPTS = 2.0**18  # steps a round: a cancellation is noticed between rounds

PLAIN, BOUNDED, LONG = range(3)
"""Kinds of orbits: z and c; with the S of the bound; with S and the low parts of z and c."""

_POINT = [(0, CX), (QUEUE, CY)]
_AT_ZERO = {X: 0, Y: 0, N: 0, SAVED_X: 0, SAVED_Y: 0, NEAR: _FIRST_NEAR, NEXT_SAVE: 0}
_start_plain_orbit = mover(_POINT, _AT_ZERO)
_start_bounded_orbit = mover(_POINT, _AT_ZERO | {S: 0})
_start_long_orbit = mover(
    [*_POINT, (2 * QUEUE, CXL), (3 * QUEUE, CYL)], dict.fromkeys((X, Y, S, XL, YL, N), 0)
)
_move_lane = mover([(v, v) for v in range(0, START, _ROW)])
_move_point = mover([(CX, CX), (CY, CY)])
_move_low_point = mover([(CXL, CXL), (CYL, CYL)])
_move_start = mover([(START + X, X), (START + Y, Y)])
_move_bound = mover([(START + S, S)])
_move_long_start = mover([(START + v, v) for v in (S, XL, YL)])


@kernel(allocates=True)
def allocate() -> Pool:
    """Return the lanes and those to recount, the targets of both, and a list of lanes.

    The target of a lane is the index of its point.
    """
    states = np.zeros(STATE + START + 16)
    # Whole cache lines: a vector across two of them takes twice as long to write.
    first = -(states.ctypes.data // 8) % 8
    second = first + (STATE + 7) // 8 * 8
    targets = np.zeros(3 * LANES, np.int32)
    return (
        states[first : first + STATE],
        states[second : second + START],
        targets[:LANES],
        targets[LANES : 2 * LANES],
        targets[2 * LANES :],
    )


@kernel()
def load(pool: Pool, lane: int, points: Floats, index: int, kind: int) -> None:
    """Start the orbit of a point in a lane."""
    if kind == LONG:
        _start_long_orbit(points, index, pool[0], lane)
    elif kind == BOUNDED:
        _start_bounded_orbit(points, index, pool[0], lane)
    else:
        _start_plain_orbit(points, index, pool[0], lane)
    pool[2][lane] = index


@kernel()
def fill(pool: Pool, points: Floats, size: int, kind: int) -> int:
    """Load the first of `size` points; return how many lanes are live."""
    live = min(LANES, size)
    for lane in range(live):
        load(pool, lane, points, lane, kind)
    return live


@kernel()
def replace(
    pool: Pool,
    finished: int,
    live: int,
    points: Floats,
    size: int,
    fresh: int,
    kind: int,
) -> tuple[int, int]:
    """Load fresh points into the finished lanes, or close the gaps; return (live, fresh)."""
    state, _again, target, _again_target, chosen = pool
    for k in range(finished - 1, -1, -1):
        lane = chosen[k]
        if fresh < size:
            load(pool, lane, points, fresh, kind)
            fresh += 1
        else:
            live -= 1
            _move_lane(state, live, state, lane)
            target[lane] = target[live]
    return live, fresh


@kernel()
def list_lanes(bits: int, first: int, live: int, chosen: Ints, found: int) -> int:
    """Append the live lanes whose bits are set (bit i for lane ``first + i``); return the total."""
    if live - first < 63:
        bits &= (1 << (live - first)) - 1
    while bits != 0:
        chosen[found] = first + trailing_zeros(bits)
        bits &= bits - 1
        found += 1
    return found


@kernel()
def oldest(state: Floats, live: int) -> float:
    """Return the largest number of steps that a live lane has taken."""
    most = 0.0
    for lane in range(live):
        most = max(most, state[N + lane])
    return most


@kernel()
def queue(
    pool: Pool, finished: int, passes: int, steps: int, maxiter: int, queued: int, kind: int
) -> int:
    """Append the finished lanes, as they were before the pass of their last count, to the others.

    A pass has a number of `steps`.
    """
    state, again, target, again_target, chosen = pool
    for k in range(finished):
        lane = chosen[k]
        last = min(int(state[INSIDE + lane]), passes - 1)
        n = state[N + lane] - (passes - last) * steps
        while n >= maxiter:
            last, n = last - 1, n - steps
        _move_point(state, lane, again, queued)
        _move_start(state, lane + last * SLOT, again, queued)
        if kind == BOUNDED:
            _move_bound(state, lane + last * SLOT, again, queued)
        elif kind == LONG:
            _move_low_point(state, lane, again, queued)
            _move_long_start(state, lane + last * SLOT, again, queued)
        again[N + queued] = n
        again_target[queued] = target[lane]
        queued += 1
    return queued


def is_certain(
    inside: Vector,
    outside: Vector,
    inside_e2: Vector,
    outside_e2: Vector,
    n: Vector,
    maxiter: Vector,
) -> Vector:
    """Whether the count n is proven, given |ẑ|² and e² of ẑ_n and ẑ_{n+1} (see escape_time.py)."""
    # |ẑ_n| ≤ 2 - e_n and 2 + e_{n+1} ≤ |ẑ_{n+1}|, squared: each root takes as long as ten products.
    room, reach = n.constant(_IN) - inside_e2.root(), n.constant(_OUT) + outside_e2.root()
    was_in = (n.constant(0) <= room) & (inside <= room * room)
    return was_in & ((reach * reach <= outside) | (maxiter <= n))


def certified_recount(
    step: Callable[..., Sequence[Vector]],
    *,
    variables: Sequence[int],
    constants: Sequence[int],
    vectors: int,
) -> tuple[Any, Any]:
    """Return ``recount(lanes, lane, steps, (growth, κ, maxiter, δ²))``, and its lanes at once.

    It follows orbits, with their bounds, to the last iterate inside |z| ≤ 2, up to `maxiter`, and
    returns the bits of the lanes whose counts, at `N`, are not proven (see escape_time.py).
    `step` takes and returns z, in parts.
    """
    parts = len(variables)

    def next_step(values: Sequence[Vector]) -> tuple[list[Vector], Vector, Vector]:
        z, s, n = values[:parts], values[parts], values[parts + 1]
        growth, kappa, _maxiter, _error2 = values[-4:]
        size = size_of(z).plus_product(kappa * (n + n.constant(1)), s)
        return (
            list(step(*z, *values[parts + 2 : -4])),
            s.constant(1).plus_product(growth * size, s),
            n,
        )

    def size_of(z: Sequence[Vector]) -> Vector:
        x, y = (z[variables.index(place)] for place in (X, Y))
        return x * x + y * y

    def counted_step(*values: Vector) -> list[Vector]:
        z, s, n = next_step(values)
        counts = (size_of(z) <= n.constant(4)) & (n < values[-2])
        after = [*z, s, n + n.constant(1)]
        return [a.where(counts, b) for a, b in zip(after, values, strict=False)]

    def proven(*values: Vector) -> Vector:
        z, s, n = next_step(values)
        *_, maxiter, error2 = values
        after = n + n.constant(1)
        inside_e2, outside_e2 = error2 * n * values[parts], error2 * after * s
        return is_certain(size_of(values), size_of(z), inside_e2, outside_e2, n, maxiter)

    return Recurrence(
        steps=[counted_step],
        goes_on=proven,
        variables=(*variables, S, N),
        constants=constants,
        vectors=vectors,
        fenced=True,
    ).compiled()


@kernel()
def write(
    pool: Pool,
    first: int,
    queued: int,
    bits: int,
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> None:
    """Write the counts of recounted lanes, from `first` on, and which are certain."""
    _state, again, _target, target, _chosen = pool
    for k in range(first, min(first + 64, queued)):
        counts[target[k]] = int(again[N + k])
        certain[target[k]] = (bits >> (k - first)) & 1 == 0


@kernel()
def bound_constants(maxiter: int, error2: float) -> tuple[float, float]:
    """Return growth = 4 (1 + η) and κ for the recurrence of S (float64.py), given δ² = `error2`."""
    eta = 1 / (maxiter + 64)
    growth = 4 * (1 + eta) * (1 + 2.0**-48)  # the last factor covers the rounding of S itself
    return growth, (1 + 1 / eta) * error2 / growth


@kernel()
def find_cycles(state: Floats, chosen: Ints, live: int, maxiter: int, error2: float) -> int:
    """List in `chosen` the lanes whose orbits are proven to be attracted to a cycle.

    Brent's search: each orbit is compared with itself at the last power of two (of rounds).
    """
    candidates = 0
    for i in range(live):
        dx, dy = state[X + i] - state[SAVED_X + i], state[Y + i] - state[SAVED_Y + i]
        candidates += 1 if dx * dx + dy * dy < state[NEAR + i] else 0
    found = 0
    spent = 0.0
    for i in range(live if candidates else 0):
        if spent > _ATTEMPTS:
            break
        x, y, n = state[X + i], state[Y + i], state[N + i]
        distance = (x - state[SAVED_X + i]) ** 2 + (y - state[SAVED_Y + i]) ** 2
        since = n - 0.5 * state[NEXT_SAVE + i]
        # An attempt takes up to 2 `since` steps, scalar ones; it should cost less than it may save.
        if distance < state[NEAR + i] and 64 * since < maxiter - n:
            state[NEAR + i] = distance / 256
            spent += since
            e = math.sqrt(error2 * n * state[S + i])
            distance = math.sqrt(distance)
            if attracted(x, y, state[CX + i], state[CY + i], e, ROUNDING, since, distance):
                chosen[found] = i
                found += 1
    for i in range(live):
        n = state[N + i]
        save = n >= state[NEXT_SAVE + i]
        state[SAVED_X + i] = state[X + i] if save else state[SAVED_X + i]
        state[SAVED_Y + i] = state[Y + i] if save else state[SAVED_Y + i]
        state[NEXT_SAVE + i] = 2 * n if save else state[NEXT_SAVE + i]
    return found


@kernel()
def next_passes(passes: int, finished: int, live: int) -> int:
    """Choose the length of the next round.

    A look at the lanes has a fixed cost a round; a lane that has left wastes half a round.
    """
    if finished * 8 < live:
        return min(2 * passes, MOST_PASSES)
    return max(passes // 2, 1) if finished * 3 > live else passes
