"""Orbits as differences of 184 bits, for the few pixels that those of 106 leave uncertain.

Plain steps d' = (2 Z + d) d + dc with `Triple`s for numbers, rebased as in perturbation.py, from a
reference orbit that is computed once more with more bits. The certificate is the same with another
rounding (docs/exactness.md):

    E' ≤ (2|z| + E) E + 2^-177 |z||d| + 2^-180 |dc|,    |d| ≤ |z|.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mandelbrot.extended_exponent import ZERO, from_fractions, modulus, power_of_two
from mandelbrot.fixed_point import WHOLE, _is_negative
from mandelbrot.intrinsics import leading_zeros
from mandelbrot.jit import kernel
from mandelbrot.perturbation import IN, OUT, is_less, plain
from mandelbrot.reference_orbit import as_limbs, step
from mandelbrot.triples import LAST, UNIT, Triple, high, normal, product, total

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

    Flag = NDArray[np.uint8]
    Integers = NDArray[np.int64]
    Limbs = NDArray[np.uint64]

MORE = 2
"""Limbs that the orbit has beyond those of the orbit in pairs: all its errors are 2^-128 of those.
"""

REFERENCE = 2.0**-180
"""Bound of the relative error of an iterate: cut to 184 bits, and less than 2^-118 / 2^128."""

ROUNDING = 2.0**-177
"""Bound of a step's rounding, relative to |z||d|."""

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
) -> int:
    """Continue an orbit from Z_first; return the last iterate written, `stop` unless cancelled.

    As `reference_orbit.iterate` does, but for all that is known where that one has ended.
    """
    size = z.shape[1]
    x, y = z[0], z[1]
    a, b, xx, yy = x.copy(), x.copy(), x.copy(), x.copy()
    wide = np.empty(2 * size, np.uint64)
    for m in range(first + 1, stop + 1):
        if m % 256 == 0 and cancel[0]:
            return m - 1
        step(x, y, c[0], c[1], a, b, xx, yy, wide, address)
        length = max(_bits(x), _bits(y))
        _cut(x, length - UNIT - 1, orbit[m, :3])
        _cut(y, length - UNIT - 1, orbit[m, 3:])
        exponents[m] = length - 1 - (64 * size - WHOLE) if length else ZERO
    return stop


class Orbit:
    """A reference orbit in triples: iterate m is ``orbit[m] 2^exponents[m]``."""

    def __init__(self, last: int) -> None:
        self.orbit = np.zeros((last + 1, 6), np.uint64)
        self.exponents = np.full(last + 1, ZERO, np.int64)

    @classmethod
    def compute(cls, reference: ReferenceOrbit, last: int, cancel: Flag) -> Orbit | None:
        """Return the iterates up to Z_last of the same point; None if cancelled."""
        computed, size = cls(last), reference.size + MORE
        unit = 64 * size - WHOLE
        c = as_limbs((int(reference.re * 2**unit), int(reference.im * 2**unit)), size)
        done = iterate(
            np.zeros_like(c), c, 0, last, reference.address, cancel,
            computed.orbit, computed.exponents,
        )  # fmt: skip
        return computed if done == last else None

    @property
    def nbytes(self) -> int:
        """Size in memory, bytes."""
        return self.orbit.nbytes + self.exponents.nbytes


@kernel()
def _triple(rows: Limbs, exponents: Integers, m: int) -> Triple:
    return (rows[m, 0], rows[m, 1], rows[m, 2]), (rows[m, 3], rows[m, 4], rows[m, 5]), exponents[m]


@kernel()
def _follow(
    dc: Triple,
    maxiter: int,
    orbit: Limbs,
    exponents: Integers,
    last: int,
    end_error: float,
    end_e: int,
    cancel: Flag,
) -> tuple[int, bool]:
    """Return the count of a pixel, and whether it is certain."""
    zero = (_NONE, _NONE, _NONE), (_NONE, _NONE, _NONE), ZERO
    d, z, at, error, m, dc_size = zero, zero, zero, 0.0, 0, modulus(high(dc))
    for n in range(maxiter):
        if n % 1024 == 0 and cancel[0]:
            return 0, False
        moved = normal(total(product(total(at, z), d), dc))
        z_size, d_size = modulus(high(z)), modulus(high(d))
        f = power_of_two(min(z[2] + d[2] - moved[2], 1000))
        grown = 2 * z_size * (error + 0.5 * ROUNDING * d_size) * f
        grown += error * error * power_of_two(min(2 * d[2] - moved[2], 1000))
        grown += _DC * dc_size * power_of_two(min(dc[2] - moved[2], 1000))
        m += 1
        at = _triple(orbit, exponents, m)
        z = total(at, moved)
        size, loose = plain(modulus(high(z)), min(z[2], 100)), plain(grown, min(moved[2], 100))
        if not size + loose <= IN:
            return n, size - loose >= OUT
        d, error = moved, grown * _UP
        if m >= last or is_less(high(z), high(d)):
            z = normal(z)
            f = power_of_two(min(d[2] - z[2], 1000))
            g = power_of_two(min(at[2] - z[2], 1000))
            error = error * f + (2 * LAST + REFERENCE) * (
                modulus(high(d)) * f + modulus(high(at)) * g
            )
            if m >= last:
                error += end_error * power_of_two(min(end_e - z[2], 1000))
            error *= _UP
            d, m, at = z, 0, zero
    return maxiter, True


@kernel(entry=True)
def _count(
    dc: Limbs,
    dc_e: Integers,
    maxiter: int,
    orbit: Limbs,
    exponents: Integers,
    last: int,
    end_error: float,
    end_e: int,
    cancel: Flag,
    counts: Integers,
) -> None:
    """Write the counts of pixels whose c - C are ``dc[k] 2^dc_e[k]``; -1 where not certain."""
    for k in range(counts.size):
        words = dc[k]
        x, y = (words[0], words[1], words[2]), (words[3], words[4], words[5])
        at = normal((x, y, dc_e[k]))
        n, certain = _follow(at, maxiter, orbit, exponents, last, end_error, end_e, cancel)
        counts[k] = n if certain and not cancel[0] else -1


def count(
    points: Sequence[tuple[Fraction, Fraction]],
    maxiter: int,
    orbit: Orbit,
    end_error: float,
    end_e: int,
    cancel: Flag,
) -> Integers:
    """Return the counts of points, given as c - C; -1 where not certain.

    `end_error` 2^`end_e` bounds the error of the last iterate of the orbit in pairs.
    """
    words, exponents = bytearray(), []
    for re, im in points:
        e = from_fractions(re, im)[2]
        exponents.append(e)
        for part in (re, im):
            value = (part.numerator << max(UNIT - e, 0)) // (part.denominator << max(e - UNIT, 0))
            words += value.to_bytes(24, "little", signed=True)
    dc = np.frombuffer(words, "<u8").astype(np.uint64).reshape(-1, 6)
    counts = np.empty(len(exponents), np.int64)
    _count(
        dc, np.array(exponents, np.int64), maxiter, orbit.orbit, orbit.exponents,
        orbit.exponents.size - 1, end_error, end_e - 64 * MORE, cancel, counts,
    )  # fmt: skip
    return counts
