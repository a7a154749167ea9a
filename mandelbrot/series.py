"""Many steps of a perturbed orbit at once, to 2^-76: power series for deltas that are pairs.

As the entries of bla.py, but of a higher degree, so that they reach as far with a much smaller
error. For |d| = 2^r |u| ≤ 2^r and |dc| ≤ R (the cell's radius) an entry says

    |true - P| ≤ |A| 2^r (ε_a |u| + κ |u|^4 + τ |u|^(K+1)) + ε_b |B| |dc|,
    P = A 2^r (u + c_2 u² + … + c_K u^K) + B dc,    K = `DEGREE`.

In this form all c_k are small numbers. Their sums of absolute values bound everything, also in
y ∘ x, where c_2 and c_3 are combined in pairs and the others in float64, whose rounding is κ.
docs/exactness.md derives the bounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot.bla import UNIT, reference
from mandelbrot.extended_exponent import exponent, modulus, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.pairs import Pair, by, high, mantissa, plus, product, scaled_to_one, times, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

DEGREE = 6
EPSILON = 2.0**-78
"""What an entry may neglect, relative to the delta: bound of κ and of τ."""

SHORTEST = 3
"""log2 of the least number of steps in an entry."""

REFERENCE = 2.0**-104
"""Bound of the relative error of an iterate of the reference, as a pair."""

A, B, RADIUS, KAPPA, TAU, ERROR_A, ERROR_B, C2, C3, REST = 0, 5, 10, 11, 12, 13, 14, 15, 19, 23
WIDTH = REST + 2 * (DEGREE - 3)
"""Columns of an entry: A and B; r; κ, τ, ε_a, ε_b; c_2 and c_3 as two pairs of float64; the other
c_k. In a finished table `LIPSCHITZ`, `ERROR_A` and `ERROR_B` are λ|A|, ε_a|A| and ε_b|B|.
"""
LIPSCHITZ = TAU

_CURVED = -8  # log2 of the most that Σ |c_k| may be: for two steps, not for many
_EVALUATION = 2.0**-99  # rounding of one evaluation, relative to |A d| + |B dc|
_MERGE = 2.0**-100  # of a merger, in what is combined in pairs
_ROUNDING = 4 * DEGREE * DEGREE * UNIT  # of the c_k that are not, relative to sums of their terms
_UP = 1 + 2.0**-40
_NEVER = -(2.0**50)


@kernel()
def pair_at(row: Floats, at: int) -> Pair:
    """Return the pair that is kept in five columns."""
    return row[at], row[at + 1], row[at + 2], row[at + 3], int(row[at + 4])


@kernel()
def coefficient(row: Floats, at: int) -> Pair:
    """Return the pair that is kept in four columns."""
    return scaled_to_one(row[at], row[at + 1], row[at + 2], row[at + 3], 0)


@kernel()
def _put(row: Floats, at: int, a: Pair) -> None:
    row[at], row[at + 1], row[at + 2], row[at + 3], row[at + 4] = a


@kernel()
def _put_coefficient(row: Floats, at: int, a: Pair) -> None:
    f = power_of_two(a[4])
    row[at], row[at + 1], row[at + 2], row[at + 3] = a[0] * f, a[1] * f, a[2] * f, a[3] * f


@kernel()
def there(orbit: Floats, tiny: Floats, tiny_at: Integers, tinies: int, m: int) -> Pair:
    """Return Z_m."""
    if orbit[m, 0] != 0 or orbit[m, 1] != 0:
        return scaled_to_one(orbit[m, 0], orbit[m, 2], orbit[m, 1], orbit[m, 3], 0)
    z = reference(orbit, tiny, tiny_at, tinies, m)
    return z[0], 0.0, z[1], 0.0, z[2]


@kernel()
def _single(z: Pair, known: bool, row: Floats) -> None:  # noqa: FBT001 - compiled
    """Write the entry of one step from Z, of which all digits are `known` or no more than 53."""
    for k in range(WIDTH):
        row[k] = 0.0
    a = z[0], z[1], z[2], z[3], z[4] + 1
    _put(row, A, a)
    row[B], row[RADIUS] = 1.0, _NEVER
    if not known:
        return
    row[RADIUS], row[ERROR_A] = a[4] + _CURVED, REFERENCE
    # c_2 = 2^r / A: Newton's step from the inverse in float64.
    size = a[0] * a[0] + a[2] * a[2]
    inverse = a[0] / size, 0.0, -a[2] / size, 0.0, -a[4]
    rest = product(a, inverse)
    rest = total((1.0, 0.0, 0.0, 0.0, 0), (-rest[0], -rest[1], -rest[2], -rest[3], rest[4]))
    inverse = total(inverse, product(inverse, rest))
    e = inverse[4] + a[4] + _CURVED
    _put_coefficient(row, C2, (inverse[0], inverse[1], inverse[2], inverse[3], e))


@kernel()
def _polynomial(row: Floats, shift: int, p: Floats) -> None:
    """Write c_1 = 1 … c_K for a radius 2^shift times as large: parts, and moduli."""
    p[0, 0], p[1, 0], p[2, 0] = 1.0, 0.0, 1.0
    for k in range(2, DEGREE + 1):
        at = C2 if k == 2 else (C3 if k == 3 else REST + 2 * (k - 4))
        f = power_of_two(max(shift * (k - 1), -1000))
        x, y = row[at] * f, row[at + (2 if k <= 3 else 1)] * f
        p[0, k - 1], p[1, k - 1], p[2, k - 1] = x, y, math.sqrt(x * x + y * y) * _UP


@kernel()
def _bound(p: Floats) -> tuple[float, float]:
    """Return Σ |c_k| for k ≥ 2, and Σ k |c_k|."""
    s, slope = 0.0, 0.0
    for k in range(2, DEGREE + 1):
        s += p[2, k - 1]
        slope += k * p[2, k - 1]
    return s * _UP, slope * _UP


@kernel()
def _times(h: Floats, p: Floats, size: int, out: Floats) -> float:
    """Write the first coefficients of h p; return a bound of the sum of all others."""
    for k in range(size):
        x, y, most = 0.0, 0.0, 0.0
        for i in range(k + 1):
            x += h[0, i] * p[0, k - i] - h[1, i] * p[1, k - i]
            y += h[0, i] * p[1, k - i] + h[1, i] * p[0, k - i]
            most += h[2, i] * p[2, k - i]
        out[0, k], out[1, k], out[2, k] = x, y, most
    tail = 0.0
    for i in range(size):
        for j in range(size - i, DEGREE):
            tail += h[2, i] * p[2, j]
    for part in range(3):
        for k in range(size):
            h[part, k] = out[part, k]
    return tail


@kernel()
def _composed(
    p: Floats, q: Floats, rho: tuple[float, float, float], h: Floats, out: Floats
) -> float:
    """Write Σ q_k ρ^(k-1) p^k, k ≥ 2, divided by u², to `h`; return what is cut off.

    `h` has moduli without cancellation. What is cut off begins with u^(K+1).
    """
    size = DEGREE - 1  # coefficients of u² … u^K
    for part in range(3):
        for k in range(size):
            h[part, k] = 0.0
    tail, s = 0.0, 1 + _bound(p)[0]
    x, y, z = rho
    for k in range(DEGREE, 1, -1):
        # h ← (h p + q_k) ρ, where p = u (1 + …).
        if k < DEGREE:
            tail += h[2, size - 1]
            for i in range(size - 1, 0, -1):
                h[0, i], h[1, i], h[2, i] = h[0, i - 1], h[1, i - 1], h[2, i - 1]
            h[0, 0] = h[1, 0] = h[2, 0] = 0.0
            tail = tail * s + _times(h, p, size, out)
        h[0, 0] += q[0, k - 1]
        h[1, 0] += q[1, k - 1]
        h[2, 0] += q[2, k - 1]
        for i in range(size):
            u, v = h[0, i], h[1, i]
            h[0, i], h[1, i], h[2, i] = u * x - v * y, u * y + v * x, h[2, i] * z
        tail *= z
    for _ in range(2):
        tail = tail * s + _times(h, p, size, out)
    return tail * _UP


@kernel()
def _combine(x: Floats, y: Floats, shift: int, rho: Pair, j: int, out: Floats) -> None:
    """Write c_2 and c_3 of y ∘ x, in pairs: for x's radius times 2^shift, then for 2^-j of that."""
    x2, x3 = coefficient(x, C2), coefficient(x, C3)
    x2 = x2[0], x2[1], x2[2], x2[3], x2[4] + shift
    x3 = x3[0], x3[1], x3[2], x3[3], x3[4] + 2 * shift
    y2, y3 = product(coefficient(y, C2), rho), product(coefficient(y, C3), product(rho, rho))
    mixed = product(x2, y2)
    c2 = total(x2, y2)
    c3 = total(total(x3, y3), (mixed[0], mixed[1], mixed[2], mixed[3], mixed[4] + 1))
    _put_coefficient(out, C2, (c2[0], c2[1], c2[2], c2[3], c2[4] - j))
    _put_coefficient(out, C3, (c3[0], c3[1], c3[2], c3[3], c3[4] - 2 * j))


