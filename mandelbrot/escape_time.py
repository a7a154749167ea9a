"""Escape-time counts of a tile: fast because of SIMD and proofs about blocks, right by certificate.

1. The tile, then blocks of its pixels are tried as discs of points c (discs.py): the far exterior
   and the interior, most of many tiles, are proven uniform without touching their pixels.
2. The pixels that are left go through a pool of lanes (lanes.py) that always holds many orbits.
   They step in SIMD registers (vectors.py, float64.py); then a look finds the lanes that have left
   |z| ≤ 2 since, which alone repeat the last few steps to find their counts, and are refilled. A
   test costs half as much as a step; here there is one per 6 or 8, a look per 6 to 128.
3. With a certificate, each lane carries a bound e of |ẑ - z|, ẑ being the computed orbit. A count n
   is certain when |ẑ_n| + e_n ≤ 2 and |ẑ_{n+1}| - e_{n+1} > 2: for |c| ≤ 2 an orbit that has left
   |z| ≤ 2 never comes back, so nothing has to be known about the iterates in between. The pixels
   that are not certain are marked for the next rung, which has more digits: double_double.py, then
   fixed_point.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from mandelbrot import double_double, float64
from mandelbrot.discs import (
    HOPELESS,
    UNIT,
    UNSURE,
    disc_count,
    in_main_components,
    meets_main_components,
)
from mandelbrot.jit import kernel
from mandelbrot.lanes import QUEUE, allocate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Counts = tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint32]]
    Flag = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Pixels = NDArray[np.int32]

_BLOCK, _SUB_BLOCK = 64, 8  # sides of the blocks that are tried as discs
_FULL = QUEUE - _BLOCK * _BLOCK
CANCELLED, FINISHED, UNIFORM = range(3)
"""How the counting of a tile ended. When it is proven uniform only its first count is written."""

_OUTSIDE2 = 4 * (1 + 2.0**-48)  # |c|² above which z₁ = c is outside, whatever the rounding
_FEW = 2**16  # steps that the orbits of a few pixels may take, one after the other: 1-2 ms


@kernel()
def _block_count(
    re: Floats, im: Floats, top: int, left: int, side: int, maxiter: int
) -> tuple[int, int, int]:
    """Return the common count (or `UNSURE`, or `HOPELESS`) of a block, its bottom and its right."""
    bottom, right = min(top + side, im.size), min(left + side, re.size)
    half_width, half_height = 0.5 * (re[right - 1] - re[left]), 0.5 * (im[top] - im[bottom - 1])
    # 8 units cover the rounding of c, of the centre and of the radius (|c| ≤ 4 or the count is 0).
    radius = math.sqrt(half_width * half_width + half_height * half_height)
    radius = radius * (1 + 8 * UNIT) + 8 * UNIT
    cx, cy = re[left] + half_width, im[bottom - 1] + half_height
    return disc_count(cx, cy, radius, maxiter), bottom, right


@kernel()
def _uniform_count(re: Floats, im: Floats, maxiter: int) -> int:
    x = max(0.0, re[0], -re[re.size - 1])
    y = max(0.0, im[im.size - 1], -im[0])
    if x * x + y * y > _OUTSIDE2:
        return 0
    first = _block_count(re, im, 0, 0, _BLOCK, maxiter)[0]
    for top in range(0, im.size, _BLOCK):
        for left in range(0, re.size, _BLOCK):
            count = _block_count(re, im, top, left, _BLOCK, maxiter)[0]
            if count < 0 or count != first:
                return UNSURE
    return first


@kernel(entry=True)
def uniform_count(re: Floats, im: Floats, maxiter: int) -> int:
    """Return the count that all points of a tile share, or a negative number without a proof."""
    return _uniform_count(re, im, maxiter)


def counts_of(out: NDArray[np.unsignedinteger]) -> Counts:
    """Return `out`, flat, as the compiled functions take it: one of three arrays is not empty.

    They are compiled once for all dtypes.
    """
    dtypes = np.uint8, np.uint16, np.uint32
    flat = tuple(out.reshape(-1) if out.dtype == t else np.empty(0, t) for t in dtypes)
    return cast("Counts", flat)


@kernel()
def _store(out: Counts, pixel: int, count: int) -> None:
    if out[0].size:
        out[0][pixel] = count
    elif out[1].size:
        out[1][pixel] = count
    else:
        out[2][pixel] = count


@kernel()
def _fill(
    out: Counts, width: int, top: int, bottom: int, left: int, right: int, count: int
) -> None:
    for j in range(top, bottom):
        begin, end = j * width + left, j * width + right
        if out[0].size:
            out[0][begin:end] = count
        elif out[1].size:
            out[1][begin:end] = count
        else:
            out[2][begin:end] = count


@kernel()
def _next_queue(
    re: Floats,
    im: Floats,
    maxiter: int,
    cancel: Flag,
    block: int,
    out: Counts,
    points: Floats,
    pixels: Pixels,
) -> tuple[int, int]:
    """Fill proven blocks of `out`, from number `block` on, and queue the pixels of the others.

    Returns the number of the first block not looked at, and the length of the queue.
    """
    queued = 0
    across = (re.size + _BLOCK - 1) // _BLOCK
    blocks = across * ((im.size + _BLOCK - 1) // _BLOCK)
    while block < blocks and queued <= _FULL and not cancel[0]:
        y, x = block // across * _BLOCK, block % across * _BLOCK
        block += 1
        count, bottom, right = _block_count(re, im, y, x, _BLOCK, maxiter)
        if count >= 0:
            _fill(out, re.size, y, bottom, x, right, count)
            continue
        for top in range(y, bottom, _SUB_BLOCK):
            for left in range(x, right, _SUB_BLOCK):
                low, end = min(top + _SUB_BLOCK, im.size), min(left + _SUB_BLOCK, re.size)
                sub = HOPELESS
                if count != HOPELESS:
                    sub, low, end = _block_count(re, im, top, left, _SUB_BLOCK, maxiter)
                if sub >= 0:
                    _fill(out, re.size, top, low, left, end, sub)
                    continue
                middle_x, middle_y = 0.5 * (re[left] + re[end - 1]), 0.5 * (im[top] + im[low - 1])
                radius = re[end - 1] - middle_x + im[top] - middle_y
                ask = meets_main_components(middle_x, middle_y, radius)
                for j in range(top, low):
                    for i in range(left, end):
                        if ask and in_main_components(re[i], im[j], 2 * UNIT):
                            _store(out, j * re.size + i, maxiter)
                        else:
                            points[queued], points[QUEUE + queued] = re[i], im[j]
                            pixels[queued] = j * re.size + i
                            queued += 1
    return block, queued


@kernel(entry=True, allocates=True)
def fast_tile(re: Floats, im: Floats, maxiter: int, cancel: Flag, out: Counts) -> int:
    """Write the counts of the float64 recurrence at ``re[i] + 1j * im[j]``, row by row, to `out`.

    Returns `CANCELLED`, `FINISHED` or `UNIFORM`.
    """
    count = _uniform_count(re, im, maxiter)
    if count >= 0:
        _store(out, 0, count)
        return UNIFORM
    points, pixels = np.empty(2 * QUEUE), np.empty(QUEUE, np.int32)
    counts = np.empty(QUEUE, np.uint32)
    pool = allocate()
    block, queued = 0, -1
    while queued != 0 and not cancel[0]:
        block, queued = _next_queue(re, im, maxiter, cancel, block, out, points, pixels)
        if not float64.count(pool, points, queued, maxiter, cancel, counts):
            return CANCELLED
        for k in range(queued):
            _store(out, pixels[k], counts[k])
    return CANCELLED if cancel[0] else FINISHED


@kernel(entry=True, allocates=True)
def certified_tile(
    re: Floats,
    im: Floats,
    exact: bool,  # noqa: FBT001 - compiled functions have no keyword arguments
    maxiter: int,
    cancel: Flag,
    out: Counts,
    unsure: Bools,
) -> int:
    """As `fast_tile`, with counts that are certain, except where `unsure` is set.

    When the points are `exact`, a few that float64 cannot certify are settled here, which spares
    most tiles the next rung (and a first picture its compilation).
    """
    count = _uniform_count(re, im, maxiter)
    if count >= 0:
        _store(out, 0, count)
        return UNIFORM
    few = _FEW if exact else 0
    points, pixels = np.empty(2 * QUEUE), np.empty(QUEUE, np.int32)
    counts, certain = np.empty(QUEUE, np.uint32), np.empty(QUEUE, np.bool_)
    pool = allocate()
    block, queued = 0, -1
    while queued != 0 and not cancel[0]:
        block, queued = _next_queue(re, im, maxiter, cancel, block, out, points, pixels)
        if not float64.count_certified(pool, points, queued, maxiter, cancel, counts, certain):
            return CANCELLED
        for k in range(queued):
            _store(out, pixels[k], counts[k])
            if not certain[k]:
                count = -1
                if maxiter <= few:
                    count = double_double.count_point(points[k], points[QUEUE + k], maxiter)
                    few -= count if count >= 0 else maxiter
                if count >= 0:
                    _store(out, pixels[k], count)
                unsure[pixels[k]] = count < 0
    return CANCELLED if cancel[0] else FINISHED


@kernel(entry=True, allocates=True)
def refined_tile(
    re: Floats,
    im: Floats,
    re_low: Floats,
    im_low: Floats,
    rows: NDArray[np.intp],
    maxiter: int,
    cancel: Flag,
    out: Counts,
    unsure: Bools,
) -> bool:
    """Count the unsure pixels again with double-doubles, and clear the marks of the certain ones.

    ``re + re_low``, ``im + im_low`` are the points; only in `rows` are any unsure. Returns False
    when cancelled.
    """
    points, pixels = np.empty(4 * QUEUE), np.empty(QUEUE, np.int32)
    counts, certain = np.empty(QUEUE, np.uint32), np.empty(QUEUE, np.bool_)
    pool = allocate()
    row, i = 0, 0
    while row < rows.size:
        queued = 0
        while row < rows.size and queued < QUEUE:
            j = rows[row]
            if unsure[j * re.size + i]:
                points[queued], points[QUEUE + queued] = re[i], im[j]
                points[2 * QUEUE + queued] = re_low[i]
                points[3 * QUEUE + queued] = im_low[j]
                pixels[queued] = j * re.size + i
                queued += 1
            i += 1
            if i == re.size:
                row, i = row + 1, 0
        if not double_double.count_certified(
            pool, points, queued, maxiter, cancel, counts, certain
        ):
            return False
        for k in range(queued):
            _store(out, pixels[k], counts[k])
            unsure[pixels[k]] = not certain[k]
    return True
