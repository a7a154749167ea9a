"""Orbits as differences of 106 bits, for the pixels that differences of 53 leave uncertain.

The far phase of perturbation.py with `Pair`s for numbers, whatever the size of the delta: moves are
steps, d' = (2 Z + d) d + dc, or entries of series.py, and the certificate is the same with another
rounding (docs/exactness.md):

    E' ≤ (2|z| + E) E + 2^-98 |z||d| + 2^-102 |dc|,    |d| ≤ |z|.

Where neither d nor z is small, z itself is as good: direct_pairs.py, many orbits at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mandelbrot import direct_pairs
from mandelbrot.bla import order
from mandelbrot.direct_pairs import LANES
from mandelbrot.doubtful import point
from mandelbrot.extended_exponent import ZERO, modulus, power_of_two
from mandelbrot.far import forget, repeats
from mandelbrot.jit import kernel
from mandelbrot.pairs import (
    SUM,
    Pair,
    by,
    high,
    mantissa,
    plus,
    product,
    scaled_to_one,
    times,
    total,
)
from mandelbrot.perturbation import (
    CERTAIN,
    IN,
    IN_SQUARE,
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

ROUNDING = 2.0**-98
"""Bound of a step's rounding, relative to |z||d|."""

NEAR_FROM = 2.0**-17
"""|d|, and |z|², from which an orbit is iterated as z² + c."""

_FLOAT = -450  # log2 of the |d| from which squares are in float64's range
_WALK = 256  # steps at most
_FIRST = (1 << SHORTEST) - 1
_UNKNOWN = 2.0**-52  # of an iterate that is kept with 53 bits
_DC = 2.0**-102  # of dc, with the sum
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
    grown += _DC * modulus(high(dc)) * power_of_two(min(dc[4] - out[4], 1000))
    return out, grown * _UP


@kernel()
def _walk(
    d: Pair, error: float, dc: Pair, m: int, n: int, maxiter: int, frame: Frame, table: Entries
) -> tuple[Pair, float, int, int]:
    """Take single steps in float64's range, up to one of which more than that has to be known.

    Returns d, its error, m, n.
    """
    orbit, small = frame.orbit, power_of_two(2 * _FLOAT)
    f = power_of_two(d[4])
    w, e, by_dc = by(mantissa(d), f), error * f, by(mantissa(dc), power_of_two(dc[4]))
    rounding = _DC * (abs(by_dc[0]) + abs(by_dc[2]))
    at = orbit[m, 0], orbit[m, 2], orbit[m, 1], orbit[m, 3]
    z = plus(at, w)
    r = z[0] * z[0] + z[2] * z[2]
    stop = min(maxiter, n + _WALK)
    while n < stop:
        to = m + 1
        there = orbit[to, 0], orbit[to, 2], orbit[to, 1], orbit[to, 3]
        moved = plus(times(plus(at, z), w), by_dc)
        z_next = plus(there, moved)
        s = z_next[0] * z_next[0] + z_next[2] * z_next[2]
        square = moved[0] * moved[0] + moved[2] * moved[2]
        size = 2 * math.sqrt(r)
        grown = (size + e) * e + 0.5 * ROUNDING * size * (abs(w[0]) + abs(w[2])) + rounding
        grown *= _UP
        if (
            not s <= IN_SQUARE - 4 * grown
            or to >= frame.last
            or s < square
            or square < small
            or (there[0] == 0 and there[2] == 0)
        ):
            break
        w, z, r, e, at, m, n = moved, z_next, s, grown, there, to, n + 1
        if square >= NEAR_FROM * NEAR_FROM and r >= NEAR_FROM:
            break
        if m & _FIRST == 1:
            length = order(math.sqrt(square) + e, 0)
            if (
                find(table.offsets, table.radii, m, table.last, maxiter - n, length, SHORTEST)[0]
                >= 0
            ):
                break
    d = scaled_to_one(w[0], w[1], w[2], w[3], 0)
    return d, e * power_of_two(-d[4]), m, n


