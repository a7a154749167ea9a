"""The pool of lanes: many orbits in flight, stepped together, replaced as they finish.

A *lane* is one orbit. The state of all lanes is one flat array; a variable v of lane i is at
``state[V + i]``, with a constant V for each variable. Loops over lanes are innermost and free of
branches, so that LLVM turns them into vector instructions; the constant distances spare it the
checks that separate arrays might overlap (measured: 25 % of a certified step).

A rung of the ladder (float64.py, double_double.py) adds the steps; all else is here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot.discs import ROUNDING, attracted
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int32]

LANES = 384
"""Orbits in flight: enough to hide all latencies, few enough for the first-level cache."""

_ROW = LANES + 8  # not a power of two: a lane's variables would compete for one cache set
X, Y, S, CX, CY, N, SAVED_X, SAVED_Y, NEAR, NEXT_SAVE = range(0, 10 * _ROW, _ROW)
"""Variables of a lane: z, the S of its error bound, c, the number of steps taken; and for the cycle
search an earlier z, how near (squared) z must come to it for an attempt, and when to save again."""
XL, YL, CXL, CYL = SAVED_X, SAVED_Y, NEAR, NEXT_SAVE
"""The low parts of z and c in the double-double rung, which has no cycle search."""
STATE = 10 * _ROW

INSIDE, INSIDE_S, OUTSIDE, OUTSIDE_S = range(STATE, STATE + 4 * _ROW, _ROW)
"""What certifies a finished lane: |z|² and S of its last iterate inside and of the next."""
GROUP = STATE + 4 * _ROW

WATCH = 4096
"""The least maxiter for which the search for attracting cycles pays."""

_VECTORS = 16  # lanes are stepped in multiples of two AVX-512 vectors
_ERROR_LIMIT = 2.0**-4  # of e²: beyond, no later iterate can be certified
_IN, _OUT = 2 * (1 - 2.0**-48), 2 * (1 + 2.0**-48)  # 2, with room for the rounding of a comparison
_FIRST_NEAR = 2.0**-20
_ATTEMPTS = 2.0**18  # steps a round: a cancellation is noticed between rounds


@kernel()
def padded(lanes: int) -> int:
    """Round a number of lanes up to whole vectors."""
    return (lanes + _VECTORS - 1) // _VECTORS * _VECTORS


@kernel()
def allocate() -> tuple[Floats, Floats, Floats, Ints, Ints, Ints]:
    """Return the state, its copy from before a round, a group; targets, flags and a list of lanes.

    The target of a lane is the index of its point.
    """
    return (
        np.zeros(STATE),
        np.zeros(STATE),
        np.zeros(GROUP),
        np.zeros(LANES, np.int32),
        np.zeros(LANES, np.int32),
        np.zeros(LANES, np.int32),
    )


@kernel()
def load(state: Floats, target: Ints, lane: int, points: Floats, index: int) -> None:
    """Start the orbit of ``points[:, index]`` in a lane."""
    # Written out: from a loop LLVM makes a scatter instruction, 15 times slower.
    state[X + lane] = state[Y + lane] = state[S + lane] = state[N + lane] = 0.0
    state[CX + lane], state[CY + lane] = points[0, index], points[1, index]
    state[SAVED_X + lane] = state[SAVED_Y + lane] = state[NEXT_SAVE + lane] = 0.0
    state[NEAR + lane] = _FIRST_NEAR
    target[lane] = index


@kernel()
def fill(state: Floats, target: Ints, points: Floats, size: int) -> int:
    """Load the first of `size` points; return how many lanes are live."""
    live = min(LANES, size)
    for lane in range(live):
        load(state, target, lane, points, lane)
    return live


@kernel()
def replace(
    state: Floats,
    target: Ints,
    chosen: Ints,
    finished: int,
    live: int,
    points: Floats,
    size: int,
    fresh: int,
) -> tuple[int, int]:
    """Load fresh points into the finished lanes, or close the gaps; return (live, fresh)."""
    for k in range(finished - 1, -1, -1):
        lane = chosen[k]
        if fresh < size:
            load(state, target, lane, points, fresh)
            fresh += 1
        else:
            live -= 1
            for v in range(0, STATE, _ROW):
                state[v + lane] = state[v + live]
            target[lane] = target[live]
    return live, fresh


@kernel()
def begin_round(state: Floats, start: Floats, width: int, steps: int) -> None:
    """Keep z and S as they are now, and count the steps that are about to be taken."""
    for lane in range(width):
        start[X + lane] = state[X + lane]
        start[Y + lane] = state[Y + lane]
        start[S + lane] = state[S + lane]
        state[N + lane] += steps


@kernel()
def find_finished(
    state: Floats, flag: Ints, chosen: Ints, live: int, maxiter: int, error2: float
) -> int:
    """List in `chosen` the lanes that are done; flag those that left |z| ≤ 2 or lost their bound.

    The others have stayed inside for `maxiter` steps.
    """
    for i in range(padded(live)):
        n = state[N + i]
        stays = (state[X + i] * state[X + i] + state[Y + i] * state[Y + i] <= 4) & (
            error2 * n * state[S + i] <= _ERROR_LIMIT
        )
        flag[i] = (0 if stays else 2) + (1 if n >= maxiter else 0)
    finished = 0
    for lane in range(live):
        chosen[finished] = lane
        finished += 1 if flag[lane] else 0
    return finished


@kernel()
def gather(
    state: Floats, start: Floats, group: Floats, chosen: Ints, finished: int, steps: int
) -> None:
    """Copy the finished lanes, as they were before the round, to the first lanes of `group`."""
    for k in range(finished):
        lane = chosen[k]
        x, y, s = start[X + lane], start[Y + lane], start[S + lane]
        group[X + k], group[Y + k], group[S + k] = x, y, s
        group[CX + k], group[CY + k] = state[CX + lane], state[CY + lane]
        group[N + k] = state[N + lane] - steps
        group[INSIDE + k], group[INSIDE_S + k], group[OUTSIDE + k] = x * x + y * y, s, 0


@kernel()
def certify(group: Floats, flag: Ints, finished: int, maxiter: int, error2: float) -> None:
    """Flag those in the group whose count is proven (see escape_time.py)."""
    for k in range(padded(finished)):
        n = group[N + k]
        e_in = math.sqrt(error2 * n * group[INSIDE_S + k])
        e_out = math.sqrt(error2 * (n + 1) * group[OUTSIDE_S + k])
        was_in = math.sqrt(group[INSIDE + k]) + e_in <= _IN
        is_out = math.sqrt(group[OUTSIDE + k]) - e_out >= _OUT
        flag[k] = was_in & (is_out | (n == maxiter))


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
    for i in range(padded(live)):
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
    for i in range(padded(live)):
        n = state[N + i]
        save = n >= state[NEXT_SAVE + i]
        state[SAVED_X + i] = state[X + i] if save else state[SAVED_X + i]
        state[SAVED_Y + i] = state[Y + i] if save else state[SAVED_Y + i]
        state[NEXT_SAVE + i] = 2 * n if save else state[NEXT_SAVE + i]
    return found


@kernel()
def next_passes(passes: int, finished: int, live: int) -> int:
    """Choose the length of the next round.

    Looking for finished lanes has a fixed cost a round; finding their counts costs each of them in
    proportion to its length.
    """
    if finished * 8 < live:
        return min(2 * passes, 16)
    return max(passes // 2, 2) if finished * 4 > live else passes
