"""Proofs about whole discs of points c: one count for all of them, or interior for ever.

A disc |c - c₀| ≤ ρ is iterated with its centre in float64 and a radius e that holds every orbit of
the disc, rounding included: with the centre orbit ẑ and a step error δ (`ROUNDING` + ρ),

    |z - ẑ| ≤ e    gives    |z' - ẑ'| ≤ (2|ẑ| + e) e + δ.

While |ẑ| + e ≤ 2 every orbit is inside; once |ẑ| - e > 2 all have left in the same step. When the
disc of orbits comes back into itself after p steps, every c of the disc has a bounded orbit: none
escapes, whatever the cap. docs/exactness.md has the proofs.
"""

from __future__ import annotations

import math

from mandelbrot.jit import kernel

UNIT = 2.0**-53
"""Half the distance from 1 to the next float64: the relative error of one rounded operation."""

ROUNDING = 20 * UNIT
"""Bound on |ẑ' - (ẑ² + c)| for one float64 step from |ẑ| ≤ 2, |c| ≤ 2, rounding of c included."""

UNSURE = -1
"""No proof for the disc; smaller ones may have it."""

HOPELESS = -2
"""No proof for the disc, and its orbit says that an eighth of its size would have none either."""

_LONGEST = 4096  # steps that a disc may take: its pixels run in SIMD for about the same time
_LONGEST_PERIOD = 2**18  # a longer proof would not notice a cancellation within 50 ms
_UP = 1 + 2.0**-50  # covers the rounding of a radius in one step, at most 6 operations of 2**-53


@kernel()
def in_main_components(x: float, y: float, radius: float) -> bool:
    """Whether the whole disc lies in the main cardioid or in the period-2 disc of the set."""
    # |gradient| of the cardioid's polynomial is below 11 on |x| ≤ 1.3, |y| ≤ 0.7.
    a = x - 0.25
    q = a * a + y * y
    if q * (q + a) - 0.25 * y * y < -(11 * radius + 2.0**-46) and q < 1.5:
        return True
    return math.sqrt((x + 1) * (x + 1) + y * y) + radius + 2.0**-46 < 0.25


@kernel()
def meets_main_components(x: float, y: float, radius: float) -> bool:
    """Whether a point of the disc may lie in the main cardioid or in the period-2 disc.

    Tells where to ask for single points; nothing is proven by it.
    """
    a = x - 0.25
    q = a * a + y * y
    if q * (q + a) - 0.25 * y * y < 11 * radius:
        return True
    reach = 0.25 + radius
    return (x + 1) * (x + 1) + y * y < reach * reach


@kernel()
def attracted(
    x: float,
    y: float,
    cx: float,
    cy: float,
    error: float,
    step_error: float,
    steps: float,
    distance: float,
) -> bool:
    """Whether all orbits within `error` of ẑ = x + iy provably stay bounded for ever.

    The orbit was at `distance` from ẑ a number of `steps` ago, hence a multiple of the suspected
    period ago. Finds the period p, then a disc around ẑ that p steps map into itself.
    """
    # First lap, of the centre: until it comes back, with the multiplier.
    near = 2 * distance + 8 * step_error
    longest = min(steps, _LONGEST_PERIOD)
    a, b = x, y
    multiplier = 1.0
    distance = math.inf
    period = 0
    while not distance <= near:
        if period >= longest:
            return False
        multiplier *= 2 * math.sqrt(a * a + b * b)
        a, b = a * a - b * b + cx, 2 * a * b + cy
        distance = math.sqrt((a - x) * (a - x) + (b - y) * (b - y))
        period += 1
    if not multiplier < 1:
        return False
    # Second lap, with a disc large enough to absorb both the return distance and the errors.
    start = max(2 * (distance + 2 * step_error) / (1 - multiplier), 2 * error)
    radius = start
    a, b = x, y
    size = math.sqrt(a * a + b * b)
    for _ in range(period):
        if not (size + radius) * _UP <= 2:
            return False
        radius = ((2 * size + radius) * radius + step_error) * _UP
        a, b = a * a - b * b + cx, 2 * a * b + cy
        size = math.sqrt(a * a + b * b)
    return (math.sqrt((a - x) * (a - x) + (b - y) * (b - y)) + radius) * _UP <= start


@kernel()
def _hopeful(x: float, y: float, cx: float, cy: float, n: int, maxiter: int) -> bool:
    """Whether the centre, from ẑ_n on, escapes before its derivative grows 16-fold (or does not).

    An eighth of the disc survives an 8-fold growth; the factor 2 is for centres that are not
    typical (measured: with 16 nothing is lost that an unlimited search proves).
    """
    growth = 1.0
    for _ in range(min(maxiter - n, 3 * n + 64)):
        size = x * x + y * y
        if size > 4:
            return True
        growth *= 4 * size
        if growth > 256:
            return False
        x, y = x * x - y * y + cx, 2 * x * y + cy
    return True


@kernel()
def disc_count(cx: float, cy: float, radius: float, maxiter: int) -> int:
    """Return the count that all points of a disc share, capped at `maxiter`; `UNSURE`; `HOPELESS`.

    `radius` must hold the points themselves, and at least the rounding of c.
    """
    if in_main_components(cx, cy, radius):
        return maxiter
    step_error = ROUNDING + radius
    x = y = size = e = saved_x = saved_y = 0.0
    saved = 8  # Brent's cycle search: ẑ at the last power of two
    near = 1e-4
    for n in range(min(maxiter, _LONGEST)):
        e = ((2 * size + e) * e + step_error) * _UP
        x, y = x * x - y * y + cx, 2 * x * y + cy
        size = math.sqrt(x * x + y * y)
        if not (size + e) * _UP <= 2:
            if size > (2 + e) * _UP:
                return n
            return UNSURE if _hopeful(x, y, cx, cy, n + 1, maxiter) else HOPELESS
        if n == 2 * saved:
            saved_x, saved_y, saved = x, y, n
        elif n > saved:
            distance = (x - saved_x) * (x - saved_x) + (y - saved_y) * (y - saved_y)
            if distance < max(near, e * e):
                if attracted(x, y, cx, cy, e, step_error, float(n - saved), math.sqrt(distance)):
                    return maxiter
                near = distance / 256
    return maxiter if maxiter <= _LONGEST else UNSURE
