"""The counts of a deep tile: blocks of pixels as polynomials, then the single pixels in lanes.

A tile is followed as one polynomial (taylor.py), divided when that no longer suffices, down to
blocks of a few pixels. What is left of a pixel's orbit is followed by itself, in turns of a far
phase (far.py) and a near one (direct.py): pixels.py. What float64 leaves uncertain there goes on
with more digits: doubtful.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import direct, doubtful, taylor
from mandelbrot.bla import UNIT, order, reference
from mandelbrot.direct import LANES
from mandelbrot.doubtful import count_again
from mandelbrot.extended_exponent import add, modulus, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.perturbation import FAR, IN, OUT, find, is_less, plain
from mandelbrot.pixels import LEAF, REBASED, Grid, Pool, enter_block, go_together, settle
from mandelbrot.rim import side
from mandelbrot.together import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame

    Bools = NDArray[np.bool_]
    Flag = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class Scratch(NamedTuple):
    """The blocks that wait, and one that is followed."""

    polynomials: Floats
    numbers: Floats
    """Exponent, error, centre and radius in the tile's disc."""
    boxes: Integers
    """Left, right, top, bottom; m, n."""
    here: Floats
    work: Floats
    dc: Floats


_CUT = 2.0**-46  # of what a step may cut off, relative to what varies in the block
_CUT_FAST = 2.0**-30
_BEND = 0.5  # the most that d'(s) may vary in a block: a pixel's error is relative to its own d'
_DEPTH = 128  # blocks that wait: three for each division of the tile
_UP = 1 + 2.0**-48


def scratch() -> Scratch:
    """Return memory for one call of `count_tile`."""
    shape = 3, taylor.DEGREE + 1
    return Scratch(
        np.zeros((_DEPTH, *shape)), np.zeros((_DEPTH, 5)), np.zeros((_DEPTH, 6), np.int64),
        np.zeros(shape), np.zeros(shape), np.zeros(3),
    )  # fmt: skip


@kernel()
def _follow(  # noqa: C901 - one loop, whose state does not split
    b: Floats,
    work: Floats,
    e: int,
    error: float,
    m: int,
    n: int,
    dc: Floats,
    dc_e: int,
    maxiter: int,
    frame: Frame,
    cancel: NDArray[np.uint8],
) -> tuple[int, float, int, int, int]:
    """Follow a block until it must be divided, or has one count for all of its pixels (or -1)."""
    strict = frame.strict
    longest = maxiter
    while not cancel[0]:
        if n >= maxiter:
            return e, error, m, n, maxiter
        k, level = -1, 0
        if e < FAR:
            size = b[2, 0] + taylor.varying(b) + error
            room = min(maxiter - n, longest)
            k, level = find(frame.offsets, frame.radii, m, frame.table_last, room, order(size, e))
        if k >= 0:
            steps = 1 << level
            out_e, out_error, cut = taylor.leap(
                b, e, error, dc, dc_e, k, frame.coefficients, frame.exponents, work
            )
        else:
            steps = 1
            there = reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m)
            out_e, out_error, cut = taylor.step(b, e, error, dc, dc_e, there, work)
        rest = taylor.varying(work)
        there = reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m + steps)
        z = add(there, (work[0, 0], work[1, 0], out_e))
        at = plain(modulus(z), min(z[2], 100))
        loose = plain(rest + strict * out_error, min(out_e, 100))
        inside, outside = at + loose <= IN, at - loose >= OUT
        if not inside and not outside and m + steps < frame.last:
            d = work[0, 0], work[1, 0], out_e
            known = side(frame.rim, frame.orbit, m + steps, d, rest + strict * out_error)
            inside, outside = known < 0, known > 0
        if steps == 1 and outside:
            return e, error, m, n, n
        if (
            not inside
            or not cut <= (_CUT if strict else _CUT_FAST) * rest
            or taylor.bend(work) > _BEND
        ):
            if steps == 1:
                return e, error, m, n, -1
            longest = steps >> 1
            continue
        longest = maxiter
        taylor.copy(work, b)
        e, error = out_e, out_error
        m += steps
        n += steps
        if m >= frame.last or is_less(z, (b[0, 0], b[1, 0], e)):
            # The same rebase for all: b_0 ← Z + b_0.
            if m >= frame.last:
                error += frame.end_error * power_of_two(min(frame.end_e - e, 1000))
            t = max(e, z[2])
            f, g = power_of_two(z[2] - t), power_of_two(e - t)
            error += 4 * UNIT * (b[2, 0] + rest)
            error = (error * g + 4 * UNIT * modulus(z) * f) * _UP
            for i in range(1, taylor.DEGREE + 1):
                b[0, i] *= g
                b[1, i] *= g
                b[2, i] *= g
            b[0, 0], b[1, 0], b[2, 0] = z[0] * f, z[1] * f, modulus(z) * f * _UP
            e, m = t, 0
    return e, error, m, n, -1


