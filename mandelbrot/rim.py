"""Whether z = Z_m + d is inside |z| ≤ 2 where both it and the reference orbit are close to |z| = 2.

Around c = -2, and along the lines on which the count changes, Z_m + d is 2 to all digits of
float64, and which side it is on is in d. There

    |z|² - 4 = (|Z_m|² - 4) + 2 Re(conj(Z_m) d) + |d|²,

of which the first term, the *excess* of Z_m, is kept by the reference orbit, to its relative
precision (reference_orbit.py). docs/exactness.md has the bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot.extended_exponent import ZERO, power_of_two
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.extended_exponent import Number

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

WIDTH = 2.0**-12
"""The excess up to which it is kept: more than deltas make of it while they are small."""

INDEX, EXPONENT, BOUND_EXPONENT = range(3)
EXCESS, BOUND = range(2)


class Rim(NamedTuple):
    """The iterates that are close to |z| = 2."""

    at: Integers
    """Shape (n, 3): the index of an iterate, the exponents of its excess and of that one's bound.
    """
    excess: Floats
    """Shape (n, 2): the mantissas of both."""
    size: int
    """How many there are; the rest of the rows is room for more."""


def rim(room: int) -> Rim:
    """Return one without iterates, and memory for some."""
    return Rim(np.zeros((room, 3), np.int64), np.zeros((room, 2)), 0)


@kernel()
def _find(rim: Rim, m: int) -> int:
    """Return the row of Z_m, or -1."""
    low, high = 0, rim.size
    while low < high:
        middle = (low + high) >> 1
        if rim.at[middle, INDEX] < m:
            low = middle + 1
        else:
            high = middle
    return low if low < rim.size and rim.at[low, INDEX] == m else -1


@kernel()
def side(rim: Rim, orbit: Floats, m: int, d: Number, error: float) -> int:
    """Return 1 where |Z_m + d| > 2, -1 where it is ≤ 2, and 0 where that is not certain.

    Parameters
    ----------
    orbit : float64 array of shape (n, 4)
        See `reference_orbit.iterate`.
    d, error
        The difference, and a bound of its error in units of its power of two.
    """
    k = _find(rim, m)
    if k < 0:
        return 0
    x, y, zx, zy = d[0], d[1], orbit[m, 0], orbit[m, 1]
    e, excess_e, bound_e = d[2], rim.at[k, EXPONENT], rim.at[k, BOUND_EXPONENT]
    scale, size = power_of_two(min(e, 100)), abs(x) + abs(y)
    change = 2 * (zx * x + zy * y) + (x * x + y * y) * scale
    loose = (5 + (2 * size + error) * scale) * (error + 2.0**-49 * size)
    unit = max(e, excess_e, bound_e, ZERO)
    excess = rim.excess[k, EXCESS] * power_of_two(excess_e - unit)
    bound = rim.excess[k, BOUND] * power_of_two(bound_e - unit) + abs(excess) * 2.0**-50
    f = power_of_two(e - unit)
    above, margin = excess + change * f, (bound + loose * f) * (1 + 2.0**-48)
    if above > margin:
        return 1
    return -1 if above <= -margin else 0