@kernel()
def _ratio(a: Pair, b: Pair) -> float:
    """Return an upper bound of |a| / |b|."""
    return modulus(high(a)) / modulus(high(b)) * power_of_two(min(a[4] - b[4], 900)) * _UP


@kernel()
def _merge(x: Floats, y: Floats, widest: int, scratch: Floats, out: Floats) -> None:
    """Write y ∘ x to `out`, which may be one of both; r is `_NEVER` when it may not be used."""
    ax, ay, bx = pair_at(x, A), pair_at(y, A), pair_at(x, B)
    by = pair_at(y, B)
    alpha = modulus(high(ax))
    a, carried = product(ay, ax), product(ay, bx)
    b = total(carried, by)
    usable = x[RADIUS] > _NEVER and y[RADIUS] > _NEVER and alpha > 0 and modulus(high(b)) > 0
    r_x, r_y = int(x[RADIUS]), int(y[RADIUS])
    tau_x, tau_y, ea_x, ea_y = x[TAU], y[TAU], x[ERROR_A], y[ERROR_A]
    kappa_x, kappa_y = x[KAPPA], y[KAPPA]
    eb_x, eb_y = x[ERROR_B], y[ERROR_B]
    if usable:
        omega = modulus(high(bx)) * (1 + eb_x) * _UP
        omega *= power_of_two(min(bx[4] + widest - r_y, 1000))
        usable = omega < 2.0**-20
    if usable:
        # |X| ≤ |A_x| 2^r (1 + 2^-6) + q R ≤ 2^r_y.
        r = min(r_x, r_y - 1 - exponent(alpha * (1 + 2.0**-5)) - ax[4])
        p, q, h, work = scratch[0], scratch[1], scratch[2], scratch[3]
        _polynomial(x, r - r_x, p)
        _polynomial(y, 0, q)
        f = power_of_two(max(ax[4] + r - r_y, -1000))
        size = alpha * f * _UP
        tail = _composed(p, q, (ax[0] * f, ax[2] * f, size), h, work)
        (s, _), (_, slope) = _bound(p), _bound(q)
        down = power_of_two(max(r - r_x, -100))
        wide = 1 + s + ea_x + kappa_x + tau_x
        most = 0.0  # of the c_k in float64
        for k in range(4, DEGREE + 1):
            most += p[2, k - 1] + h[2, k - 2]
        kappa = kappa_x * down**3 * (1 + slope) + kappa_y * size**3 * wide**4 + most * _ROUNDING
        tau = tau_x * down**DEGREE * (1 + slope) + tail
        tau += tau_y * size**DEGREE * wide ** (DEGREE + 1)
        bent = (slope + 4 * kappa_y + (DEGREE + 1) * tau_y) * omega
        ea = ea_x * (1 + slope) + (ea_y + bent) * wide + _MERGE
        # A_y B_x and B_y may cancel: both relative to their sum.
        eb = _ratio(carried, b) * (eb_x * (1 + slope) + (ea_y + bent) * (1 + eb_x) + _MERGE)
        eb += _ratio(by, b) * (eb_y + _MERGE)
        # The radius is halved until what is cut off, and rounded, is little enough.
        j, half = 0, 1.0
        while not (tau * half**DEGREE <= EPSILON and kappa * half**3 <= EPSILON):
            j += 1
            half *= 0.5
        _combine(x, y, r - r_x, (ax[0], ax[1], ax[2], ax[3], ax[4] + r - r_y), j, out)
        for k in range(4, DEGREE + 1):
            at, f = REST + 2 * (k - 4), half ** (k - 1)
            out[at], out[at + 1] = (p[0, k - 1] + h[0, k - 2]) * f, (p[1, k - 1] + h[1, k - 2]) * f
        fits = bent <= EPSILON and wide <= 1 + 2.0**-6 and eb <= 2.0**-20
        out[RADIUS] = r - j if fits else _NEVER
        out[KAPPA], out[TAU] = kappa * half**3 * _UP, tau * half**DEGREE * _UP
        out[ERROR_A], out[ERROR_B] = ea * _UP, eb * _UP
    else:
        out[RADIUS] = _NEVER
    _put(out, A, a)
    _put(out, B, b)


