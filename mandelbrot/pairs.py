"""Complex numbers of 106 bits with an exponent: pairs of float64 for each part.

A number is ``(x + x_low + i (y + y_low)) 2^e``. Sums and products are Knuth's two-sum and the fused
multiply-add, as in double_double.py; the table of bla.py is merged with them, and the pixels that
differences in float64 leave uncertain are followed with them (paired.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mandelbrot.double_double import two_sum_of_vectors
from mandelbrot.extended_exponent import ZERO, Number, exponent, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.vectors import scalar

Pair: TypeAlias = tuple[float, float, float, float, int]
"""Real part, its low part, imaginary part, its low part; their exponent."""

Four: TypeAlias = tuple[float, float, float, float]
"""The same in float64's range, without an exponent."""

if TYPE_CHECKING:
    from mandelbrot.vectors import Vector

    Vectors = tuple[Vector, Vector, Vector, Vector]

PRODUCT = 2.0**-101
"""Bound of the relative error of a product: 15 u² for each part of it, u = 2^-53."""

SUM = 2.0**-104
"""Bound of the error of a sum, relative to |a| + |b|: 3 u²."""


def _dot(
    ah: Vector, al: Vector, bh: Vector, bl: Vector, ch: Vector, cl: Vector, dh: Vector, dl: Vector
) -> tuple[Vector, Vector]:
    """Return a b + c d of double-doubles."""
    p, q = ah * bh, ch * dh
    low = (-p).plus_product_once(ah, bh) + ah * bl + al * bh
    low += (-q).plus_product_once(ch, dh) + ch * dl + cl * dh
    high, rest = two_sum_of_vectors(p, q)
    return two_sum_of_vectors(high, rest + low)


def times_of_vectors(a: Vectors, b: Vectors) -> Vectors:
    """Return a b, for code that is being generated."""
    x, xl = _dot(a[0], a[1], b[0], b[1], -a[2], -a[3], b[2], b[3])
    y, yl = _dot(a[0], a[1], b[2], b[3], a[2], a[3], b[0], b[1])
    return x, xl, y, yl


def plus_of_vectors(a: Vectors, b: Vectors) -> Vectors:
    """Return a + b, for code that is being generated."""
    x, xl = two_sum_of_vectors(a[0], b[0])
    y, yl = two_sum_of_vectors(a[2], b[2])
    x, xl = two_sum_of_vectors(x, xl + (a[1] + b[1]))
    y, yl = two_sum_of_vectors(y, yl + (a[3] + b[3]))
    return x, xl, y, yl


_times = scalar(lambda *parts: times_of_vectors(parts[:4], parts[4:]), 4)
_plus = scalar(lambda *parts: plus_of_vectors(parts[:4], parts[4:]), 4)


@kernel()
def times(a: Four, b: Four) -> Four:
    """Return a b, as float64's range allows."""
    return _times(a + b)  # type: ignore[no-any-return]  # numba is untyped


@kernel()
def plus(a: Four, b: Four) -> Four:
    """Return a + b."""
    return _plus(a + b)  # type: ignore[no-any-return]  # numba is untyped


@kernel()
def mantissa(a: Pair) -> Four:
    """Return a number without its exponent."""
    return a[0], a[1], a[2], a[3]


@kernel()
def by(a: Four, f: float) -> Four:
    """Return a f, f being a power of two."""
    return a[0] * f, a[1] * f, a[2] * f, a[3] * f


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
    x, xl, y, yl = times(mantissa(a), mantissa(b))
    return scaled_to_one(x, xl, y, yl, a[4] + b[4])


@kernel()
def total(a: Pair, b: Pair) -> Pair:
    """Return a + b."""
    e = max(a[4], b[4])
    f, g = power_of_two(a[4] - e), power_of_two(b[4] - e)
    x, xl, y, yl = plus(by(mantissa(a), f), by(mantissa(b), g))
    return scaled_to_one(x, xl, y, yl, e)


@kernel()
def high(a: Pair) -> Number:
    """Return the number rounded to float64 mantissas."""
    return a[0], a[2], a[4]
