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
from mandelbrot.jit import kernel
from mandelbrot.lanes import CX, CXL, CY, CYL, INSIDE, SLOT, START, XL, YL, N, S, X, Y
from mandelbrot.recurrence import Recurrence, Trail
from mandelbrot.vectors import scalar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.lanes import Pool
    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]
    Parts = tuple[Vector, Vector, Vector, Vector]

ROUNDING = 2.0**-98
"""Bound on |ẑ' - (ẑ² + c)| for one double-double step from |ẑ| ≤ 2, |c| ≤ 2, that of c included."""

_UP = 1 + 2.0**-48  # covers the rounding of |z|, of a bound in one step, and of a comparison

STEPS = 2
"""Steps in one pass of `advance`."""


def two_sum_of_vectors(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Return a + b, for code that is being generated: rounded, and the rounding error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def step_of_vectors(
    x: Vector,
    xl: Vector,
    y: Vector,
    yl: Vector,
    cx: Vector,
    cxl: Vector,
    cy: Vector,
    cyl: Vector,
) -> Parts:
    """Return z² + c, for code that is being generated: high and low parts, as `step`."""
    xx, yy, xy = x * x, y * y, x * y
    xx_low = (-xx).plus_product_once(x, x).plus_product_once(x + x, xl)
    yy_low = (-yy).plus_product_once(y, y).plus_product_once(y + y, yl)
    xy_low = (-xy).plus_product_once(x, y).plus_product_once(x, yl).plus_product_once(xl, y)
    real, low = two_sum_of_vectors(xx, -yy)
    real, low2 = two_sum_of_vectors(real, cx)
    low = (low + low2) + (xx_low - yy_low) + cxl
    imag, low3 = two_sum_of_vectors(xy + xy, cy)
    low3 = low3 + (xy_low + xy_low) + cyl
    a, b = real + low, imag + low3
    return a, low - (a - real), b, low3 - (b - imag)


_two_sum = scalar(two_sum_of_vectors, 2)
step = scalar(step_of_vectors, 4)
"""Return z² + c, given (and in) high and low part of the real and of the imaginary part."""


@kernel()
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Return a + b, rounded, and the rounding error."""
    return _two_sum((a, b))  # type: ignore[no-any-return]  # numba is untyped


def _bounded_step(
    x: Vector,
    xl: Vector,
    y: Vector,
    yl: Vector,
    s: Vector,
    cx: Vector,
    cxl: Vector,
    cy: Vector,
    cyl: Vector,
    _n: Vector,
    growth: Vector,
    e2: Vector,
    *_: Vector,
) -> tuple[Vector, ...]:
    size = (y * y).plus_product(x, x).plus_product(e2, s)
    s = s.constant(1).plus_product(growth * size, s)
    return *step_of_vectors(x, xl, y, yl, cx, cxl, cy, cyl), s


def _is_inside(x: Vector, _xl: Vector, y: Vector, *_: Vector) -> Vector:
    return x * x + y * y <= x.constant(4)


def _stays(*values: Vector) -> Vector:
    *z, s, _cx, _cxl, _cy, _cyl, n, _growth, _e2, maxiter, error2 = values
    bounded = error2 * n * s <= s.constant(lanes.ERROR_LIMIT)
    return _is_inside(*z) & (n < maxiter) & bounded


advance, lanes_at_once = Recurrence(
    steps=[_bounded_step] * STEPS,
    goes_on=_stays,
    variables=(X, XL, Y, YL, S),
    constants=(CX, CXL, CY, CYL, N),
    vectors=2,
    trail=Trail(START, SLOT, _is_inside, INSIDE, N, STEPS),
).compiled()

recount, recounted_at_once = lanes.certified_recount(
    step_of_vectors, variables=(X, XL, Y, YL), constants=(CX, CXL, CY, CYL), vectors=1
)


@kernel()
def count_point(cx: float, cy: float, maxiter: int) -> int:
    """Return the count at one exact float64 point, or -1 when it is not certain.

    Scalar, with the bound e' ≤ (2|ẑ| + e) e + δ itself: for so few points that lanes do not pay.
    """
    x = xl = y = yl = e = size = 0.0
    certain_inside = 0
    for n in range(1, maxiter + 1):
        e = ((2 * size + e) * e + ROUNDING) * _UP
        x, xl, y, yl = step((x, xl, y, yl, cx, 0.0, cy, 0.0))
        size = math.sqrt(x * x + y * y) * _UP
        if (size + e) * _UP <= 2:
            certain_inside = n
        elif size > (2 + e) * _UP * _UP:
            return n - 1 if certain_inside == n - 1 else -1
        if not e <= 1:
            return -1
    return maxiter if certain_inside == maxiter else -1


@kernel()
def _write_counts(
    pool: Pool,
    queued: int,
    parameters: tuple[float, float, float, float],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> None:
    for lane in range(0, queued, recounted_at_once()):
        bits = recount(pool[1], lane, STEPS, parameters)
        lanes.write(pool, lane, queued, bits, counts, certain)


@kernel()
def count_certified(
    pool: Pool,
    points: Floats,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> bool:
    """Write the counts for the first `size` points, and which are proven. False when cancelled.

    A point is its real and imaginary part, and the low parts of both.
    """
    state, _again, _target, _again_target, chosen = pool
    error2 = ROUNDING * ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    cap = float(maxiter)
    live = fresh = lanes.fill(pool, points, size, lanes.LONG)
    passes = 2
    queued = 0
    oldest, look = 0.0, 512.0  # the steps of a live lane at most, and when to count them
    while live:
        if cancel[0]:
            return False
        oldest += passes * STEPS
        finished = 0
        for lane in range(0, live, lanes_at_once()):
            bits = advance(state, lane, passes, (growth, kappa * oldest, cap, error2))
            finished = lanes.list_lanes(bits, lane, live, chosen, finished)
        if queued + finished > lanes.LANES:
            _write_counts(pool, queued, (growth, kappa, cap, error2), counts, certain)
            queued = 0
        queued = lanes.queue(pool, finished, passes, STEPS, maxiter, queued, lanes.LONG)
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(pool, finished, live, points, size, fresh, lanes.LONG)
        if oldest > look:
            oldest = lanes.oldest(state, live)
            look = 2 * oldest + 512
    _write_counts(pool, queued, (growth, kappa, cap, error2), counts, certain)
    return True
