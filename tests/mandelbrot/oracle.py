"""Independent, naive references: the seed's formula, and multiprecision iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

BITS = 1024


def exact_count(re: Fraction, im: Fraction, maxiter: int, bits: int = BITS) -> int:
    """The number of iterates z₁, z₂, … with |z| ≤ 2, capped, by plain iteration in MPFR."""
    with gmpy2.context(precision=bits):
        cx, cy = gmpy2.mpfr(gmpy2.mpq(re)), gmpy2.mpfr(gmpy2.mpq(im))
        x = y = xx = yy = gmpy2.mpfr(0)
        for n in range(maxiter):
            x, y = xx - yy + cx, 2 * x * y + cy
            xx, yy = x * x, y * y
            if xx + yy > 4:
                return n
    return maxiter


def float64_counts(
    re: NDArray[np.float64], im: NDArray[np.float64], maxiter: int
) -> NDArray[np.int64]:
    """The counts of the float64 recurrence, every operation rounded by itself, on a grid."""
    cx, cy = (a.ravel() for a in np.broadcast_arrays(re[np.newaxis, :], im[:, np.newaxis]))
    counts = np.full(cx.size, maxiter, np.int64)
    index = np.arange(cx.size)
    x, y = np.zeros_like(cx), np.zeros_like(cy)
    for n in range(maxiter):
        x, y = x * x - y * y + cx, 2 * x * y + cy
        inside = x * x + y * y <= 4
        counts[index[~inside]] = n
        index, x, y, cx, cy = (a[inside] for a in (index, x, y, cx, cy))
    return counts.reshape(im.size, re.size)


def seed_tile(level: int, row: int, column: int) -> NDArray[np.uint8]:
    """A tile of the original notebook: levels=40, tilesize=1024, maxiter=255.

    Its tile (y, x) starts at -2.5 + x * 5 / 2^(40 - level), and likewise for y; row 0 has the
    least imaginary part; its samples are the lower left corners.
    """
    width = 5.0 / 2 ** (40 - level)
    step = width / 1024
    re = (-2.5 + column * width) + np.arange(1024) * step
    im = (-2.5 + row * width) + np.arange(1024) * step
    return float64_counts(re, im, 255).astype(np.uint8)
