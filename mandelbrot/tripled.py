"""Orbits as differences of 184 bits, for the few pixels that those of 106 leave uncertain.

Plain steps d' = (2 Z + d) d + dc with `Triple`s for numbers, rebased as in perturbation.py, from a
reference orbit that is computed once more with more bits. The certificate is the same with another
rounding (docs/exactness.md):

    E' ≤ (2|z| + E) E + 2^-177 |z||d| + 2^-180 |dc|,    |d| ≤ |z|.

Where neither d nor z is small, z itself is as good: three_limbs.py.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import strides, three_limbs
from mandelbrot.bla import order
from mandelbrot.extended_exponent import ZERO, from_fractions, modulus, power_of_two
from mandelbrot.fixed_point import WHOLE, _is_negative
from mandelbrot.intrinsics import leading_zeros
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, IN, OUT, TINY, UNSURE, find, is_less, plain
from mandelbrot.reference_orbit import as_limbs
from mandelbrot.squares import step
from mandelbrot.strides import triple_at
from mandelbrot.triples import LAST, NOTHING, UNIT, Triple, fixed, high, normal, product, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

    Flag = NDArray[np.uint8]
    Integers = NDArray[np.int64]
    Limbs = NDArray[np.uint64]
    Fixed = tuple[np.uint64, np.uint64, np.uint64]

MORE = 2
"""Limbs that the orbit has beyond those of the orbit in pairs: all its errors are 2^-128 of those.
"""

REFERENCE = 2.0**-180
"""Bound of the relative error of an iterate: cut to 184 bits, and less than 2^-118 / 2^128."""

ROUNDING = 2.0**-177
"""Bound of a step's rounding, relative to |z||d|."""

NEAR = -40, -9
"""log2 of |d| and |z| from which an orbit is iterated as z² + c, until |z| is half as large.

Early for all, as entries reach no farther than 2^-57, and single steps are slow; late for those
that lose too much so, for an error of 2^-182 is the larger, relative to d, the earlier it is made.
"""

_FAR = Fraction(4)  # |c| from which an orbit leaves at once, wherever it starts
_DC = 2.0**-180  # of dc, with the sum
_UP = 1 + 2.0**-48
_NONE = np.uint64(0)


@kernel()
def _bits(a: Limbs) -> int:
    """Return the number of bits of a, or of -a - 1."""
    flip = ~_NONE if _is_negative(a) else _NONE
    k = a.size - 1
    while k >= 0 and a[k] == flip:
        k -= 1
    return 64 * (k + 1) - leading_zeros(a[k] ^ flip) if k >= 0 else 0


@kernel()
def _limb(a: Limbs, k: int) -> np.uint64:
    if k < 0:
        return _NONE
    return a[k] if k < a.size else (~_NONE if _is_negative(a) else _NONE)


@kernel()
def _cut(a: Limbs, first: int, out: Limbs) -> None:
    """Write the three limbs of a from bit `first` on."""
    k, down = first >> 6, np.uint64(first & 63)
    for i in range(3):
        out[i] = _limb(a, k + i) >> down
        if down:
            out[i] |= _limb(a, k + i + 1) << (np.uint64(64) - down)


@kernel(entry=True, allocates=True)
def iterate(
    z: Limbs,
    c: Limbs,
    first: int,
    stop: int,
    address: int,
    cancel: Flag,
    orbit: Limbs,
    exponents: Integers,
) -> None:
    """Continue an orbit from Z_first, up to Z_stop unless it is cancelled.

    As `reference_orbit.iterate` does, but for all that is known where that one has ended.
    """
    size = z.shape[1]
    x, y = z[0], z[1]
    a, b, xx, yy = x.copy(), x.copy(), x.copy(), x.copy()
    wide = np.empty(2 * size, np.uint64)
    for m in range(first + 1, stop + 1):
        if m % 256 == 0 and cancel[0]:
            return
        step(x, y, c[0], c[1], a, b, xx, yy, wide, address)
        length = max(_bits(x), _bits(y))
        _cut(x, length - UNIT - 1, orbit[m, :3])
        _cut(y, length - UNIT - 1, orbit[m, 3:])
        exponents[m] = length - 1 - (64 * size - WHOLE) if length else ZERO