@kernel()
def _finish(entry: Floats, widest: int, scratch: Floats, out: Floats) -> None:
    """Write an entry as it is used: up to half of its radius."""
    for k in range(WIDTH):
        out[k] = entry[k]
    if not entry[RADIUS] > _NEVER:
        return
    _polynomial(entry, 0, scratch[0])
    p, size, e = scratch[0], modulus(high(pair_at(entry, A))) * _UP, int(entry[A + 4])
    r, b = int(entry[RADIUS]), pair_at(entry, B)
    b_size = modulus(high(b)) * _UP
    # Cauchy's estimate of the derivative of the error within half of the radius.
    stretch = 1 + 2 * (entry[ERROR_A] + entry[KAPPA] + entry[TAU])
    stretch += 2 * entry[ERROR_B] * b_size / size * power_of_two(min(b[4] + widest - e - r, 1000))
    rest = 0.0
    for k in range(2, DEGREE + 1):
        stretch += k * p[2, k - 1] * power_of_two(1 - k)
        if k >= 4:
            rest += p[2, k - 1] * power_of_two(1 - k)
    error = entry[ERROR_A] + entry[KAPPA] / 8 + entry[TAU] / 2**DEGREE + _EVALUATION
    out[ERROR_A] = (error + 16 * UNIT * rest) * size * _UP
    out[LIPSCHITZ] = stretch * size * _UP
    out[ERROR_B] = (entry[ERROR_B] + _EVALUATION) * b_size * _UP


