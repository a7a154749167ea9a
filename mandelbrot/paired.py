"""Orbits as differences of 106 bits, for the pixels that differences of 53 leave uncertain.

The far phase of perturbation.py with `Pair`s for numbers, whatever the size of the delta: moves are
steps, d' = (2 Z + d) d + dc, or entries of series.py, and the certificate is the same with another
rounding (docs/exactness.md):

    E' ≤ (2|z| + E) E + 2^-98 |z||d| + 2^-102 |dc|,    |d| ≤ |z|.

Where neither d nor z is small, z itself is as good: direct_pairs.py, many orbits at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mandelbrot import direct_pairs, paired_together
from mandelbrot.bla import order
from mandelbrot.direct_pairs import LANES, NEW, REBASED
from mandelbrot.doubtful import point
from mandelbrot.extended_exponent import ZERO, modulus, power_of_two
from mandelbrot.far import forget, repeats
from mandelbrot.jit import kernel
from mandelbrot.paired_together import LEFT_E, NEAR_FROM, OF_DC, ROUNDING, SIZE, left, put, walk
from mandelbrot.pairs import (
    SUM,
    Four,
    Pair,
    by,
    high,
    mantissa,
    product,
    scaled_to_one,
    total,
)
from mandelbrot.perturbation import (
    CERTAIN,
    FLOAT,
    IN,
    NEAR,
    OUT,
    TINY,
    UNSURE,
    find,
    is_less,
    plain,
)
from mandelbrot.series import REFERENCE, SHORTEST, leap, there

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid

    Floats = NDArray[np.float64]

_ZERO = 0.0, 0.0, 0.0, 0.0
_UNKNOWN = 2.0**-52  # of an iterate that is kept with 53 bits
_UP = 1 + 2.0**-48


class Entries(NamedTuple):
    """The table of series.py, as the compiled functions take it."""

    offsets: NDArray[np.int64]
    entries: Floats
    radii: Floats
    last: int


class Places(NamedTuple):
    """The sample points of a tile as differences, to 106 bits."""

    re: Floats
    """``(re[0, i] + re[1, i] + 1j * (im[0, j] + im[1, j])) * 2**e`` is c - C."""
    im: Floats
    e: int


@kernel()
def step(d: Pair, error: float, dc: Pair, z: Pair, at: Pair, known: bool) -> tuple[Pair, float]:  # noqa: FBT001 - compiled
    """Return d and its error after one step from Z_m = `at`, `z` being Z_m + d.

    Of Z_m 106 bits are `known`, or only 53.
    """
    out = total(product(total(at, z), d), dc)
    size = modulus(high(z))
    f = power_of_two(min(z[4] + d[4] - out[4], 1000))
    grown = 2 * size * (error + 0.5 * ROUNDING * modulus(high(d))) * f
    grown += error * error * power_of_two(min(2 * d[4] - out[4], 1000))
    if not known:
        e = min(at[4] + d[4] - out[4], 1000)
        grown += 2 * _UNKNOWN * modulus(high(at)) * modulus(high(d)) * power_of_two(e)
    grown += OF_DC * modulus(high(dc)) * power_of_two(min(dc[4] - out[4], 1000))
    return out, grown * _UP


@kernel()
def follow(  # noqa: C901, PLR0911, PLR0912 - one loop, whose state does not split
    d: Pair,
    error: float,
    dc: Pair,
    m: int,
    n: int,
    maxiter: int,
    memory: Floats,
    lane: int,
    frame: Frame,
    table: Entries,
    cancel: NDArray[np.uint8],
) -> tuple[int, Pair, float, int]:
    """Follow an orbit, at d from Z_m, until it is near, or is rebased, or its count is known.

    Returns the status, `TINY` where it has been rebased; z; its error, with the exponent of z where
    it has been rebased, and of 0 where it is near; n.
    """
    at = 0.0, 0.0, 0.0, 0.0, ZERO
    if m > 0:
        at = there(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m)
    z = total(at, d)
    known, longest, moves = frame.orbit[m, 0] != 0 or frame.orbit[m, 1] != 0, maxiter, 0
    while n < maxiter:
        moves += 1
        if moves % 1024 == 0 and cancel[0]:
            return UNSURE, z, error, n
        # Where all digits have cancelled, the error would have the exponent of 0.
        if d[0] == 0 and d[2] == 0 and error > 0:
            return UNSURE, z, error, n
        size = modulus(high(z)) * power_of_two(z[4])
        if (
            d[4] > -20
            and size * size >= NEAR_FROM
            and modulus(high(d)) * power_of_two(d[4]) >= NEAR_FROM
        ):
            e = plain(error, d[4]) + 2 * (SUM + REFERENCE) * (2 * size)
            return NEAR, z, e, n
        k, level = -1, 0
        if m > 0:
            size = order(modulus(high(d)) + error, d[4])
            room = min(maxiter - n, longest)
            k, level = find(table.offsets, table.radii, m, table.last, room, size, SHORTEST)
        if k >= 0:
            steps = 1 << level
            moved, grown = leap(d, error, dc, table.entries[k])
        else:
            steps = 1
            moved, grown = step(d, error, dc, z, at, known)
        to = m + steps
        at_next = there(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, to)
        z_next = total(at_next, moved)
        size, loose = plain(modulus(high(z_next)), min(z_next[4], 100)), plain(grown, moved[4])
        if not size + loose <= IN:
            if steps > 1:
                longest = steps >> 1
                continue
            return (CERTAIN if size - loose >= OUT else UNSURE), z, error, n
        longest = maxiter
        n += steps
        d, z, error, at, m = moved, z_next, grown, at_next, to
        known = frame.orbit[m, 0] != 0 or frame.orbit[m, 1] != 0
        if m >= frame.last or is_less(high(z), high(d)):
            f = power_of_two(min(d[4] - z[4], 1000))
            g = power_of_two(min(at[4] - z[4], 1000))
            error = error * f + 2 * SUM * (modulus(high(d)) * f + modulus(high(at)) * g)
            error += (REFERENCE if known else _UNKNOWN) * modulus(high(at)) * g
            if m >= frame.last:
                error += frame.end_error * power_of_two(min(frame.end_e - z[4], 1000))
            error *= _UP
            # `repeats` takes d for a number of 53 bits.
            if repeats(high(z), error + 2 * _UNKNOWN, high(dc), n, maxiter, memory, lane, frame):
                return CERTAIN, z, error, maxiter
            return TINY, z, error, n
    return CERTAIN, z, error, maxiter


@kernel()
def _place(places: Places, pixel: int) -> Four:
    """Return a pixel's dc, in units of 2^e."""
    j, i = pixel // places.re.shape[1], pixel % places.re.shape[1]
    return places.re[0, i], places.re[1, i], places.im[0, j], places.im[1, j]