@kernel(entry=True)
def count_tile(
    grid: Grid,
    maxiter: int,
    frame: Frame,
    scratch: Scratch,
    pool: Pool,
    cancel: Flag,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> bool:
    """Write the counts of a tile, row by row, and where they are not certain.

    Returns False when cancelled.
    """
    polynomials, numbers, boxes, here, work, dc = scratch
    across, lanes, waiting, gathered, queued = grid.c_re.size, 0, 1, 0, 0
    # The whole tile.
    boxes[0, 1], boxes[0, 3] = across, grid.c_im.size
    numbers[0, 0], numbers[0, 4] = -(2.0**39), 1.0
    while (lanes or waiting or gathered) and not cancel[0]:
        while waiting and lanes <= LANES - LEAF * LEAF - SIZE and not cancel[0]:
            waiting -= 1
            box = boxes[waiting]
            left, right, top, bottom, m, n = box[0], box[1], box[2], box[3], box[4], box[5]
            taylor.copy(polynomials[waiting], here)
            e, error = int(numbers[waiting, 0]), numbers[waiting, 1]
            x, y, scale = numbers[waiting, 2], numbers[waiting, 3], numbers[waiting, 4]
            dc[0] = 0.5 * (grid.dc_re[left] + grid.dc_re[right - 1])
            dc[1] = 0.5 * (grid.dc_im[top] + grid.dc_im[bottom - 1])
            dc[2] = grid.radius * scale
            e, error, m, n, common = _follow(
                here, work, e, error, m, n, dc, grid.dc_e, maxiter, frame, cancel
            )
            if common >= 0:
                for j in range(top, bottom):
                    for i in range(left, right):
                        counts[j * across + i] = common
                        unsure[j * across + i] = False
            elif right - left > LEAF or bottom - top > LEAF:
                waiting = _divide(
                    here, e, error, m, n, (x, y, scale), (left, right, top, bottom), grid,
                    polynomials, numbers, boxes, waiting,
                )  # fmt: skip
            else:
                lanes = enter_block(
                    here, e, error, m, n, (x, y, scale), (left, right, top, bottom), maxiter, grid,
                    frame, pool, lanes, counts, unsure,
                )  # fmt: skip
        floor = frame.strict * direct.FLOOR
        stopped = direct.advance(pool.state, lanes, frame.near, floor, maxiter, pool.chosen)
        lanes, gathered, queued = settle(
            pool, stopped, lanes, gathered, queued, maxiter, grid, frame, counts, unsure
        )
        if gathered and not (lanes or waiting):
            lanes, queued = go_together(
                pool, pool.rebased, REBASED, gathered, 0, lanes, queued, maxiter, grid, frame,
                counts, unsure,
            )  # fmt: skip
            gathered = 0
        if queued > doubtful.SIZE - LANES or not (lanes or waiting):
            count_again(
                pool.waiting, queued, pool.pairs, pool.again, maxiter, grid, frame, cancel, counts,
                unsure,
            )  # fmt: skip
            queued = 0
    return not cancel[0]


@kernel()
def _divide(
    b: Floats,
    e: int,
    error: float,
    m: int,
    n: int,
    place: tuple[float, float, float],
    box: tuple[int, int, int, int],
    grid: Grid,
    polynomials: Floats,
    numbers: Floats,
    boxes: Integers,
    waiting: int,
) -> int:
    """Let the quarters of a block wait; return how many do."""
    left, right, top, bottom = box
    x, y, scale = place
    middle_x, middle_y = (left + right + 1) // 2, (top + bottom + 1) // 2
    s_re, s_im = grid.s_re, grid.s_im
    for quarter in range(4):
        a, c = (left, middle_x) if quarter % 2 == 0 else (middle_x, right)
        p, q = (top, middle_y) if quarter < 2 else (middle_y, bottom)
        if a >= c or p >= q:
            continue
        boxes[waiting, 0], boxes[waiting, 1], boxes[waiting, 2], boxes[waiting, 3] = a, c, p, q
        boxes[waiting, 4], boxes[waiting, 5] = m, n
        u, v = 0.5 * (s_re[a] + s_re[c - 1]), 0.5 * (s_im[p] + s_im[q - 1])
        half_x, half_y = 0.5 * (s_re[c - 1] - s_re[a]), 0.5 * (s_im[p] - s_im[q - 1])
        size = math.sqrt(half_x * half_x + half_y * half_y) * _UP + 2.0**-40
        rounding = taylor.divide(
            b, (u - x) / scale, (v - y) / scale, size / scale, polynomials[waiting]
        )
        # Of the places, as in `enter_block`.
        rounding += 8 * taylor.DEGREE * taylor.varying(b) / scale * UNIT
        numbers[waiting, 0], numbers[waiting, 1] = e, error + rounding
        numbers[waiting, 2], numbers[waiting, 3], numbers[waiting, 4] = u, v, size
        waiting += 1
    return waiting