@kernel(entry=True, allocates=True)
def build(
    orbit: Floats,
    tiny: Floats,
    tiny_at: Integers,
    tinies: int,
    last: int,
    widest: int,
    cancel: NDArray[np.uint8],
    offsets: Integers,
    entries: Floats,
    radii: Floats,
) -> bool:
    """Fill the table of the steps from Z_1 to Z_last, as bla.py's, for |dc| ≤ 2^widest.

    False when cancelled.
    """
    count = max(last - 1, 0) >> SHORTEST
    work, one = np.empty((count, WIDTH)), np.empty(WIDTH)
    scratch = np.zeros((4, 3, DEGREE))
    for k in range(count):
        if k % 1024 == 0 and cancel[0]:
            return False
        for j in range(1 << SHORTEST):
            m = 1 + (k << SHORTEST) + j
            known = orbit[m, 0] != 0 or orbit[m, 1] != 0
            z = there(orbit, tiny, tiny_at, tinies, m)
            if j == 0:
                _single(z, known, work[k])
            else:
                _single(z, known, one)
                _merge(work[k], one, widest, scratch, work[k])
    level = SHORTEST
    while True:
        for k in range(count):
            at = offsets[level] + k
            _finish(work[k], widest, scratch, entries[at])
            radii[at] = work[k, RADIUS] - 1
        count >>= 1
        if count == 0:
            return True
        for k in range(count):
            _merge(work[2 * k], work[2 * k + 1], widest, scratch, work[k])
        if cancel[0]:
            return False
        level += 1


