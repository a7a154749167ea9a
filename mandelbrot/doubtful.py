"""The pixels that the near phase in float64 leaves uncertain: that phase again, in pairs.

Where a pixel's orbit was first near, its error is still that of the far phase, relative to a small
d. It is kept, and where float64 loses the count from there, the orbit goes on from it in pairs
(direct_pairs.py), many at once; in far phases between, as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import direct_pairs, together
from mandelbrot.direct_pairs import LANES, REBASED
from mandelbrot.double_double import two_sum
from mandelbrot.extended_exponent import normal, power_of_two
from mandelbrot.far import far, forget
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, NEAR, TINY
from mandelbrot.together import LEFT_E, LEFT_X, LEFT_Y, join, walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.pairs import Four
    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid

    Floats = NDArray[np.float64]

SIZE = 2**13
"""Orbits that wait: enough for lanes to be full most of the time."""

_SUM = 2.0**-101  # bound of the error of Z + d, that of Z included, relative to |z| + |d|
X, XL, Y, YL, ERROR, N = range(6)
"""Columns of where an orbit was: z_n in pairs, its error, n."""


class Queue(NamedTuple):
    """Where orbits were, and their pixels."""

    places: Floats
    pixels: NDArray[np.int64]


def queue() -> Queue:
    """Return memory for the orbits that wait."""
    return Queue(np.zeros((SIZE, N + 1)), np.zeros(SIZE, np.int64))


@kernel()
def start(orbit: Floats, m: int, x: float, y: float, error: float) -> tuple[Four, float]:
    """Return Z_m + d in pairs and its error, given d and its."""
    a, al = two_sum(orbit[m, 0], x)
    b, bl = two_sum(orbit[m, 1], y)
    error += _SUM * (abs(a) + abs(b) + abs(x) + abs(y))
    a, al = two_sum(a, al + orbit[m, 2])
    b, bl = two_sum(b, bl + orbit[m, 3])
    return (a, al, b, bl), error


@kernel()
def rounded(z: Four, error: float) -> tuple[tuple[float, float], float]:
    """Return z as two float64, and its error."""
    return (z[0], z[2]), error + abs(z[1]) + abs(z[3])


@kernel()
def point(grid: Grid, pixel: int) -> Four:
    """Return a pixel's c."""
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    return grid.c_re[i], grid.c_re_low[i], grid.c_im[j], grid.c_im_low[j]


@kernel()
def _go_together(
    group: together.Group,
    size: int,
    lanes: int,
    pool: direct_pairs.Pool,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> int:
    """Follow the orbits of a group, at Z_0, until they are near, or write their counts.

    Returns how many lanes there are then.
    """
    near = walk(group, size, 0, maxiter, frame)
    for k in range(size):
        pixel, m, n = pool.target[REBASED + k], group.m[k], group.n[k]
        x, y, error = group.state[LEFT_X + k], group.state[LEFT_Y + k], group.state[LEFT_E + k]
        if not near >> k & 1:
            j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
            d, dc = normal(x, y, 0), normal(grid.dc_re[i], grid.dc_im[j], grid.dc_e)
            error *= power_of_two(min(-d[2], 1000))
            status, d, error, m, n = far(
                d, error, dc, m, n, maxiter, pool.memory, REBASED + k, frame
            )
            f = power_of_two(d[2])
            x, y, error = d[0] * f, d[1] * f, error * f
            if status != NEAR:
                counts[pixel], unsure[pixel] = n, status != CERTAIN
                continue
        z, error = start(frame.orbit, m, x, y, error)
        direct_pairs.load(pool, lanes, z, error, point(grid, pixel), n)
        direct_pairs.remember(pool, lanes, REBASED + k)
        lanes += 1
    return lanes


@kernel()
def count_again(
    waiting: Queue,
    size: int,
    pool: direct_pairs.Pool,
    rebased: together.Group,
    maxiter: int,
    grid: Grid,
    frame: Frame,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> None:
    """Count the first `size` orbits that wait, from where they were."""
    lanes = gathered = taken = 0
    while (lanes or gathered or taken < size) and not cancel[0]:
        while taken < size and lanes + gathered < LANES:
            at, pixel = waiting.places[taken], waiting.pixels[taken]
            z = at[X], at[XL], at[Y], at[YL]
            direct_pairs.load(pool, lanes, z, at[ERROR], point(grid, pixel), int(at[N]))
            forget(pool.memory, lanes)
            pool.target[lanes] = pixel
            lanes, taken = lanes + 1, taken + 1
        for k in range(direct_pairs.advance(pool, lanes, frame.near, maxiter) - 1, -1, -1):
            lane = int(pool.chosen[k])
            pixel = pool.target[lane]
            status, n, z, error = direct_pairs.judge(pool, lane, maxiter)
            counts[pixel], unsure[pixel] = n, status != CERTAIN
            if status == TINY:
                d, error = rounded(z, error)
                join(rebased, gathered, pixel, d, error, 0, n, grid, frame)
                direct_pairs.remember(pool, REBASED + gathered, lane)
                gathered += 1
            lanes -= 1
            direct_pairs.remove(pool, lane, lanes)
            if gathered == together.SIZE:
                lanes = _go_together(
                    rebased, gathered, lanes, pool, maxiter, grid, frame, counts, unsure
                )
                gathered = 0
        if gathered and not lanes:
            lanes = _go_together(
                rebased, gathered, lanes, pool, maxiter, grid, frame, counts, unsure
            )
            gathered = 0
