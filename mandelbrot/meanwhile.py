"""Certain counts from NumPy alone: for the first tiles, while the kernels are being compiled.

The same recurrence as the float64 rung's, in lockstep, with the same step error, and the bound of
discs.py: |z - ẑ| ≤ e gives |z' - ẑ'| ≤ (2|ẑ| + e) e + δ. A few pixels that this cannot certify are
followed in integers, with as many digits as they need. A count that is certain is that of exact
arithmetic, whoever finds it: these tiles have the bytes that the kernels give them.

NumPy lets other threads run while it computes. It takes some ten times as long as the kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import gmpy2
import numpy as np
from gmpy2 import mpz

from mandelbrot import rational
from mandelbrot.discs import ROUNDING, UNIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from numpy.typing import NDArray

    from mandelbrot.plane import Tile

    Bools = NDArray[np.bool_]
    Counts = NDArray[np.unsignedinteger]
    Floats = NDArray[np.float64]
    Stop = Callable[[], bool]

MOST_STEPS = 1024
"""The largest maxiter that is worth it: beyond, waiting for the kernels takes less time."""

_UP = 1 + 2.0**-48  # covers the rounding of a bound in one step, and of a comparison
_BAND = 2**15  # pixels that start together: their arrays stay in the second-level cache
_SHORT = 16  # steps after which the few that are left of a band wait for those of other bands
_POOL = 2**17  # pixels that wait at most
_INTEGER_STEPS = 2**17  # steps in integers that a tile may take: 0.3 s
_MOST_BITS = 2**12


class _Orbits(NamedTuple):
    """Orbits after the same number of steps: ẑ = x + iy, its error, c, and the pixel."""

    x: Floats
    y: Floats
    error: Floats
    cx: Floats
    cy: Floats
    pixel: NDArray[np.intp]


def count(tile: Tile, maxiter: int, out: Counts, unsure: Bools, stop: Stop) -> bool:
    """Write the counts of a tile, and mark in `unsure` those that are not certain.

    Returns False when `stop` said so.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # far outside
        _count_in_float64(tile, maxiter, out.reshape(-1), unsure.reshape(-1), stop)
    if not stop():
        finish(tile, maxiter, out, unsure, stop)
    return not stop()


def _count_in_float64(tile: Tile, maxiter: int, counts: Counts, unsure: Bools, stop: Stop) -> None:
    re, im = tile.re.float64(), tile.im.float64()
    rows = max(1, _BAND // re.size)
    pool: list[_Orbits] = []
    for top in range(0, im.size, rows):
        band = _start(re, im[top : top + rows], top * re.size, counts, maxiter)
        pool.append(_follow(band, 0, min(_SHORT, maxiter), counts, unsure, stop))
        if top + rows >= im.size or sum(orbits.x.size for orbits in pool) > _POOL:
            together = _Orbits(*map(np.concatenate, zip(*pool, strict=True)))
            _follow(together, _SHORT, maxiter, counts, unsure, stop)
            pool.clear()


def _start(re: Floats, im: Floats, first: int, counts: Counts, maxiter: int) -> _Orbits:
    """Fill the pixels of the two largest components, and return the orbits of the others."""
    cx, cy = (c.reshape(-1) for c in np.broadcast_arrays(re, im[:, np.newaxis]))
    # As in `discs.in_main_components`, with the rounding of c for a radius.
    a, yy = cx - 0.25, cy * cy
    q = a * a + yy
    member = (q * (q + a) - 0.25 * yy < -(22 * UNIT + 2.0**-46)) & (q < 1.5)
    member |= np.sqrt((cx + 1) * (cx + 1) + yy) + 2 * UNIT + 2.0**-46 < 0.25
    counts[first : first + cx.size][member] = maxiter
    others = np.flatnonzero(~member)
    x, y, error = np.zeros((3, others.size))
    return _Orbits(x, y, error, cx[others], cy[others], first + others)


def _follow(
    orbits: _Orbits, begin: int, end: int, counts: Counts, unsure: Bools, stop: Stop
) -> _Orbits:
    """Take the steps from `begin` to `end`; return the orbits that are certainly still inside.

    At the end of all they have the count `end`, which is written now.
    """
    x, y, e, cx, cy, pixel = orbits
    size = np.sqrt(x * x + y * y)
    for n in range(begin, end):
        if not x.size or stop():
            break
        size += size
        size += e
        e *= size
        e += ROUNDING
        e *= _UP
        xy = x * y
        x *= x
        y *= y
        x -= y
        x += cx
        np.add(xy, xy, out=y)
        y += cy
        np.multiply(x, x, out=size)
        np.multiply(y, y, out=xy)
        size += xy
        np.sqrt(size, out=size)
        inside = size + e <= 2 / _UP
        if inside.all():
            continue
        left = ~inside
        counts[pixel[left]] = n
        unsure[pixel[left]] = ~(size[left] - e[left] > 2 * _UP)
        x, y, e, cx, cy, size = (v[inside] for v in (x, y, e, cx, cy, size))
        pixel = pixel[inside]
    counts[pixel] = end
    return _Orbits(x, y, e, cx, cy, pixel)


def finish(tile: Tile, maxiter: int, out: Counts, unsure: Bools, stop: Stop) -> None:
    """Count the unsure pixels in integers, where they are few, and unmark those."""
    rational.decide(tile, maxiter, np.zeros(1, np.uint8), out, unsure)
    if np.count_nonzero(unsure) * maxiter > _INTEGER_STEPS:
        return
    for j, i in np.argwhere(unsure).tolist():
        if stop():
            return
        bits, certain = 128, None
        while certain is None and bits <= _MOST_BITS:
            certain = integer_count(tile.re[i], tile.im[j], maxiter, bits)
            bits *= 2
        if certain is not None:
            out[j, i], unsure[j, i] = certain, False


def integer_count(re: Fraction, im: Fraction, maxiter: int, bits: int) -> int | None:
    """Return the count of a point, followed in units of ``2**-bits``; None when it is not certain.

    The bound is that of the module, in units: rounded down, z² + c is off by less than √(2² + 2²)
    of them, the bound by 1, and |ẑ| by 1.
    """
    cx, cy = (mpz((part.numerator << bits) // part.denominator) for part in (re, im))
    x = y = size = e = mpz(0)
    two = mpz(2) << bits
    for n in range(maxiter):
        e = ((2 * size + 2 + e) * e >> bits) + 5
        x, y = ((x * x - y * y) >> bits) + cx, (x * y >> (bits - 1)) + cy
        size = gmpy2.isqrt(x * x + y * y)
        if size + 1 + e > two:
            return n if size - e > two else None
    return maxiter
