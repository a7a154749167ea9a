"""The single pixels of a deep tile, each by itself until it is near, then together in lanes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import direct, direct_pairs, doubtful, taylor, together
from mandelbrot.bla import UNIT
from mandelbrot.direct import HOPELESS, LANES, T
from mandelbrot.doubtful import start
from mandelbrot.extended_exponent import ZERO, normal, power_of_two
from mandelbrot.far import MEMORY, far, forget
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, FLOAT, IN_SQUARE, NEAR, OUT_SQUARE, UNSURE
from mandelbrot.together import LEFT_E, LEFT_X, LEFT_Y, SIZE, join, walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.extended_exponent import Number
    from mandelbrot.perturbation import Frame

    Bools = NDArray[np.bool_]
    Flag = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LEAF = 8
"""Side of the largest blocks whose pixels are followed one by one."""

ROW, REBASED = LANES, LANES + SIZE
"""What belongs to the orbits of `Pool.row` and of `Pool.rebased` is kept behind the lanes."""

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
    places: Floats
    """Of a row of a block: real and imaginary parts of d, and the places."""
    row: together.Group
    """Neighbours in a block."""
    rebased: together.Group
    """Orbits at Z_0, until there are enough to go together."""
    again: together.Group
    """The same for doubtful.py."""
    waiting: doubtful.Queue
    pairs: direct_pairs.Pool


def pool() -> Pool:
    """Return memory for `blocks.count_tile`."""
    return Pool(
        np.zeros(direct.STATE),
        np.zeros(REBASED + SIZE, np.int64),
        np.zeros((REBASED + SIZE, MEMORY)),
        np.zeros(LANES, np.int32),
        np.zeros((REBASED + SIZE, doubtful.N + 1)),
        np.zeros((3, LEAF)),
        together.group(),
        together.group(),
        together.group(),
        doubtful.queue(),
        direct_pairs.pool(),
    )


@kernel(inline=True)
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
    f, width = power_of_two(e), right - left
    for i in range(width):
        pool.places[2, i] = (grid.s_re[left + i] - x) / scale
    for j in range(top, bottom):
        taylor.evaluate(b, (grid.s_im[j] - y) / scale, width, pool.places)
        size = 0
        for i in range(width):
            u, v, lane = pool.places[0, i], pool.places[1, i], ROW + size
            pixel = j * grid.c_re.size + left + i
            pool.target[lane], pool.first[lane, doubtful.N] = pixel, -1
            forget(pool.memory, lane)
            d = normal(u, v, e)
            if d[2] > FLOAT:
                join(pool.row, size, pixel, (u * f, v * f), error * f, m, n, grid, frame)
                size += 1
            else:
                loose = error * power_of_two(min(e - d[2], 1000)) if d[2] > ZERO else error
                lanes, _ = go_alone(
                    pool, lane, d, loose, m, n, lanes, 0, maxiter, grid, frame, counts, unsure
                )
        if size:
            lanes, _ = go_together(
                pool, pool.row, ROW, size, m, lanes, 0, maxiter, grid, frame, counts, unsure
            )
    return lanes


@kernel()
def go_together(
    pool: Pool,
    group: together.Group,
    first: int,
    size: int,
    m: int,
    lanes: int,
    queued: int,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> tuple[int, int]:
    """Follow the orbits of a group, all at Z_m, until they are near or their count is known.

    Returns how many lanes there are then, and how many orbits wait.
    """
    near = walk(group, size, m, maxiter, frame)
    for k in range(size):
        x, y, error = group.state[LEFT_X + k], group.state[LEFT_Y + k], group.state[LEFT_E + k]
        m, n = group.m[k], group.n[k]
        if near >> k & 1:
            _enter(pool, lanes, first + k, x, y, error, m, n, grid, frame)
            lanes += 1
        else:
            d = normal(x, y, 0)
            error *= power_of_two(min(-d[2], 1000))
            lanes, queued = go_alone(
                pool, first + k, d, error, m, n, lanes, queued, maxiter, grid, frame, counts, unsure
            )
    return lanes, queued


@kernel(inline=True)
def go_alone(
    pool: Pool,
    lane: int,
    d: Number,
    error: float,
    m: int,
    n: int,
    lanes: int,
    queued: int,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> tuple[int, int]:
    """Follow an orbit by itself, as `go_together` does."""
    pixel = pool.target[lane]
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    at = normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e)
    status, d, error, m, n = far(d, error, at, m, n, maxiter, pool.memory, lane, frame)
    if status == NEAR:
        f = power_of_two(d[2])
        _enter(pool, lanes, lane, d[0] * f, d[1] * f, error * f, m, n, grid, frame)
        return lanes + 1, queued
    counts[pixel], unsure[pixel] = n, status != CERTAIN
    return lanes, queued if status == CERTAIN else _wait(pool, lane, queued)


@kernel(inline=True)
def _enter(
    pool: Pool,
    lane: int,
    source: int,
    x: float,
    y: float,
    error: float,
    m: int,
    n: int,
    grid: Grid,
    frame: Frame,
) -> None:
    """Load an orbit that is near, at Z_m + x + iy, and has been followed as lane `source`."""
    _remember(pool, lane, source)
    first = pool.first[lane]
    if frame.strict and first[doubtful.N] < 0:
        z, loose = start(frame.orbit, m, x, y, error)
        first[doubtful.X], first[doubtful.XL], first[doubtful.Y], first[doubtful.YL] = z
        first[doubtful.ERROR], first[doubtful.N] = loose, n
    x, y = frame.orbit[m, 0] + x, frame.orbit[m, 1] + y
    pixel = pool.target[lane]
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    direct.load(pool.state, lane, x, y, grid.c_re[i], grid.c_im[j], n)
    # Rounding of Z and of Z + d.
    error = (error + 4 * UNIT * (abs(x) + abs(y))) * frame.strict
    pool.state[T + lane] = error * error * _UP


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
def _remember(pool: Pool, to: int, lane: int) -> None:
    """Copy what is known of an orbit besides its state."""
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
    gathered: int,
    queued: int,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> tuple[int, int, int]:
    """Deal with the lanes that do not go on, `pool.chosen`.

    Returns how many lanes are left, how many orbits are in `pool.rebased`, and how many wait.
    """
    strict = frame.strict > 0
    for k in range(stopped - 1, -1, -1):
        lane = int(pool.chosen[k])
        pixel, status, n, rebased = pool.target[lane], UNSURE, 0, False
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
                _remember(pool, REBASED + gathered, lane)
                join(pool.rebased, gathered, pixel, (u, v), error, 0, n + 1, grid, frame)
                rebased = True
        lanes -= 1
        if not rebased:
            counts[pixel], unsure[pixel] = n, status != CERTAIN
            if status != CERTAIN:
                queued = _wait(pool, lane, queued)
        direct.move_lane(pool.state, lane, lanes)
        _remember(pool, lane, lanes)
        gathered += rebased
        if gathered == SIZE:
            lanes, queued = go_together(
                pool, pool.rebased, REBASED, SIZE, 0, lanes, queued, maxiter, grid, frame, counts,
                unsure,
            )  # fmt: skip
            gathered = 0
    return lanes, gathered, queued
