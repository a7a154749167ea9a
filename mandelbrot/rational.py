"""What exact rational arithmetic decides about a point: membership in closed form, short orbits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from gmpy2 import mpq

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from mandelbrot.plane import Tile

_NEAR = 2.0**-40  # beyond this distance float64 sees the side by itself

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


def short_count(re: Fraction, im: Fraction, maxiter: int) -> int | None:
    """Return the count of a point if a few steps decide it, else None.

    Decides the points with |z_n| = 2 exactly, such as 1.2 + 1.6i.
    """
    cx, cy = mpq(re), mpq(im)
    x, y = cx, cy
    for n in range(min(SHORT, maxiter)):
        if x * x + y * y > 4:
            return n
        x, y = x * x - y * y + cx, 2 * x * y + cy
    return maxiter if maxiter <= SHORT else None


def decide(
    tile: Tile,
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: NDArray[np.unsignedinteger],
    unsure: NDArray[np.bool_],
) -> None:
    """Count those unsure pixels that only exact arithmetic can decide, and unmark them.

    `out` holds what less exact arithmetic has found, which is enough to know where to look.
    """
    re, im = tile.re.float64(), tile.im.float64()
    for j in np.flatnonzero(unsure.any(axis=1)).tolist():
        columns = np.flatnonzero(unsure[j])
        x, y2 = re[columns], im[j] ** 2
        q = (x - 0.25) ** 2 + y2
        cardioid, disc = q * (q + x - 0.25) - y2 / 4, (x + 1) ** 2 + y2 - 1 / 16
        member = (np.minimum(np.abs(cardioid), np.abs(disc)) < _NEAR) | (y2 == 0)
        for i in columns[member | (out[j, columns] <= SHORT)].tolist():
            if cancel[0]:
                return
            count = short_count(tile.re[i], tile.im[j], maxiter)
            if count is None and is_member(tile.re[i], tile.im[j]):
                count = maxiter
            if count is not None:
                out[j, i], unsure[j, i] = count, False