class Orbit(NamedTuple):
    """A reference orbit in triples, and many steps of it at once."""

    orbit: Limbs
    exponents: Integers
    """Iterate m is ``orbit[m] 2^exponents[m]``."""
    table: strides.Table

    @classmethod
    def compute(cls, reference: ReferenceOrbit, last: int, cancel: Flag) -> Orbit | None:
        """Return the iterates up to Z_last of the same point; None if cancelled."""
        orbit, exponents = np.zeros((last + 1, 6), np.uint64), np.full(last + 1, ZERO, np.int64)
        size = reference.size + MORE
        unit = 64 * size - WHOLE
        c = as_limbs((int(reference.re * 2**unit), int(reference.im * 2**unit)), size)
        iterate(np.zeros_like(c), c, 0, last, reference.address, cancel, orbit, exponents)
        # Of the last iterate, which may be outside |Z| ≤ 2, no entry is made.
        table = strides.build(reference, last - 1, orbit, exponents, cancel)
        return None if cancel[0] or table is None else cls(orbit, exponents, table)

    @property
    def nbytes(self) -> int:
        """Size in memory, bytes."""
        arrays = [part for part in self.table if isinstance(part, np.ndarray)]
        return sum(array.nbytes for array in (self.orbit, self.exponents, *arrays))


@kernel()
def stepped(d: Triple, error: float, dc: Triple, z: Triple, at: Triple) -> tuple[Triple, float]:
    """Return d and its error after one step from Z_m = `at`, `z` being Z_m + d."""
    out = normal(total(product(total(at, z), d), dc))
    f = power_of_two(min(z[2] + d[2] - out[2], 1000))
    grown = 2 * modulus(high(z)) * (error + 0.5 * ROUNDING * modulus(high(d))) * f
    grown += error * error * power_of_two(min(2 * d[2] - out[2], 1000))
    grown += _DC * modulus(high(dc)) * power_of_two(min(dc[2] - out[2], 1000))
    return out, grown * _UP


@kernel()
def rebased(
    d: Triple,
    error: float,
    z: Triple,
    at: Triple,
    m: int,
    last: int,
    end_error: float,
    end_e: int,
) -> tuple[Triple, float, Triple, Triple, int]:
    """Return d, its error, z, Z_m = `at` and m, rebased where that is due."""
    if m < last and not is_less(high(z), high(d)):
        return d, error, z, at, m
    z = normal(z)
    f, g = power_of_two(min(d[2] - z[2], 1000)), power_of_two(min(at[2] - z[2], 1000))
    error = error * f + (2 * LAST + REFERENCE) * (modulus(high(d)) * f + modulus(high(at)) * g)
    if m >= last:
        error += end_error * power_of_two(min(end_e - z[2], 1000))
    return z, error * _UP, z, NOTHING, 0


@kernel()
def _near(
    z: Triple,
    error: float,
    c: tuple[Fixed, Fixed],
    n: int,
    maxiter: int,
    small: float,
    cancel: Flag,
) -> tuple[int, Triple, float, int]:
    """Iterate z² + c until |z|² is small, or the count is known.

    Returns `TINY`, `CERTAIN` or `UNSURE`; z, its error, n.
    """
    (x, y), e = fixed(z), error * power_of_two(z[2] + UNIT) + 2
    while True:
        if n % 4096 == 0 and cancel[0]:
            return UNSURE, z, error, n
        u, v, square = three_limbs.step(x, y, *c)
        loose, grown = three_limbs.margin(square, e)
        if not square + loose <= 4:
            # All iterates before are certainly inside.
            return (CERTAIN if square - loose > 4 else UNSURE), z, error, n - 1
        if n >= maxiter:
            return CERTAIN, z, error, n
        if square < small:
            z = normal((x, y, 0))
            return TINY, z, e * power_of_two(-UNIT - z[2]), n
        x, y, e, n = u, v, grown, n + 1


