"""The near phase with numbers of 106 bits, of many orbits at once, with an error bound.

As direct.py, for orbits on which float64 loses too much: a step is that of double_double.py, and a
lane that is to leave |z| ≤ 2, or to come close to 0, stays as it is. The bound

    e' ≤ (2|z| + e) e + δ,    δ = `double_double.ROUNDING`,

takes a root, for which there is time beside so long a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import double_double
from mandelbrot.far import MEMORY
from mandelbrot.jit import kernel
from mandelbrot.lanes import list_lanes
from mandelbrot.perturbation import CERTAIN, IN_SQUARE, OUT_SQUARE, TINY, UNSURE
from mandelbrot.recurrence import Recurrence
from mandelbrot.vectors import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.pairs import Four
    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]

LANES = 96
"""Orbits in flight: whole vectors of every kind."""

NEW, REBASED = LANES, LANES + 8
"""What belongs to the orbits of a group (paired_together.py) is kept behind the lanes."""

_ROW = LANES + 8
X, XL, Y, YL, ERROR, N, CX, CXL, CY, CYL = range(0, 10 * _ROW, _ROW)
_STATE = 10 * _ROW
ROUND = 32
"""Steps between two looks."""

_UP = 1 + 2.0**-48
_HOPELESS = 2.0**-2  # an error bound beyond which nothing can be certified


class Pool(NamedTuple):
    """The orbits in flight."""

    state: Floats
    target: NDArray[np.int64]
    """The pixel of each lane."""
    memory: Floats
    """What `far.repeats` remembers of it."""
    chosen: NDArray[np.int32]
    """Room for a list of lanes."""


def pool() -> Pool:
    """Return memory for orbits."""
    return Pool(
        np.zeros(_STATE),
        np.zeros(REBASED + 8, np.int64),
        np.zeros((REBASED + 8, MEMORY)),
        np.zeros(LANES, np.int32),
    )


def _bounded_step(
    x: Vector, xl: Vector, y: Vector, yl: Vector, e: Vector,
    cx: Vector, cxl: Vector, cy: Vector, cyl: Vector,
) -> tuple[Vector, ...]:  # fmt: skip
    size = (y * y).plus_product(x, x).root()
    e = e.constant(double_double.ROUNDING).plus_product((size + size + e) * e, e.constant(_UP))
    return *double_double.step_of_vectors(x, xl, y, yl, cx, cxl, cy, cyl), e


def _held_step(
    x: Vector, xl: Vector, y: Vector, yl: Vector, e: Vector, n: Vector,
    cx: Vector, cxl: Vector, cy: Vector, cyl: Vector,
    _before: Vector, small: Vector, *_: Vector,
) -> list[Vector]:  # fmt: skip
    before = x, xl, y, yl, e, n
    after = *_bounded_step(x, xl, y, yl, e, cx, cxl, cy, cyl), n + n.constant(1)
    u, v = after[0], after[2]
    s = (v * v).plus_product(u, u)
    goes = (s <= s.constant(4)) & (small <= s)
    return [a.where(goes, b) for a, b in zip(after, before, strict=True)]


def _goes_on(*values: Vector) -> Vector:
    e, n = values[4:6]
    before, _small, taken, maxiter = values[-4:]
    return (before + taken <= n) & (n < maxiter) & (e <= e.constant(_HOPELESS))


_advance, _lanes_at_once = Recurrence(
    steps=[_held_step],  # measured: two or four of them, or more vectors, are not faster
    goes_on=_goes_on,
    variables=(X, XL, Y, YL, ERROR, N),
    constants=(CX, CXL, CY, CYL, N),
    vectors=2,
).compiled()
_step = scalar(_bounded_step, 5)


@kernel()
def advance(pool: Pool, lanes: int, small: float, maxiter: int) -> int:
    """Take a round of steps, as long as small ≤ |z|² ≤ 4; return how many lanes do not go on.

    `pool.chosen` lists them, in order.
    """
    found = 0
    for lane in range(0, lanes, _lanes_at_once()):
        bits = _advance(pool.state, lane, ROUND, (small, float(ROUND), float(maxiter)))
        found = list_lanes(bits, lane, lanes, pool.chosen, found)
    return found


@kernel()
def load(
    pool: Pool,
    lane: int,
    z: Four,
    error: float,
    c: Four,
    n: int,
) -> None:
    """Set a lane to z_n."""
    state = pool.state
    state[X + lane], state[XL + lane], state[Y + lane], state[YL + lane] = z
    state[CX + lane], state[CXL + lane], state[CY + lane], state[CYL + lane] = c
    state[ERROR + lane], state[N + lane] = error, float(n)


@kernel()
def judge(pool: Pool, lane: int, maxiter: int) -> tuple[int, int, Four, float]:
    """Return what is known of a lane that does not go on: status, n, z_n and its error.

    The status is `TINY` where z is small.
    """
    state = pool.state
    x, xl, y, yl = state[X + lane], state[XL + lane], state[Y + lane], state[YL + lane]
    n, e = int(state[N + lane]), state[ERROR + lane]
    inside = x * x + y * y <= IN_SQUARE - 4 * e
    if n >= maxiter:
        return (CERTAIN if inside else UNSURE), maxiter, (x, xl, y, yl), e
    if not e <= _HOPELESS:
        return UNSURE, n, (x, xl, y, yl), e
    x, xl, y, yl, e = _step(
        (x, xl, y, yl, e, state[CX + lane], state[CXL + lane], state[CY + lane], state[CYL + lane])
    )
    s = x * x + y * y
    if s <= 1:
        return TINY, n + 1, (x, xl, y, yl), e
    outside = s >= OUT_SQUARE * (1 + e) * (1 + e)
    return (CERTAIN if inside and outside else UNSURE), n, (x, xl, y, yl), e


@kernel()
def remember(pool: Pool, to: int, lane: int) -> None:
    """Copy what belongs to an orbit besides its state."""
    pool.target[to] = pool.target[lane]
    for k in range(MEMORY):
        pool.memory[to, k] = pool.memory[lane, k]


@kernel()
def remove(pool: Pool, lane: int, last: int) -> None:
    """Copy the last lane over another."""
    for row in range(0, _STATE, _ROW):
        pool.state[row + lane] = pool.state[row + last]
    remember(pool, lane, last)