@kernel()
def leap(d: Pair, error: float, dc: Pair, row: Floats) -> tuple[Pair, float]:
    """Return d and its error after the steps of an entry; errors have the exponents of their d."""
    f = power_of_two(max(d[4] - int(row[RADIUS]), -1000))
    u = by(mantissa(d), f)
    x, y = 0.0, 0.0
    for k in range(DEGREE, 3, -1):
        at = REST + 2 * (k - 4)
        x, y = row[at] + x, row[at + 1] + y
        x, y = x * u[0] - y * u[2], x * u[2] + y * u[0]
    g = plus((row[C3], row[C3 + 1], row[C3 + 2], row[C3 + 3]), (x, 0.0, y, 0.0))
    g = plus((row[C2], row[C2 + 1], row[C2 + 2], row[C2 + 3]), times(u, g))
    g = plus((1.0, 0.0, 0.0, 0.0), times(u, g))
    a, b = pair_at(row, A), pair_at(row, B)
    e, e_b = a[4] + d[4], b[4] + dc[4]
    t = max(e, e_b)
    p = by(times(times(mantissa(a), mantissa(d)), g), power_of_two(e - t))
    q = by(times(mantissa(b), mantissa(dc)), power_of_two(e_b - t))
    x, xl, y, yl = plus(p, q)
    out = scaled_to_one(x, xl, y, yl, t)
    grown = (row[LIPSCHITZ] * error + row[ERROR_A] * modulus(high(d))) * power_of_two(
        min(a[4] + d[4] - out[4], 1000)
    )
    grown += row[ERROR_B] * modulus(high(dc)) * power_of_two(min(b[4] + dc[4] - out[4], 1000))
    return out, grown * _UP


class Table:
    """The entries for one reference orbit.

    Attributes
    ----------
    offsets : int64 array
        Where each level begins; one more than there are levels.
    entries : float64 array of shape (n, WIDTH)
    radii : float64 array of shape (n,)
        log2 of the |d| up to which an entry may be used.
    """

    def __init__(self, last: int) -> None:
        counts = [0] * SHORTEST
        while (entries := max(last - 1, 0) >> len(counts)) > 0:
            counts.append(entries)
        self.last = last
        self.offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        size = int(self.offsets[-1])
        self.entries = np.empty((size, WIDTH))
        self.radii = np.empty(size)

    @classmethod
    def build(cls, reference: ReferenceOrbit, last: int, cancel: NDArray[np.uint8]) -> Table | None:
        """Return the table for steps up to Z_last; None if cancelled."""
        table = cls(last)
        if table.radii.size and not build(
            reference.orbit, reference.tiny, reference.tiny_at, reference.tinies, last,
            reference.radius_e, cancel, table.offsets, table.entries, table.radii,
        ):  # fmt: skip
            return None
        return table

    @property
    def nbytes(self) -> int:
        """Size in memory, bytes."""
        return self.entries.nbytes + self.radii.nbytes
