"""Orbits as differences of 106 bits, for the pixels that differences of 53 leave uncertain.

The far phase of perturbation.py with `Pair`s for numbers, whatever the size of the delta: moves are
steps, d' = (2 Z + d) d + dc, or entries of series.py, and the certificate is the same with another
rounding (docs/exactness.md):

    E' ≤ (2|z| + E) E + 2^-98 |z||d| + 2^-102 |dc|,    |d| ≤ |z|.

Where neither d nor z is small, z itself is as good (`_near`), as in direct.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mandelbrot import double_double
from mandelbrot.bla import order
from mandelbrot.extended_exponent import ZERO, modulus, power_of_two
from mandelbrot.far import repeats
from mandelbrot.jit import kernel
from mandelbrot.pairs import SUM, Pair, high, product, scaled_to_one, total
from mandelbrot.perturbation import IN, IN_SQUARE, OUT, OUT_SQUARE, find, is_less, plain
from mandelbrot.series import REFERENCE, SHORTEST, leap, there

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame

    Floats = NDArray[np.float64]

ROUNDING = 2.0**-98
"""Bound of a step's rounding, relative to |z||d|."""

NEAR = 2.0**-17
"""|d|, and |z|², from which an orbit is iterated as z² + c."""

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
    c_re: Floats
    """c itself, as `re` has c - C: shape (2, n)."""
    c_im: Floats


@kernel()
def _near(
    z: Pair, e: float, c: Pair, n: int, maxiter: int, cancel: NDArray[np.uint8]
) -> tuple[Pair, float, int, bool, bool]:
    """Iterate z² + c until z is small, or the count is known.

    Returns z, its error, n; whether the count is known, and is certain. |z| is certainly below 2.
    """
    f = power_of_two(z[4])
    x, xl, y, yl = z[0] * f, z[1] * f, z[2] * f, z[3] * f
    s = x * x + y * y
    while n < maxiter and s >= NEAR:
        if n % 4096 == 0 and cancel[0]:
            return z, e, n, True, False
        e = ((2 * math.sqrt(s) + e) * e + double_double.ROUNDING) * _UP
        x, xl, y, yl = double_double.step((x, xl, y, yl, c[0], c[1], c[2], c[3]))
        s = x * x + y * y
        if not s <= IN_SQUARE - 4 * e:
            return z, e, n, True, s >= OUT_SQUARE * (1 + e) * (1 + e)
        n += 1
    return scaled_to_one(x, xl, y, yl, 0), e, n, n >= maxiter, True


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
def follow(  # noqa: C901, PLR0912, PLR0915 - one loop, whose state does not split
    dc: Pair,
    c: Pair,
    maxiter: int,
    memory: Floats,
    frame: Frame,
    table: Entries,
    cancel: NDArray[np.uint8],
) -> tuple[int, bool]:
    """Return the count of a pixel, and whether it is certain."""
    d = 0.0, 0.0, 0.0, 0.0, ZERO
    z = at = d
    error, known, m, n, longest, moves = 0.0, False, 0, 0, maxiter, 0
    while n < maxiter:
        moves += 1
        if moves % 1024 == 0 and cancel[0]:
            return 0, False
        if d[0] == 0 and d[2] == 0 and error > 0:
            return n, False  # all digits have cancelled: the error would have the exponent of 0
        size = modulus(high(z)) * power_of_two(z[4])
        if d[4] > -20 and size * size >= NEAR and modulus(high(d)) * power_of_two(d[4]) >= NEAR:
            e = plain(error, d[4]) + 2 * (SUM + REFERENCE) * (2 * size)
            z, error, n, ends, certain = _near(z, e, c, n, maxiter, cancel)
            if ends:
                return n, certain
            error *= power_of_two(-z[4])
            d, m, known = z, 0, False
            at = 0.0, 0.0, 0.0, 0.0, ZERO
            continue
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
            return n, size - loose >= OUT
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
            if repeats(
                high(d), error + 2 * _UNKNOWN, (dc[0], dc[2], dc[4]), n, maxiter, memory, 0, frame
            ):
                return maxiter, True
    return maxiter, True


@kernel(entry=True)
def count_pixels(
    places: Places,
    maxiter: int,
    frame: Frame,
    table: Entries,
    memory: Floats,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: NDArray[np.bool_],
) -> bool:
    """Count the unsure pixels of a tile, and unmark those that are certain. False if cancelled."""
    re, im, e, c_re, c_im = places
    across = re.shape[1]
    for pixel in range(counts.size):
        if unsure[pixel]:
            if cancel[0]:
                return False
            j, i = pixel // across, pixel % across
            for k in range(memory.shape[1]):
                memory[0, k] = 0.0
            memory[0, 3] = 2.0**40
            at = scaled_to_one(re[0, i], re[1, i], im[0, j], im[1, j], e)
            c = c_re[0, i], c_re[1, i], c_im[0, j], c_im[1, j], 0
            n, certain = follow(at, c, maxiter, memory, frame, table, cancel)
            counts[pixel], unsure[pixel] = n, not certain
    return not cancel[0]
