"""What exact rational arithmetic decides about a point: membership in closed form, short orbits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from gmpy2 import mpq

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from mandelbrot.plane import Tile

SHORT = 10
"""Steps of a short orbit: the digits of a rational one double in each."""


def is_member(re: Fraction, im: Fraction) -> bool:
    """Whether a point is in the closed main cardioid, the closed period-2 disc or the real segment.

    Points on these boundaries are in the Mandelbrot set, but no bound of finite precision shows it.
    """
    x, y2 = mpq(re), mpq(im) ** 2
    if y2 == 0:
        return bool(-2 <= x <= mpq(1, 4))
    q = (x - mpq(1, 4)) ** 2 + y2
    return bool(4 * q * (q + x - mpq(1, 4)) <= y2 or 16 * ((x + 1) ** 2 + y2) <= 1)


def may_be_member(tile: Tile) -> NDArray[np.bool_]:
    """Return the pixels for which `is_member` may hold though float64 does not show it."""
    near = 2.0**-40
    x, y2 = tile.re.float64().clip(-8, 8), tile.im.float64().clip(-8, 8)[:, np.newaxis] ** 2
    q = (x - 0.25) ** 2 + y2
    cardioid = np.abs(q * (q + x - 0.25) - y2 / 4)
    disc = np.abs((x + 1) ** 2 + y2 - 1 / 16)
    may_be: NDArray[np.bool_] = (np.minimum(cardioid, disc) < near) | (y2 == 0)
    return may_be


def short_count(re: Fraction, im: Fraction, maxiter: int) -> int | None:
    """Return the count of a point if its orbit leaves within a few steps, else None.

    Decides the points with |z_n| = 2 exactly, such as 1.2 + 1.6i.
    """
    cx, cy = mpq(re), mpq(im)
    x, y = cx, cy
    for n in range(min(SHORT, maxiter)):
        if x * x + y * y > 4:
            return n
        x, y = x * x - y * y + cx, 2 * x * y + cy
    return None
