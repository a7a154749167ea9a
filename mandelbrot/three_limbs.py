"""Fixed-point orbits of three limbs, in registers: what most uncertain pixels of a tile need.

Numbers and bounds are those of fixed_point.py, but no orbit is followed longer than `LONGEST`, none
is recognised when it repeats, and a sum of squares is compared with 4 in float64. What remains
uncertain is left to fixed_point.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot.intrinsics import multiply_add
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Word: TypeAlias = np.uint64
    Number: TypeAlias = tuple[Word, Word, Word]

LONGEST = 2**14
"""The largest cap: interior orbits run to it, where longer ones are rather proven to stay."""

_ZERO, _ONE, _SIXTEEN, _TOP = np.uint64(0), np.uint64(1), np.uint64(16), np.uint64(63)
_WEIGHT = 2.0**-56  # of the last limb's unit
_UNIT = 2.0**-184
_ROUNDING = 4.0  # units, as in fixed_point.py
_UP = 1 + 2.0**-48
_COMPARED = 2.0**-48  # more than a sum of squares near 4 is off as a float64
_LOST = 2.0**-115  # more than float64 leaves out of a sum of squares whose first limbs are 0


@kernel()
def add(a: Number, b: Number, carry: Word) -> Number:
    """Return a + b, and one more unit for a carry of 1."""
    low, carry = multiply_add(a[0], _ONE, b[0], carry)
    middle, carry = multiply_add(a[1], _ONE, b[1], carry)
    high, _ = multiply_add(a[2], _ONE, b[2], carry)
    return low, middle, high


@kernel()
def subtract(a: Number, b: Number) -> Number:
    """Return a - b."""
    return add(a, (~b[0], ~b[1], ~b[2]), _ONE)


@kernel()
def magnitude(a: Number) -> Number:
    """Return 16 |a|, as fixed_point.py does."""
    flip, carry = (~_ZERO, _SIXTEEN) if a[2] >> _TOP else (_ZERO, _ZERO)
    low, carry = multiply_add(a[0] ^ flip, _SIXTEEN, _ZERO, carry)
    middle, carry = multiply_add(a[1] ^ flip, _SIXTEEN, _ZERO, carry)
    high, _ = multiply_add(a[2] ^ flip, _SIXTEEN, _ZERO, carry)
    return low, middle, high


@kernel()
def multiply(a: Number, b: Number) -> Number:
    """Return the product of two magnitudes, rounded down."""
    _, carry = multiply_add(a[0], b[0], _ZERO, _ZERO)
    one, carry = multiply_add(a[0], b[1], _ZERO, carry)
    two, three = multiply_add(a[0], b[2], _ZERO, carry)
    _, carry = multiply_add(a[1], b[0], one, _ZERO)
    two, carry = multiply_add(a[1], b[1], two, carry)
    three, four = multiply_add(a[1], b[2], three, carry)
    _, carry = multiply_add(a[2], b[0], two, _ZERO)
    three, carry = multiply_add(a[2], b[1], three, carry)
    four, five = multiply_add(a[2], b[2], four, carry)
    return three, four, five


@kernel()
def step(x: Number, y: Number, cx: Number, cy: Number) -> tuple[Number, Number, float]:
    """Return the parts of z² + c, and |z|² as a float64."""
    ax, ay = magnitude(x), magnitude(y)
    xx, yy = multiply(ax, ax), multiply(ay, ay)
    total = add(xx, yy, _ZERO)
    square = float(total[2]) * _WEIGHT + float(total[1]) * (_WEIGHT * 2.0**-64)
    xy = multiply(ax, ay)
    opposite = (x[2] ^ y[2]) >> _TOP != _ZERO
    real = add(subtract(xx, yy), cx, _ZERO)
    if opposite:
        return real, subtract(subtract(cy, xy), xy), square
    return real, add(add(cy, xy, _ZERO), xy, _ZERO), square


@kernel()
def margin(square: float, e: float) -> tuple[float, float]:
    """Return how far |z|², off by that of `step`, may be from the true one; and e after the step.

    Both e are bounds of the error of z, units.
    """
    error, size = e * _UNIT, math.sqrt(square + _LOST) * _UP
    grown = ((2 * size + error) * e + _ROUNDING) * _UP
    return (2 * size + error) * error * _UP + _COMPARED, grown


@kernel()
def count_point(cx: Number, cy: Number, e: float, maxiter: int, cancel: NDArray[np.uint8]) -> int:
    """Return the count at a point within `e` units of c, or -1 where it is not certain."""
    x, y = cx, cy
    for n in range(1, maxiter + 1):
        if n % 4096 == 0 and cancel[0]:
            return -1
        u, v, square = step(x, y, cx, cy)
        loose, grown = margin(square, e)
        if not square + loose <= 4:
            # All iterates before are certainly inside.
            return n - 1 if square - loose > 4 else -1
        x, y, e = u, v, grown
    return maxiter
