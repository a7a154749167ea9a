"""Many steps at once for differences of 184 bits.

The entries of bla.py, A d + B dc + C d² + G d³, with coefficients in triples. Bounds and radii are
those that bla.py derives, for less that is neglected and lost; as they reach no farther than 2^-57
and save much, only long entries are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot import bla
from mandelbrot.bla import EA, EB, ERROR_A, ERROR_B, ET, KEPT, LIPSCHITZ, REST
from mandelbrot.extended_exponent import modulus, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.triples import NOTHING, ONE, Triple, doubled, high, normal, product, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Limbs = NDArray[np.uint64]
    Flag = NDArray[np.uint8]
    Polynomial = tuple[Triple, Triple, Triple, Triple]

SHORTEST = 6
"""log2 of the least number of steps in an entry."""

EPSILON = 2.0**-170
"""What an entry may neglect, relative to the delta."""

ROUNDING = 2.0**-179, 2.0**-179, 2.0**-179, 2.0**-174
"""As `bla.ROUNDING`: of an iterate, whatever its size; of A and B in a merger, which take a product
and a sum; of a polynomial, and of C and G in 80 mergers, below 2^-6 of A d as C d² and G d³ are.
"""

_UP = 1 + 2.0**-48


class Table(NamedTuple):
    """The entries for one reference orbit, as the compiled functions take them."""

    offsets: Integers
    """Where each level begins; entry k of level l is that of `bla.build`."""
    last: int
    coefficients: Floats
    exponents: NDArray[np.int32]
    radii: Floats
    limbs: Limbs
    """A, B, C and G of each entry: shape (n, 4, 6)."""
    limbs_e: Integers


@kernel()
def triple_at(rows: Limbs, exponents: Integers, k: int) -> Triple:
    """Return the triple that is kept in row k."""
    return (rows[k, 0], rows[k, 1], rows[k, 2]), (rows[k, 3], rows[k, 4], rows[k, 5]), exponents[k]


@kernel()
def _put(p: Polynomial, k: int, table: Table) -> None:
    for i in range(4):
        part = p[0] if i == 0 else (p[1] if i == 1 else (p[2] if i == 2 else p[3]))
        for j in range(3):
            table.limbs[k, i, j] = part[0][j]
            table.limbs[k, i, 3 + j] = part[1][j]
        table.limbs_e[k, i] = part[2]


@kernel()
def _get(k: int, table: Table) -> Polynomial:
    rows, exponents = table.limbs[k], table.limbs_e[k]
    return (
        triple_at(rows, exponents, 0),
        triple_at(rows, exponents, 1),
        triple_at(rows, exponents, 2),
        triple_at(rows, exponents, 3),
    )


@kernel()
def _times(a: Triple, b: Triple) -> Triple:
    return normal(product(a, b))


@kernel()
def _plus(a: Triple, b: Triple) -> Triple:
    return normal(total(a, b))


@kernel()
def _stepped(p: Polynomial, z: Triple) -> Polynomial:
    """Return the polynomial after a step from Z, `z` being 2 Z."""
    a, b, c, g = p
    return (
        _times(z, a),
        _plus(product(z, b), ONE),
        _plus(product(z, c), product(a, a)),
        _plus(product(z, g), doubled(product(a, c))),
    )


@kernel()
def _composed(x: Polynomial, y: Polynomial) -> Polynomial:
    """Return y ∘ x."""
    ax, bx, cx, gx = x
    ay, by, cy, gy = y
    square, mixed = _times(ax, ax), _times(cy, ax)
    cube = _plus(doubled(product(mixed, cx)), product(gy, _times(square, ax)))
    return (
        _times(ay, ax),
        _plus(product(ay, bx), by),
        _plus(product(ay, cx), product(cy, square)),
        _plus(product(ay, gx), cube),
    )


@kernel(entry=True, allocates=True)
def _build(
    orbit: Floats,
    tiny: Floats,
    tiny_at: Integers,
    tinies: int,
    widest: tuple[float, int],
    rows: Limbs,
    rows_e: Integers,
    cancel: Flag,
    table: Table,
) -> bool:
    """Fill the table, as `bla.build` does. False when cancelled."""
    count = max(table.last - 1, 0) >> SHORTEST
    work = np.empty((count, KEPT))
    for k in range(count):
        if cancel[0]:
            return False
        m = 1 + (k << SHORTEST)
        entry = bla.single(m, orbit, tiny, tiny_at, tinies, ROUNDING)
        polynomial = doubled(triple_at(rows, rows_e, m)), ONE, ONE, NOTHING
        for j in range(1, 1 << SHORTEST):
            step = bla.single(m + j, orbit, tiny, tiny_at, tinies, ROUNDING)
            entry = bla.merge(entry, step, widest, EPSILON, ROUNDING)
            polynomial = _stepped(polynomial, doubled(triple_at(rows, rows_e, m + j)))
        _finish(entry, polynomial, table.offsets[SHORTEST] + k, k, widest, table, work)
    level = SHORTEST
    while count > 1:
        count >>= 1
        level += 1
        if cancel[0]:
            return False
        for k in range(count):
            entry = bla.merge(
                bla.kept(work, 2 * k), bla.kept(work, 2 * k + 1), widest, EPSILON, ROUNDING
            )
            at = table.offsets[level - 1] + 2 * k
            polynomial = _composed(_get(at, table), _get(at + 1, table))
            _finish(entry, polynomial, table.offsets[level] + k, k, widest, table, work)
    return True


@kernel()
def _finish(
    entry: bla.Entry,
    polynomial: Polynomial,
    at: int,
    k: int,
    widest: tuple[float, int],
    table: Table,
    work: Floats,
) -> None:
    _put(polynomial, at, table)
    bla.write(
        entry, at, widest, EPSILON, ROUNDING[3], table.coefficients, table.exponents, table.radii
    )
    bla.keep(entry, work, k)


@kernel()
def leap(d: Triple, error: float, dc: Triple, k: int, table: Table) -> tuple[Triple, float]:
    """Return d and its error after the steps of entry k; errors have the exponents of their d."""
    a, b, c, g = _get(k, table)
    bent = _plus(a, _times(_plus(c, _times(g, d)), d))
    out = _plus(product(bent, d), product(b, dc))
    row, exponents = table.coefficients[k], table.exponents[k]
    size, down = modulus(high(d)), d[2] - out[2]
    grown = row[LIPSCHITZ] * error + row[ERROR_A] * size
    grown *= power_of_two(min(exponents[EA] + down, 1000))
    e = min(exponents[EB] + dc[2] - out[2], 1000)
    grown += row[ERROR_B] * modulus(high(dc)) * power_of_two(e)
    e = min(exponents[ET] + 3 * d[2] + down, 1000)
    grown += row[REST] * size * size * size * size * power_of_two(e)
    return out, grown * _UP


def build(
    reference: ReferenceOrbit, last: int, rows: Limbs, rows_e: Integers, cancel: Flag
) -> Table | None:
    """Return the table for steps up to Z_last; None if cancelled.

    `rows` and `rows_e` are the iterates as triples.
    """
    counts = [0] * SHORTEST
    while (entries := max(last - 1, 0) >> len(counts)) > 0:
        counts.append(entries)
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    size = int(offsets[-1])
    table = Table(
        offsets, last, np.empty((size, REST + 1)), np.empty((size, ET + 1), np.int32),
        np.empty(size), np.empty((size, 4, 6), np.uint64), np.empty((size, 4), np.int64),
    )  # fmt: skip
    finished = _build(
        reference.orbit, reference.tiny, reference.tiny_at, reference.tinies,
        (1.0, reference.radius_e), rows, rows_e, cancel, table,
    )  # fmt: skip
    return table if finished else None
