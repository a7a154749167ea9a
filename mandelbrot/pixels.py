"""The single pixels of a deep tile, each by itself until it is near, then together in lanes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import direct, taylor
from mandelbrot.bla import UNIT
from mandelbrot.direct import CX, CY, LANES, MARK, N, T, X, Y
from mandelbrot.extended_exponent import ZERO, Number, normal, power_of_two
from mandelbrot.far import far
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, IN_SQUARE, NEAR, OUT_SQUARE, UNSURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame

    Bools = NDArray[np.bool_]
    Flag = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LEAF = 8
"""Side of the largest blocks whose pixels are followed one by one."""

_HOPELESS = 2.0**-4  # a square of an error bound beyond which nothing can be certified
_UP = 1 + 2.0**-48


class Grid(NamedTuple):
    """The sample points of a tile, as differences and as they are."""

    dc_re: Floats
    """``(dc_re[i] + 1j * dc_im[j]) * 2**dc_e`` is c - C."""
    dc_im: Floats
    dc_e: int
    c_re: Floats
    """c rounded to float64."""
    c_im: Floats
    s_re: Floats
    """``s_re[i] + 1j * s_im[j]`` is the place in the tile's disc, of radius `radius` 2^`dc_e`."""
    s_im: Floats
    radius: float


class Pool(NamedTuple):
    """The pixels that are on their way one by one."""

    state: Floats
    target: Integers
    """The pixel of each lane."""
    memory: Floats
    """What `far.repeats` remembers of it."""
    row: Floats
    """A row of a block: real and imaginary parts of d, and the places."""


def pool() -> Pool:
    """Return memory for `blocks.count_tile`."""
    return Pool(
        np.zeros(direct.STATE),
        np.zeros(LANES, np.int64),
        np.zeros((LANES, 7)),
        np.zeros((3, LEAF)),
    )


@kernel()
def _begin(pool: Pool, lane: int) -> None:
    for k in range(7):
        pool.memory[lane, k] = 0.0
    pool.memory[lane, 3] = 2.0**40


@kernel()
def enter_block(
    b: Floats,
    e: int,
    error: float,
    m: int,
    n: int,
    place: tuple[float, float, float],
    box: tuple[int, int, int, int],
    maxiter: int,
    grid: Grid,
    frame: Frame,
    pool: Pool,
    lanes: int,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> int:
    """Follow the pixels of a block, until they are near, by themselves; return `lanes`, increased.

    `place` is the block's centre and radius in the tile's disc.
    """
    left, right, top, bottom = box
    x, y, scale = place
    varying = taylor.varying(b)
    error += 16 * taylor.DEGREE * (b[2, 0] + taylor.DEGREE * varying) * UNIT
    # A place is off by at most 4 u of the tile; |d'(s)| is below K times what varies.
    error += 8 * taylor.DEGREE * varying / scale * UNIT
    error *= frame.strict
    f, near_square = power_of_two(e), frame.near * frame.near
    z_x, z_y, width = frame.orbit[m, 0], frame.orbit[m, 1], right - left
    for i in range(width):
        pool.row[2, i] = (grid.s_re[left + i] - x) / scale
    for j in range(top, bottom):
        taylor.evaluate(b, (grid.s_im[j] - y) / scale, width, pool.row)
        for i in range(left, right):
            u, v = pool.row[0, i - left], pool.row[1, i - left]
            pixel, m1, n1 = j * grid.c_re.size + i, m, n
            px, py = u * f, v * f
            zx, zy = z_x + px, z_y + py
            _begin(pool, lanes)
            if px * px + py * py >= near_square and zx * zx + zy * zy >= frame.near:
                _load(pool, lanes, pixel, zx, zy, error * f, n, grid, frame)
                lanes += 1
                continue
            d, at = normal(u, v, e), normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e)
            loose = error * power_of_two(min(e - d[2], 1000)) if d[2] > ZERO else error
            status, d, loose, m1, n1 = far(d, loose, at, m, n, maxiter, pool.memory, lanes, frame)
            if status == NEAR:
                _enter(pool, lanes, pixel, d, loose, m1, n1, grid, frame)
                lanes += 1
            else:
                counts[pixel], unsure[pixel] = n1, status != CERTAIN
    return lanes


@kernel()
def _enter(
    pool: Pool,
    lane: int,
    pixel: int,
    d: Number,
    error: float,
    m: int,
    n: int,
    grid: Grid,
    frame: Frame,
) -> None:
    f = power_of_two(d[2])
    x, y = frame.orbit[m, 0] + d[0] * f, frame.orbit[m, 1] + d[1] * f
    _load(pool, lane, pixel, x, y, error * f, n, grid, frame)


@kernel()
def _load(
    pool: Pool,
    lane: int,
    pixel: int,
    x: float,
    y: float,
    error: float,
    n: int,
    grid: Grid,
    frame: Frame,
) -> None:
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    direct.load(pool.state, lane, x, y, grid.c_re[i], grid.c_im[j], n)
    # Rounding of Z and of Z + d.
    error = (error + 4 * UNIT * (abs(x) + abs(y))) * frame.strict
    pool.state[T + lane] = error * error * _UP
    pool.target[lane] = pixel


@kernel()
def settle(
    pool: Pool,
    lanes: int,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> int:
    """Deal with the lanes that stay as they are; return how many are left."""
    state, strict = pool.state, frame.strict > 0
    lane = 0
    while lane < lanes:
        n, square = int(state[N + lane]), state[T + lane]
        stays = n < state[MARK + lane] + direct.ROUND
        if not stays and n < maxiter and square <= _HOPELESS:
            state[MARK + lane] = n
            lane += 1
            continue
        pixel, status = pool.target[lane], UNSURE
        x, y, error = state[X + lane], state[Y + lane], math.sqrt(square) * _UP
        inside = x * x + y * y <= IN_SQUARE - 4 * error or not strict
        if n >= maxiter:
            n, status = maxiter, CERTAIN if inside else UNSURE
        elif stays and square <= _HOPELESS:
            u, v, square = direct.step(
                x, y, state[CX + lane], state[CY + lane], square, frame.strict * direct.FLOOR
            )
            s, error = u * u + v * v, math.sqrt(square) * _UP
            if s > 1:
                outside = s >= OUT_SQUARE * (1 + error) * (1 + error) or not strict
                status = CERTAIN if inside and outside else UNSURE
            else:
                j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
                at, d = normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e), normal(u, v, 0)
                error *= power_of_two(min(-d[2], 1000))
                status, d, error, m, n = far(
                    d, error, at, 0, n + 1, maxiter, pool.memory, lane, frame
                )
                if status == NEAR:
                    _enter(pool, lane, pixel, d, error, m, n, grid, frame)
                    lane += 1
                    continue
        counts[pixel], unsure[pixel] = n, status != CERTAIN
        lanes -= 1
        direct.move_lane(state, lane, lanes)
        pool.target[lane] = pool.target[lanes]
        for k in range(7):
            pool.memory[lane, k] = pool.memory[lanes, k]
    return lanes


@kernel()
def count_each(
    grid: Grid,
    maxiter: int,
    frame: Frame,
    pool: Pool,
    cancel: Flag,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> bool:
    """Count the unsure pixels by differences alone. False when cancelled."""
    for pixel in range(counts.size):
        if unsure[pixel]:
            if cancel[0]:
                return False
            j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
            at = normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e)
            _begin(pool, 0)
            status, _, _, _, n = far(
                (0.0, 0.0, ZERO), 0.0, at, 0, 0, maxiter, pool.memory, 0, frame
            )
            counts[pixel], unsure[pixel] = n, status != CERTAIN
    return True
