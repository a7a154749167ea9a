"""Complex numbers of 184 bits with an exponent: three limbs for each part.

A number is ``(x + iy) 2^e``, x and y in fixed point as in three_limbs.py, below 8. Where it is
*normal* the larger of them is at least 1, and below 2 (or -2). What pairs.py is for most pixels
that float64 leaves uncertain, this is for the few that those leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mandelbrot.extended_exponent import ZERO, Number
from mandelbrot.fixed_point import WHOLE
from mandelbrot.intrinsics import leading_zeros
from mandelbrot.jit import kernel
from mandelbrot.three_limbs import add, magnitude, multiply, subtract

if TYPE_CHECKING:
    Limbs: TypeAlias = tuple[np.uint64, np.uint64, np.uint64]

Triple: TypeAlias = "tuple[Limbs, Limbs, int]"
"""Real and imaginary part, the least significant limb first; their exponent."""

UNIT = 184
"""Bits behind the binary point."""

LAST = 2.0**-183
"""More than a number is off by, as a complex one, where its parts are off by a unit: all errors are
below that, times 2^e: of a sum, and of a number that was made normal; of a product, twice that.
"""

_NONE, _WORD = np.uint64(0), np.uint64(64)
_ZERO = _NONE, _NONE, _NONE
_TOP = np.uint64(63)

NOTHING = _ZERO, _ZERO, ZERO
ONE = (_NONE, _NONE, np.uint64(2**56)), _ZERO, 0
"""The numbers 0 and 1."""


@kernel()
def _shift_left(a: Limbs, bits: int) -> Limbs:
    low, middle, high = a
    while bits >= 64:
        low, middle, high, bits = _NONE, low, middle, bits - 64
    if bits == 0:
        return low, middle, high
    up = np.uint64(bits)
    down = _WORD - up
    return low << up, (middle << up) | (low >> down), (high << up) | (middle >> down)


@kernel()
def _shift_right(a: Limbs, bits: int) -> Limbs:
    """Return a / 2^bits, rounded down."""
    low, middle, high = a
    sign = ~_NONE if high >> _TOP else _NONE
    while bits >= 64:
        low, middle, high, bits = middle, high, sign, bits - 64
    if bits == 0:
        return low, middle, high
    down = np.uint64(bits)
    up = _WORD - down
    return (
        (low >> down) | (middle << up),
        (middle >> down) | (high << up),
        (high >> down) | (sign << up),
    )


@kernel()
def _length(a: Limbs) -> int:
    """Return the number of bits of a, or of -a - 1."""
    flip = ~_NONE if a[2] >> _TOP else _NONE
    low, middle, high = a[0] ^ flip, a[1] ^ flip, a[2] ^ flip
    if high:
        return 192 - leading_zeros(high)
    if middle:
        return 128 - leading_zeros(middle)
    return 64 - leading_zeros(low)


@kernel()
def normal(a: Triple) -> Triple:
    """Return a with its larger part in [1, 2), or -2; 0 with an exponent as if it were a unit.

    So an error that is carried along has a size in units of 2^e also where all digits cancel.
    """
    x, y, e = a
    shift = UNIT + 1 - max(_length(x), _length(y))
    if shift >= 0:
        return _shift_left(x, shift), _shift_left(y, shift), e - shift
    return _shift_right(x, -shift), _shift_right(y, -shift), e - shift


@kernel()
def fixed(a: Triple) -> tuple[Limbs, Limbs]:
    """Return both parts without an exponent, which is at most 1, rounded down."""
    if a[2] > 0:
        return _shift_left(a[0], a[2]), _shift_left(a[1], a[2])
    return _shift_right(a[0], -a[2]), _shift_right(a[1], -a[2])


@kernel()
def _times(a: Limbs, b: Limbs) -> Limbs:
    """Return a b, rounded towards 0."""
    size = multiply(magnitude(a), magnitude(b))
    return subtract(_ZERO, size) if (a[2] ^ b[2]) >> _TOP else size


@kernel()
def doubled(a: Triple) -> Triple:
    """Return 2 a."""
    return a[0], a[1], a[2] + 1


@kernel()
def product(a: Triple, b: Triple) -> Triple:
    """Return a b, not made normal; |a||b| < 32."""
    x = subtract(_times(a[0], b[0]), _times(a[1], b[1]))
    y = add(_times(a[0], b[1]), _times(a[1], b[0]), _NONE)
    return x, y, a[2] + b[2]


@kernel()
def total(a: Triple, b: Triple) -> Triple:
    """Return a + b, not made normal; with the greater of their exponents."""
    if a[2] < b[2]:
        a, b = b, a
    down = a[2] - b[2]
    if down > UNIT + WHOLE:
        return a
    x, y = _shift_right(b[0], down), _shift_right(b[1], down)
    return add(a[0], x, _NONE), add(a[1], y, _NONE), a[2]


@kernel()
def _float(a: Limbs) -> float:
    flip = ~_NONE if a[2] >> _TOP else _NONE
    size = float(a[2] ^ flip) * 2.0**-56 + float(a[1] ^ flip) * 2.0**-120
    size += float(a[0] ^ flip) * 2.0**-184
    return -size if flip else size


@kernel()
def high(a: Triple) -> Number:
    """Return the number in float64, off by 2^-51 of its size and `LAST` 2^e; not made normal."""
    return _float(a[0]), _float(a[1]), a[2]