@kernel()
def follow(  # noqa: C901, PLR0912, PLR0915 - one loop, whose state does not split
    d: Pair,
    error: float,
    dc: Pair,
    n: int,
    maxiter: int,
    memory: Floats,
    lane: int,
    frame: Frame,
    table: Entries,
    cancel: NDArray[np.uint8],
) -> tuple[int, Pair, float, int]:
    """Follow an orbit, at d from Z_0, until it is near, or its count is known.

    Returns the status, z, the error (with the exponent of d, or of 0 where it is near), n.
    """
    z, at = d, (0.0, 0.0, 0.0, 0.0, ZERO)
    known, m, longest, moves = False, 0, maxiter, 0
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
            if d[4] > _FLOAT and (known or m == 0):
                before = n
                d, error, m, n = _walk(d, error, dc, m, n, maxiter, frame, table)
                if n > before:
                    known = m > 0
                    if known:
                        at = there(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m)
                    z = total(at, d)
                    continue
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
            d, m, known = z, 0, False
            at = 0.0, 0.0, 0.0, 0.0, ZERO
            # `repeats` takes d for a number of 53 bits.
            if repeats(high(d), error + 2 * _UNKNOWN, high(dc), n, maxiter, memory, lane, frame):
                return CERTAIN, z, error, maxiter
    return CERTAIN, z, error, maxiter


@kernel()
def _proceed(
    d: Pair,
    error: float,
    n: int,
    maxiter: int,
    places: Places,
    grid: Grid,
    frame: Frame,
    table: Entries,
    pool: direct_pairs.Pool,
    lane: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> bool:
    """Follow a lane's orbit from d, until it is near again, or write its count; tell which."""
    re, im, e = places
    pixel = pool.target[lane]
    j, i = pixel // re.shape[1], pixel % re.shape[1]
    dc = scaled_to_one(re[0, i], re[1, i], im[0, j], im[1, j], e)
    status, z, error, n = follow(d, error, dc, n, maxiter, pool.memory, lane, frame, table, cancel)
    if status == NEAR:
        z_n = by(mantissa(z), power_of_two(z[4]))
        direct_pairs.load(pool, lane, z_n, error, point(grid, pixel), n)
        return True
    counts[pixel], unsure[pixel] = n, status != CERTAIN
    return False


@kernel(entry=True)
def count_pixels(
    places: Places,
    grid: Grid,
    maxiter: int,
    frame: Frame,
    table: Entries,
    pool: direct_pairs.Pool,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> bool:
    """Count the unsure pixels of a tile, and unmark those that are certain. False if cancelled."""
    lanes = next_pixel = 0
    while (lanes or next_pixel < counts.size) and not cancel[0]:
        while next_pixel < counts.size and lanes < LANES and not cancel[0]:
            pixel, next_pixel = next_pixel, next_pixel + 1
            if unsure[pixel]:
                forget(pool.memory, lanes)
                zero = 0.0, 0.0, 0.0, 0.0, ZERO
                pool.target[lanes] = pixel
                lanes += _proceed(
                    zero, 0.0, 0, maxiter, places, grid, frame, table, pool, lanes, cancel, counts,
                    unsure,
                )  # fmt: skip
        for k in range(direct_pairs.advance(pool, lanes, NEAR_FROM, maxiter) - 1, -1, -1):
            lane = int(pool.chosen[k])
            pixel = pool.target[lane]
            status, n, z, error = direct_pairs.judge(pool, lane, maxiter)
            counts[pixel], unsure[pixel] = n, status != CERTAIN
            if status == TINY:
                d = scaled_to_one(z[0], z[1], z[2], z[3], 0)
                error *= power_of_two(-d[4])
                if _proceed(
                    d, error, n, maxiter, places, grid, frame, table, pool, lane, cancel, counts,
                    unsure,
                ):  # fmt: skip
                    continue
            lanes -= 1
            direct_pairs.remove(pool, lane, lanes)
    return not cancel[0]
