"""The near phase of deep orbits: plain float64 iteration of many at once, with an error bound.

Once an orbit's delta is no longer small (|d| ≥ `Frame.near`), z itself in float64 says almost as
much as the delta does, and a step of z' = z² + c costs a tenth of one of d' = (2 Z + d) d + dc: it
reads no reference, and never has to be rebased. Where z comes so close to 0 that its square would
lose the delta's digits, the orbit goes back to the far phase as the difference from Z_0 = 0.

The lanes are many orbits that step together (SIMD). A lane that is to leave |z| ≤ 2, or to come
close to 0, stays as it is; a look after each round of steps deals with it. With e' ≤ (2|z| + e) e +
δ, where δ = 20u (docs/exactness.md, float64), and any η > 0, T ≥ e² follows

    T' = a (|z|² + b T) T + (1 + 1/η) δ²,    a = 4 (1 + η)²,    b = (1 + 1/η) / (4 (1 + η)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mandelbrot.intrinsics import fma
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LANES = 256
_ROW = LANES + 8
X, Y, CX, CY, T, N, MARK = range(0, 7 * _ROW, _ROW)
STATE = 7 * _ROW
STEPS = 4
"""Steps of a lane in one pass: a single one would be stored under a mask, which is slow (AMD)."""

ROUND = 16
"""Steps between two looks."""

_ETA = 2.0**-10
_UP = 1 + 2.0**-48
_GROW = 4 * (1 + _ETA) ** 2 * _UP
_MIX = (1 + 1 / _ETA) / (4 * (1 + _ETA)) * _UP
ROUNDING = 20 * 2.0**-53
"""Bound of |ẑ' - (ẑ² + c)| for |ẑ|, |c| ≤ 2, the rounding of c included."""

FLOOR = (1 + 1 / _ETA) * ROUNDING**2 * _UP


@kernel()
def step(
    x: float, y: float, cx: float, cy: float, t: float, floor: float
) -> tuple[float, float, float]:
    """Return z and T after the step that `advance` takes."""
    yy = y * y
    w = fma(_GROW * t, fma(_MIX, t, fma(x, x, yy)), floor)
    return fma(x, x, cx - yy), fma(x + x, y, cy), w


@kernel()
def advance(state: Floats, width: int, small: float, floor: float) -> None:
    """Take `STEPS` steps in each lane, as long as it stays within `small` ≤ |z|² ≤ 4.

    `floor` is `FLOOR`, or 0 where no bound is wanted (then T, begun as 0, stays 0).
    """
    for i in range(width):
        x, y, t, n = state[X + i], state[Y + i], state[T + i], state[N + i]
        for _ in range(STEPS):
            u, v, w = step(x, y, state[CX + i], state[CY + i], t, floor)
            s = fma(u, u, v * v)
            go = (s <= 4) & (s >= small)
            x, y, t = (u if go else x), (v if go else y), (w if go else t)
            n += 1.0 if go else 0.0
        state[X + i], state[Y + i], state[T + i], state[N + i] = x, y, t, n


@kernel()
def load(state: Floats, lane: int, x: float, y: float, cx: float, cy: float, n: int) -> None:
    """Begin a lane."""
    state[X + lane], state[Y + lane] = x, y
    state[CX + lane], state[CY + lane] = cx, cy
    state[N + lane] = state[MARK + lane] = n


@kernel()
def move_lane(state: Floats, to: int, lane: int) -> None:
    """Copy a lane over another."""
    for row in range(0, STATE, _ROW):
        state[row + to] = state[row + lane]
