"""Complex numbers below the range of float64: two float64 mantissas and one integer exponent.

A number is ``(x + iy) 2^e``. Only the first steps of a deep orbit need them, until its delta is
within float64's own range; the hot loops do not know them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from mandelbrot.intrinsics import from_bits, to_bits
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from fractions import Fraction

Number: TypeAlias = tuple[float, float, int]
"""Real and imaginary mantissa, and their exponent."""

Real: TypeAlias = tuple[float, int]
"""The mantissa of a number above 0, and its exponent: bounds, which are no differences."""

ZERO = -(2**40)
"""The exponent of 0: below all others, and sums of two are in range."""


@kernel()
def power_of_two(e: int) -> float:
    """Return 2^e as float64; 0 below its normal range, infinity above."""
    if e < -1022:
        return 0.0
    return from_bits(min(e + 1023, 2047) << 52)


@kernel()
def exponent(a: float) -> int:
    """Return the e of 2^e ≤ |a| < 2^(e + 1), for a normal number; -1023 for 0."""
    return ((to_bits(a) >> 52) & 2047) - 1023


@kernel()
def normal(x: float, y: float, e: int) -> Number:
    """Return the number with its larger mantissa in [1, 2)."""
    size = max(abs(x), abs(y))
    if size == 0:
        return 0.0, 0.0, ZERO
    shift = exponent(size)
    factor = power_of_two(-shift)
    return x * factor, y * factor, e + shift


@kernel()
def multiply(a: Number, b: Number) -> Number:
    """Return a b."""
    return normal(a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0], a[2] + b[2])


@kernel()
def add(a: Number, b: Number) -> Number:
    """Return a + b."""
    e = max(a[2], b[2])
    f, g = power_of_two(a[2] - e), power_of_two(b[2] - e)
    return normal(a[0] * f + b[0] * g, a[1] * f + b[1] * g, e)


@kernel()
def modulus(a: Number) -> float:
    """Return |a| / 2^e, its relative error below 2^-51."""
    return math.sqrt(a[0] * a[0] + a[1] * a[1])


@kernel()
def real(v: float, e: int) -> Real:
    """Return ``v * 2**e`` with its mantissa in [1, 2)."""
    shift = exponent(v)
    return v * power_of_two(-shift), e + shift


@kernel()
def plus(a: Real, b: Real) -> Real:
    """Return a + b."""
    e = max(a[1], b[1])
    return real(a[0] * power_of_two(a[1] - e) + b[0] * power_of_two(b[1] - e), e)


@kernel()
def times(a: Real, b: Real) -> Real:
    """Return a b."""
    return a[0] * b[0], a[1] + b[1]


@kernel()
def over(a: Real, b: Real) -> Real:
    """Return a / b."""
    return a[0] / b[0], a[1] - b[1]


@kernel()
def value(a: Real) -> float:
    """Return a as float64."""
    return a[0] * power_of_two(a[1])


@kernel()
def root(a: Real, degree: int) -> Real:
    """Return the root of a, its relative error below 2^-50."""
    rest = a[1] % degree
    return real((a[0] * power_of_two(rest)) ** (1 / degree), (a[1] - rest) // degree)


@kernel()
def less(a: Real, b: Real) -> Real:
    """Return the smaller of two."""
    return a if a[0] * power_of_two(a[1] - b[1]) < b[0] else b


def from_fractions(re: Fraction, im: Fraction) -> Number:
    """Return a number of two fractions, each rounded once."""
    bits = [p.numerator.bit_length() - p.denominator.bit_length() for p in (re, im) if p]
    if not bits:
        return 0.0, 0.0, ZERO
    e = max(bits)
    return scaled(re, e), scaled(im, e), e


def scaled(value: Fraction, e: int) -> float:
    """Return a fraction divided by 2^e, rounded once."""
    # int / int is correctly rounded for integers of any size.
    return (value.numerator << max(-e, 0)) / (value.denominator << max(e, 0))
