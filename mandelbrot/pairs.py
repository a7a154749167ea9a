"""Complex numbers of 106 bits with an exponent: pairs of float64 for each part.

A number is ``(x + x_low + i (y + y_low)) 2^e``. Sums and products are Knuth's two-sum and the fused
multiply-add, as in double_double.py; the table of bla.py is merged with them, and the pixels that
differences in float64 leave uncertain are followed with them (paired.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mandelbrot.double_double import two_sum
from mandelbrot.extended_exponent import ZERO, Number, exponent, power_of_two
from mandelbrot.intrinsics import fma
from mandelbrot.jit import kernel

Pair: TypeAlias = tuple[float, float, float, float, int]
"""Real part, its low part, imaginary part, its low part; their exponent."""

if TYPE_CHECKING:
    Part = tuple[float, float]

PRODUCT = 2.0**-101
"""Bound of the relative error of a product: 15 u² for each part of it, u = 2^-53."""

SUM = 2.0**-104
"""Bound of the error of a sum, relative to |a| + |b|: 3 u²."""


@kernel()
def dot(
    ah: float, al: float, bh: float, bl: float, ch: float, cl: float, dh: float, dl: float
) -> Part:
    """Return a b + c d of double-doubles."""
    p, q = ah * bh, ch * dh
    low = fma(ah, bh, -p) + ah * bl + al * bh + (fma(ch, dh, -q) + ch * dl + cl * dh)
    high, rest = two_sum(p, q)
    return two_sum(high, rest + low)


@kernel()
def scaled_to_one(x: float, xl: float, y: float, yl: float, e: int) -> Pair:
    """Return a number with its larger mantissa in [1, 2)."""
    size = max(abs(x), abs(y))
    if size == 0:
        return 0.0, 0.0, 0.0, 0.0, ZERO
    shift = exponent(size)
    f = power_of_two(-shift)
    return x * f, xl * f, y * f, yl * f, e + shift


@kernel()
def product(a: Pair, b: Pair) -> Pair:
    """Return a b."""
    x = dot(a[0], a[1], b[0], b[1], -a[2], -a[3], b[2], b[3])
    y = dot(a[0], a[1], b[2], b[3], a[2], a[3], b[0], b[1])
    return scaled_to_one(x[0], x[1], y[0], y[1], a[4] + b[4])


@kernel()
def total(a: Pair, b: Pair) -> Pair:
    """Return a + b."""
    e = max(a[4], b[4])
    f, g = power_of_two(a[4] - e), power_of_two(b[4] - e)
    xh, xl = two_sum(a[0] * f, b[0] * g)
    yh, yl = two_sum(a[2] * f, b[2] * g)
    xh, xl = two_sum(xh, xl + (a[1] * f + b[1] * g))
    yh, yl = two_sum(yh, yl + (a[3] * f + b[3] * g))
    return scaled_to_one(xh, xl, yh, yl, e)


@kernel()
def high(a: Pair) -> Number:
    """Return the number rounded to float64 mantissas."""
    return a[0], a[2], a[4]