@kernel()
def _go_together(
    group: paired_together.Group,
    first: int,
    size: int,
    scale: int,
    lanes: int,
    maxiter: int,
    places: Places,
    grid: Grid,
    frame: Frame,
    table: Entries,
    pool: direct_pairs.Pool,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> int:
    """Follow the orbits of a group, at Z_0, until each is near again, or write its count.

    Returns how many lanes there are then. What belongs to the orbits is from lane `first` on. Those
    that are rebased go together again.
    """
    while size and not cancel[0]:
        walk(group, size, 0, scale, places.e, maxiter, frame, table, cancel)
        again = 0
        for k in range(size):
            lane, pixel = first + k, pool.target[first + k]
            at = _place(places, pixel)
            dc = scaled_to_one(at[0], at[1], at[2], at[3], places.e)
            d, m, n, status = left(group, k), group.m[k], group.n[k], TINY
            error = group.state[LEFT_E + k] * power_of_two(min(group.scale[k] - d[4], 1000))
            while status == TINY and not cancel[0]:
                status, d, error, n = follow(
                    d, error, dc, m, n, maxiter, pool.memory, lane, frame, table, cancel
                )
                m, f = 0, power_of_two(d[4])
                z = by(mantissa(d), f)
                if status == NEAR:
                    direct_pairs.load(pool, lanes, z, error, point(grid, pixel), n)
                    direct_pairs.remember(pool, lanes, lane)
                    lanes += 1
                elif status == TINY and d[4] > FLOAT:
                    put(group, again, z, error * f, z[0] * z[0] + z[2] * z[2], at, n)
                    direct_pairs.remember(pool, first + again, lane)
                    again += 1
                    break
                elif status != TINY:
                    counts[pixel], unsure[pixel] = n, status != CERTAIN
        size, scale = again, 0
    return lanes


@kernel(entry=True)
def count_pixels(
    places: Places,
    grid: Grid,
    maxiter: int,
    frame: Frame,
    table: Entries,
    pool: direct_pairs.Pool,
    new: paired_together.Group,
    rebased: paired_together.Group,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> bool:
    """Count the unsure pixels of a tile, and unmark those that are certain. False if cancelled."""
    lanes = gathered = next_pixel = 0
    while (lanes or gathered or next_pixel < counts.size) and not cancel[0]:
        while next_pixel < counts.size and lanes + gathered + SIZE <= LANES and not cancel[0]:
            size = 0
            while next_pixel < counts.size and size < SIZE:
                if unsure[next_pixel]:
                    pool.target[NEW + size] = next_pixel
                    forget(pool.memory, NEW + size)
                    put(new, size, _ZERO, 0.0, 0.0, _place(places, next_pixel), 0)
                    size += 1
                next_pixel += 1
            lanes = _go_together(
                new, NEW, size, places.e, lanes, maxiter, places, grid, frame, table, pool, cancel,
                counts, unsure,
            )  # fmt: skip
        for k in range(direct_pairs.advance(pool, lanes, NEAR_FROM, maxiter) - 1, -1, -1):
            lane = int(pool.chosen[k])
            pixel = pool.target[lane]
            status, n, z, error = direct_pairs.judge(pool, lane, maxiter)
            counts[pixel], unsure[pixel] = n, status != CERTAIN
            if status == TINY:
                square = z[0] * z[0] + z[2] * z[2]
                put(rebased, gathered, z, error, square, _place(places, pixel), n)
                direct_pairs.remember(pool, REBASED + gathered, lane)
                gathered += 1
            lanes -= 1
            direct_pairs.remove(pool, lane, lanes)
            if gathered == SIZE:
                lanes = _go_together(
                    rebased, REBASED, SIZE, 0, lanes, maxiter, places, grid, frame, table, pool,
                    cancel, counts, unsure,
                )  # fmt: skip
                gathered = 0
        if gathered and not lanes:
            lanes = _go_together(
                rebased, REBASED, gathered, 0, lanes, maxiter, places, grid, frame, table, pool,
                cancel, counts, unsure,
            )  # fmt: skip
            gathered = 0
    return not cancel[0]