@kernel()
def _follow(
    dc: Triple,
    c: tuple[Fixed, Fixed],
    maxiter: int,
    near: int,
    orbit: Orbit,
    end_error: float,
    end_e: int,
    cancel: Flag,
) -> tuple[int, bool]:
    """Return the count of a pixel, and whether it is certain; `near` is one of `NEAR`."""
    small = power_of_two(2 * near - 2)  # less than what begins it, or there might be no end
    table, last = orbit.table, orbit.exponents.size - 1
    d = z = at = NOTHING
    error, m, n, longest, moves = 0.0, 0, 0, maxiter, 0
    while n < maxiter:
        moves += 1
        if moves % 1024 == 0 and cancel[0]:
            return 0, False
        if d[2] >= near and z[2] >= near:
            # |Z_m| ≤ 2^1.5 in units of z, at most.
            error = error * power_of_two(d[2] - z[2]) + 4 * (LAST + REFERENCE)
            status, z, error, n = _near(z, error, c, n, maxiter, small, cancel)
            if status != TINY:
                return n, status == CERTAIN
            d, at, m = z, NOTHING, 0
        size, room = order(modulus(high(d)) + error, d[2]), min(maxiter - n, longest)
        k, level = find(table.offsets, table.radii, m, table.last, room, size, strides.SHORTEST)
        steps = 1 << level if k >= 0 else 1
        if k >= 0:
            moved, grown = strides.leap(d, error, dc, k, table)
        else:
            moved, grown = stepped(d, error, dc, z, at)
        at_next = triple_at(orbit.orbit, orbit.exponents, m + steps)
        z_next = total(at_next, moved)
        size = plain(modulus(high(z_next)), min(z_next[2], 100))
        loose = plain(grown, min(moved[2], 100))
        if not size + loose <= IN:
            if steps > 1:
                longest = steps >> 1
                continue
            return n, size - loose >= OUT
        longest = maxiter
        d, z, at, error, m, n = moved, z_next, at_next, grown, m + steps, n + steps
        d, error, z, at, m = rebased(d, error, z, at, m, last, end_error, end_e)
    return maxiter, True


@kernel(entry=True)
def _count(
    dc: Limbs,
    c: Limbs,
    dc_e: Integers,
    maxiter: int,
    near: int,
    orbit: Orbit,
    end_error: float,
    end_e: int,
    cancel: Flag,
    counts: Integers,
) -> None:
    """Write the counts, where they are -1, of pixels whose c - C are ``dc[k] 2^dc_e[k]``.

    Those that are not certain stay -1.
    """
    for k in range(counts.size):
        if counts[k] >= 0:
            continue
        words = dc[k]
        x, y = (words[0], words[1], words[2]), (words[3], words[4], words[5])
        at, words = normal((x, y, dc_e[k])), c[k]
        point = (words[0], words[1], words[2]), (words[3], words[4], words[5])
        n, certain = _follow(at, point, maxiter, near, orbit, end_error, end_e, cancel)
        counts[k] = n if certain and not cancel[0] else -1


def _words(part: Fraction, bits: int) -> bytes:
    """Return a number with so many bits behind the binary point, rounded down, as three limbs."""
    value = (part.numerator << max(bits, 0)) // (part.denominator << max(-bits, 0))
    return value.to_bytes(24, "little", signed=True)


def _limbs_of(words: bytes | bytearray) -> Limbs:
    return np.frombuffer(words, "<u8").astype(np.uint64).reshape(-1, 6)


def count(
    points: Sequence[tuple[Fraction, Fraction]],
    center: tuple[Fraction, Fraction],
    maxiter: int,
    orbit: Orbit,
    end_error: float,
    end_e: int,
    cancel: Flag,
) -> Integers:
    """Return the counts of points; -1 where not certain.

    `center` is the point whose orbit it is, and `end_error` 2^`end_e` bounds the error of the last
    iterate of that orbit in pairs.
    """
    differences, c, exponents = bytearray(), bytearray(), []
    for point in points:
        re, im = (a - b for a, b in zip(point, center, strict=True))
        exponents.append(from_fractions(re, im)[2])
        for part in (re, im):
            differences += _words(part, UNIT - exponents[-1])
        for part in point:
            c += _words(max(-_FAR, min(part, _FAR)), UNIT)
    counts = np.full(len(exponents), -1, np.int64)
    for near in NEAR:
        _count(
            _limbs_of(differences), _limbs_of(c), np.array(exponents, np.int64), maxiter, near,
            orbit, end_error, end_e - 64 * MORE, cancel, counts,
        )  # fmt: skip
    return counts
