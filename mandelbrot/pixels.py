"""The single pixels of a deep tile, each by itself until it is near, then together in lanes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import direct, direct_pairs, doubtful, taylor
from mandelbrot.bla import UNIT
from mandelbrot.direct import HOPELESS, LANES, T
from mandelbrot.doubtful import start
from mandelbrot.extended_exponent import ZERO, normal, power_of_two
from mandelbrot.far import MEMORY, far, forget
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
    c_re_low: Floats
    """c minus that."""
    c_im_low: Floats
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
    chosen: NDArray[np.int32]
    """Room for a list of lanes."""
    first: Floats
    """Where its orbit was first near, as doubtful.py has it; n is -1 where nothing is kept."""
    row: Floats
    """A row of a block: real and imaginary parts of d, and the places."""
    waiting: doubtful.Queue
    pairs: direct_pairs.Pool


def pool() -> Pool:
    """Return memory for `blocks.count_tile`."""
    return Pool(
        np.zeros(direct.STATE),
        np.zeros(LANES, np.int64),
        np.zeros((LANES, MEMORY)),
        np.zeros(LANES, np.int32),
        np.zeros((LANES, doubtful.N + 1)),
        np.zeros((3, LEAF)),
        doubtful.queue(),
        direct_pairs.pool(),
    )


@kernel()
def _begin(pool: Pool, lane: int) -> None:
    forget(pool.memory, lane)
    pool.first[lane, doubtful.N] = -1


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
                _enter(pool, lanes, pixel, px, py, error * f, m, n, grid, frame)
                lanes += 1
                continue
            d, at = normal(u, v, e), normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e)
            loose = error * power_of_two(min(e - d[2], 1000)) if d[2] > ZERO else error
            status, d, loose, m1, n1 = far(d, loose, at, m, n, maxiter, pool.memory, lanes, frame)
            if status == NEAR:
                g = power_of_two(d[2])
                _enter(pool, lanes, pixel, d[0] * g, d[1] * g, loose * g, m1, n1, grid, frame)
                lanes += 1
            else:
                counts[pixel], unsure[pixel] = n1, status != CERTAIN
    return lanes


@kernel()
def _enter(
    pool: Pool,
    lane: int,
    pixel: int,
    x: float,
    y: float,
    error: float,
    m: int,
    n: int,
    grid: Grid,
    frame: Frame,
) -> None:
    """Load an orbit that is near, at Z_m + x + iy."""
    first = pool.first[lane]
    if frame.strict and first[doubtful.N] < 0:
        z, loose = start(frame.orbit, m, x, y, error)
        first[doubtful.X], first[doubtful.XL], first[doubtful.Y], first[doubtful.YL] = z
        first[doubtful.ERROR], first[doubtful.N] = loose, n
    x, y = frame.orbit[m, 0] + x, frame.orbit[m, 1] + y
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    direct.load(pool.state, lane, x, y, grid.c_re[i], grid.c_im[j], n)
    # Rounding of Z and of Z + d.
    error = (error + 4 * UNIT * (abs(x) + abs(y))) * frame.strict
    pool.state[T + lane] = error * error * _UP
    pool.target[lane] = pixel


@kernel()
def _wait(pool: Pool, lane: int, queued: int) -> int:
    """Queue an orbit to be followed again from where it was first near; return how many wait."""
    if pool.first[lane, doubtful.N] < 0:
        return queued
    pool.waiting.pixels[queued] = pool.target[lane]
    for k in range(doubtful.N + 1):
        pool.waiting.places[queued, k] = pool.first[lane, k]
    return queued + 1


@kernel()
def _move(pool: Pool, to: int, lane: int) -> None:
    """Copy a lane over another."""
    direct.move_lane(pool.state, to, lane)
    pool.target[to] = pool.target[lane]
    for k in range(MEMORY):
        pool.memory[to, k] = pool.memory[lane, k]
    for k in range(doubtful.N + 1):
        pool.first[to, k] = pool.first[lane, k]


@kernel()
def settle(
    pool: Pool,
    stopped: int,
    lanes: int,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: Bools,
    queued: int,
) -> tuple[int, int]:
    """Deal with the lanes that do not go on, `pool.chosen`.

    Returns how many lanes are left, and how many orbits wait.
    """
    strict = frame.strict > 0
    for k in range(stopped - 1, -1, -1):
        lane = int(pool.chosen[k])
        pixel, status, n = pool.target[lane], UNSURE, 0
        if pool.state[T + lane] <= HOPELESS:
            x, y, square, n, u, v, after = direct.leave(
                pool.state, lane, maxiter, frame.near, frame.strict * direct.FLOOR
            )
            error = math.sqrt(square) * _UP
            inside = x * x + y * y <= IN_SQUARE - 4 * error or not strict
            s, error = u * u + v * v, math.sqrt(after) * _UP
            if n >= maxiter:
                n, status = maxiter, CERTAIN if inside else UNSURE
            elif s > 1:
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
                    f = power_of_two(d[2])
                    _enter(pool, lane, pixel, d[0] * f, d[1] * f, error * f, m, n, grid, frame)
                    continue
        counts[pixel], unsure[pixel] = n, status != CERTAIN
        if status != CERTAIN:
            queued = _wait(pool, lane, queued)
        lanes -= 1
        _move(pool, lane, lanes)
    return lanes, queued
