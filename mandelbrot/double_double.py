"""The double-double rung: SIMD steps with numbers of 106 bits, and the same error bound.

A number is an unevaluated sum of two float64, the low one at most half a unit in the last place of
the high one. Sums and products of two float64 with their exact errors are Knuth's two-sum and the
fused multiply-add (Ogita, Rump & Oishi, SIAM J. Sci. Comput. 26, 2005). The certificate is that of
float64.py with another δ: see docs/exactness.md for its derivation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mandelbrot import lanes
from mandelbrot.intrinsics import fma
from mandelbrot.jit import kernel
from mandelbrot.lanes import (
    CX,
    CXL,
    CY,
    CYL,
    INSIDE,
    INSIDE_S,
    OUTSIDE,
    OUTSIDE_S,
    XL,
    YL,
    N,
    S,
    X,
    Y,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int32]

ROUNDING = 2.0**-98
"""Bound on |ẑ' - (ẑ² + c)| for one double-double step from |ẑ| ≤ 2, |c| ≤ 2, that of c included."""

_UP = 1 + 2.0**-48  # covers the rounding of |z|, of a bound in one step, and of a comparison

STEPS = 2
"""Steps unrolled in one pass over the lanes."""


@kernel()
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Return a + b, rounded, and the rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@kernel()
def step(
    x: float, xl: float, y: float, yl: float, cx: float, cxl: float, cy: float, cyl: float
) -> tuple[float, float, float, float]:
    """Return z² + c (high and low part of the real part, then of the imaginary part)."""
    xx, yy, xy = x * x, y * y, x * y
    xx_low = fma(x + x, xl, fma(x, x, -xx))
    yy_low = fma(y + y, yl, fma(y, y, -yy))
    xy_low = fma(xl, y, fma(x, yl, fma(x, y, -xy)))
    real, low = two_sum(xx, -yy)
    real, low2 = two_sum(real, cx)
    low = (low + low2) + (xx_low - yy_low) + cxl
    imag, low3 = two_sum(xy + xy, cy)
    low3 = low3 + (xy_low + xy_low) + cyl
    a, b = real + low, imag + low3
    return a, low - (a - real), b, low3 - (b - imag)


@kernel()
def advance(state: Floats, width: int, passes: int, growth: float, kappa: float) -> None:
    """Take ``passes * STEPS`` steps in the first `width` lanes, carrying S as in float64.py."""
    for _ in range(passes):
        for i in range(width):
            x, xl, y, yl = state[X + i], state[XL + i], state[Y + i], state[YL + i]
            s = state[S + i]
            for _ in range(STEPS):
                s = fma(growth * fma(kappa * state[N + i], s, x * x + y * y), s, 1.0)
                x, xl, y, yl = step(
                    x, xl, y, yl, state[CX + i], state[CXL + i], state[CY + i], state[CYL + i]
                )
            state[X + i], state[XL + i], state[Y + i], state[YL + i] = x, xl, y, yl
            state[S + i] = s


@kernel()
def recount(
    group: Floats, width: int, passes: int, maxiter: int, growth: float, kappa: float
) -> None:
    """Repeat `advance`, finding what certifies the counts: see `float64.recount_certified`."""
    for _ in range(passes * STEPS):
        for i in range(width):
            x, xl, y, yl = group[X + i], group[XL + i], group[Y + i], group[YL + i]
            n, r_out, s_out = group[N + i], group[OUTSIDE + i], group[OUTSIDE_S + i]
            s = fma(growth * fma(kappa * (n + 1), group[S + i], x * x + y * y), group[S + i], 1.0)
            x, xl, y, yl = step(
                x, xl, y, yl, group[CX + i], group[CXL + i], group[CY + i], group[CYL + i]
            )
            r = x * x + y * y
            stays = r <= 4
            leaves = (r_out == 0) & (not stays)
            counts = (r_out == 0) & stays & (n < maxiter)
            group[X + i], group[XL + i], group[Y + i], group[YL + i] = x, xl, y, yl
            group[S + i] = s
            group[N + i] = n + 1 if counts else n
            group[INSIDE + i] = r if counts else group[INSIDE + i]
            group[INSIDE_S + i] = s if counts else group[INSIDE_S + i]
            group[OUTSIDE + i] = r if leaves else r_out
            group[OUTSIDE_S + i] = s if leaves else s_out


@kernel()
def count_point(cx: float, cy: float, maxiter: int) -> int:
    """Return the count at one exact float64 point, or -1 when it is not certain.

    Scalar, with the bound e' ≤ (2|ẑ| + e) e + δ itself: for so few points that lanes do not pay.
    """
    x = xl = y = yl = e = size = 0.0
    certain_inside = 0
    for n in range(1, maxiter + 1):
        e = ((2 * size + e) * e + ROUNDING) * _UP
        x, xl, y, yl = step(x, xl, y, yl, cx, 0.0, cy, 0.0)
        size = math.sqrt(x * x + y * y) * _UP
        if (size + e) * _UP <= 2:
            certain_inside = n
        elif size > (2 + e) * _UP * _UP:
            return n - 1 if certain_inside == n - 1 else -1
        if not e <= 1:
            return -1
    return maxiter if certain_inside == maxiter else -1


@kernel()
def _load_low(state: Floats, target: Ints, lane: int, points: Floats) -> None:
    state[CXL + lane] = points[2, target[lane]]
    state[CYL + lane] = points[3, target[lane]]


@kernel()
def count_certified(
    points: Floats,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> bool:
    """Write the counts for ``points[:, :size]``, and which are proven. False when cancelled.

    A point is its real and imaginary part, and the low parts of both.
    """
    state, start, group, target, flag, chosen = lanes.allocate()
    error2 = ROUNDING * ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    live = fresh = lanes.fill(state, target, points, size)
    for i in range(live):
        _load_low(state, target, i, points)
    passes = lanes.next_passes(2, 0, 1)
    while live:
        if cancel[0]:
            return False
        width, steps = lanes.padded(live), passes * STEPS
        lanes.begin_round(state, start, width, steps)
        for i in range(width):
            start[XL + i], start[YL + i] = state[XL + i], state[YL + i]
        advance(state, width, passes, growth, kappa)
        finished = lanes.find_finished(state, flag, chosen, live, maxiter, error2)
        if finished:
            lanes.gather(state, start, group, chosen, finished, steps)
            for k in range(finished):
                i = chosen[k]
                group[XL + k], group[YL + k] = start[XL + i], start[YL + i]
                group[CXL + k], group[CYL + k] = state[CXL + i], state[CYL + i]
            recount(group, lanes.padded(finished), passes, maxiter, growth, kappa)
            lanes.certify(group, flag, finished, maxiter, error2)
            for k in range(finished):
                counts[target[chosen[k]]] = group[N + k]
                certain[target[chosen[k]]] = flag[k] != 0
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(state, target, chosen, finished, live, points, size, fresh)
        for k in range(finished):
            if chosen[k] < live:
                _load_low(state, target, chosen[k], points)
    return True
