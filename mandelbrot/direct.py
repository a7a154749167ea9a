"""The near phase of deep orbits: plain float64 iteration of many at once, with an error bound.

Once an orbit's delta is no longer small (|d| ≥ `Frame.near`), z itself in float64 says almost as
much as the delta does, and a step of z' = z² + c costs a tenth of one of d' = (2 Z + d) d + dc: it
reads no reference, and never has to be rebased. Where z comes so close to 0 that its square would
lose the delta's digits, the orbit goes back to the far phase as the difference from Z_0 = 0.

The lanes are many orbits that step together (SIMD), some steps in a pass. A lane that leaves
|z| ≤ 2 in a pass, or comes close to 0, stays as it was before; a look after each round of passes
deals with it. With e' ≤ (2|z| + e) e + δ, where δ = 20u (docs/exactness.md, float64), and any
η > 0, T ≥ e² follows

    T' = a (|z|² + b T) T + (1 + 1/η) δ²,    a = 4 (1 + η)²,    b = (1 + 1/η) / (4 (1 + η)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mandelbrot.jit import kernel
from mandelbrot.lanes import list_lanes
from mandelbrot.recurrence import Recurrence
from mandelbrot.vectors import scalar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]

LANES = 256
_ROW = LANES + 8
X, Y, CX, CY, T, N = range(0, 6 * _ROW, _ROW)
STATE = 6 * _ROW
STEPS = 4
"""Steps in one pass."""

ROUND = 4
"""Passes between two looks."""

HOPELESS = 2.0**-4
"""A square of an error bound beyond which nothing can be certified."""

_ETA = 2.0**-10
_UP = 1 + 2.0**-48
_GROW = 4 * (1 + _ETA) ** 2 * _UP
_MIX = (1 + 1 / _ETA) / (4 * (1 + _ETA)) * _UP
ROUNDING = 20 * 2.0**-53
"""Bound of |ẑ' - (ẑ² + c)| for |ẑ|, |c| ≤ 2, the rounding of c included."""

FLOOR = (1 + 1 / _ETA) * ROUNDING**2 * _UP


def _step(x: Vector, y: Vector, t: Vector, cx: Vector, cy: Vector, floor: Vector) -> list[Vector]:
    """Return z, T and |z|² after a step; without `plus_product`, z is the same on all machines."""
    yy = y * y
    square = yy.plus_product_once(x, x)
    t = floor.plus_product_once(
        t.constant(_GROW) * t, square.plus_product_once(t.constant(_MIX), t)
    )
    x, y = (cx - yy).plus_product_once(x, x), cy.plus_product_once(x + x, y)
    return [x, y, t, (y * y).plus_product_once(x, x)]


def _held_pass(
    x: Vector, y: Vector, t: Vector, n: Vector, cx: Vector, cy: Vector,
    _before: Vector, small: Vector, floor: Vector, *_others: Vector,
) -> list[Vector]:  # fmt: skip
    u, v, w, square = _step(x, y, t, cx, cy, floor)
    least = square
    for _ in range(1, STEPS):
        u, v, w, square = _step(u, v, w, cx, cy, floor)
        least = square.where(square < least, least)
    # Who has left goes away from 0 ever faster: the last |z| can tell.
    goes = (square <= square.constant(4)) & (small <= least)
    after = u, v, w, n + n.constant(STEPS)
    return [a.where(goes, b) for a, b in zip(after, (x, y, t, n), strict=True)]


def _goes_on(
    _x: Vector, _y: Vector, t: Vector, n: Vector, _cx: Vector, _cy: Vector,
    before: Vector, _small: Vector, _floor: Vector, taken: Vector, maxiter: Vector,
) -> Vector:  # fmt: skip
    return (before + taken <= n) & (n < maxiter) & (t <= t.constant(HOPELESS))


_advance, _lanes_at_once = Recurrence(
    steps=[_held_pass],
    goes_on=_goes_on,
    variables=(X, Y, T, N),
    constants=(CX, CY, N),
    vectors=2,
).compiled()
_step_once = scalar(_step, 4)


@kernel()
def advance(
    state: Floats,
    lanes: int,
    small: float,
    floor: float,
    maxiter: int,
    chosen: NDArray[np.int32],
) -> int:
    """Take a round of steps, as long as `small` ≤ |z|² ≤ 4; return how many lanes do not go on.

    `chosen` lists them, in order. `floor` is `FLOOR`, or 0 where no bound is wanted (then T, begun
    as 0, stays 0).
    """
    found = 0
    for lane in range(0, lanes, _lanes_at_once()):
        bits = _advance(state, lane, ROUND, (small, floor, float(ROUND * STEPS), float(maxiter)))
        found = list_lanes(bits, lane, lanes, chosen, found)
    return found


@kernel()
def leave(
    state: Floats, lane: int, maxiter: int, small: float, floor: float
) -> tuple[float, float, float, int, float, float, float]:
    """Follow a lane that does not go on, as long as small ≤ |z|² ≤ 4, to z_maxiter at most.

    Returns z_n, T, n; z and T after the next step.
    """
    x, y, t, n = state[X + lane], state[Y + lane], state[T + lane], int(state[N + lane])
    u, v, w = x, y, t
    while n < maxiter:
        u, v, w, square = _step_once((x, y, t, state[CX + lane], state[CY + lane], floor))
        if not small <= square <= 4:
            break
        x, y, t, n = u, v, w, n + 1
    return x, y, t, n, u, v, w


@kernel()
def load(state: Floats, lane: int, x: float, y: float, cx: float, cy: float, n: int) -> None:
    """Begin a lane."""
    state[X + lane], state[Y + lane] = x, y
    state[CX + lane], state[CY + lane] = cx, cy
    state[N + lane] = n


@kernel()
def move_lane(state: Floats, to: int, lane: int) -> None:
    """Copy a lane over another."""
    for row in range(0, STATE, _ROW):
        state[row + to] = state[row + lane]
