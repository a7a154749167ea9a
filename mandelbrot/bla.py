"""Many steps of a perturbed orbit at once, with a bound of what that neglects.

A delta d of the reference orbit follows d' = (2 Z_m + d) d + dc. For small d, l steps are close to
a polynomial that does not depend on the pixel (bivariate linear approximation, with two powers)

    d_l ≈ A d + B dc + C d² + G d³,

and two such stretches y ∘ x combine to A = A_y A_x, B = A_y B_x + B_y, C = A_y C_x + C_y A_x²,
G = A_y G_x + 2 C_y A_x C_x + G_y A_x³. One step has A = 2 Z_m, B = C = 1, G = 0, and is exact.
Each entry of the table carries the radius of |d| up to which it may be used, r/2, and for all
|d| ≤ r, |dc| ≤ R (the cell's radius)

    |true - polynomial| ≤ ε_a |A| |d| + ε_b β |dc| + τ |d|⁴,    |∂true/∂d| ≤ λ |A|,

β ≥ |B| being a sum without cancellation. docs/exactness.md derives how these combine. Because two
powers are kept, what is neglected is of fourth order: an ε of 2^-40 allows |d| up to about 2^-15.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot.extended_exponent import (
    ZERO,
    Number,
    Real,
    add,
    exponent,
    less,
    modulus,
    multiply,
    normal,
    over,
    plus,
    power_of_two,
    real,
    root,
    times,
    value,
)
from mandelbrot.jit import kernel
from mandelbrot.pairs import high, product, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.pairs import Pair
    from mandelbrot.reference_orbit import ReferenceOrbit

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Rounding = tuple[float, float, float, float]
    Entry = tuple[Pair, Pair, Number, Number, Real, Real, Real, Real, float, float, Real]

SHORTEST = 2
"""log2 of the least number of steps in an entry: shorter ones cost more than their steps."""

KEPT = 28
"""Columns of all that merging needs of an entry."""

AX, AY, BX, BY, CX, CY, GX, GY, LIPSCHITZ, ERROR_A, ERROR_B, REST = range(12)
"""Columns of the coefficients: A; B; C; G; λ |A|; ε_a |A| and ε_b β, with an evaluation's rounding;
τ.
"""

EA, EB, EC, EG, ET = range(5)
"""Columns of the exponents: of A, λ |A| and ε_a |A|; of B and ε_b β; of C; of G; of τ."""

UNIT = 2.0**-53
ROUNDING = 2.0**-100, 1.01 * UNIT, 2.0**-94, 24 * UNIT
"""Bounds of what is lost of an iterate, relative to it, and of one below 2^-900; of A and B in one
merger, relative to |A| and β; of A to G and of the polynomial, to |A d| + β |dc|.
"""

_CURVED = -6  # log2 of the most that C d², and G d³, may be of A d
_UP = 1 + 2.0**-40
_NEVER = -(2.0**50)
_RANGE = 900  # log2 of what is taken for the range of float64
_EXPONENT_OF = EA, EA, EB, EB, EC, EC, EG, EG, EA, EA, EB, ET


@kernel()
def order(x: float, e: int) -> float:
    """Return a number that is monotone in x 2^e (x ≥ 0): log2, linear between powers of two."""
    if x == 0:
        return _NEVER
    shift = exponent(x)
    return e + shift + (x * power_of_two(-shift) - 1)


@kernel()
def single(
    m: int, orbit: Floats, tiny: Floats, tiny_at: Integers, tinies: int, rounding: Rounding
) -> Entry:
    """Return the entry of the step from Z_m: A, B, C, G, β, γ ≥ |C|, χ ≥ |G|, τ, ε_a, ε_b, r."""
    x, xl, y, yl = orbit[m, 0], orbit[m, 2], orbit[m, 1], orbit[m, 3]
    if x != 0 or y != 0:
        shift = exponent(max(abs(x), abs(y)))
        f = power_of_two(-shift)
        a = x * f, xl * f, y * f, yl * f, shift + 1
        fuzz = rounding[0]
    else:
        z = reference(orbit, tiny, tiny_at, tinies, m)
        a = z[0], 0.0, z[1], 0.0, z[2] + 1
        fuzz = rounding[1]
    one, unit, none = (1.0, 0.0, 0), (1.0, 0), (0.0, ZERO)
    r = real(modulus(high(a)), a[4] + _CURVED)
    nothing = 0.0, 0.0, ZERO
    return a, (1.0, 0.0, 0.0, 0.0, 0), one, nothing, unit, unit, none, none, fuzz, 0.0, r


@kernel()
def merge(x: Entry, y: Entry, widest: Real, epsilon: float, rounding: Rounding) -> Entry:
    """Return y ∘ x, both entries as `single` returns them; r is 0 when it may not be used."""
    ax, bx, cx, gx, beta_x, gamma_x, chi_x, tau_x, ea_x, eb_x, r_x = x
    ay, by, cy, gy, beta_y, gamma_y, chi_y, tau_y, ea_y, eb_y, r_y = y
    ax1, ay1 = high(ax), high(ay)
    alpha_x, alpha_y = real(modulus(ax1), ax[4]), real(modulus(ay1), ay[4])
    square = multiply(ax1, ax1)
    a, b = product(ay, ax), total(product(ay, bx), by)
    c = add(multiply(ay1, cx), multiply(cy, square))
    mixed = multiply(multiply(cy, ax1), cx)
    g = add(multiply(ay1, gx), (mixed[0], mixed[1], mixed[2] + 1))
    g = add(g, multiply(gy, multiply(square, ax1)))
    beta = plus(times(alpha_y, beta_x), beta_y)
    bent_x = times(gamma_y, alpha_x)
    gamma = plus(times(alpha_y, gamma_x), times(bent_x, alpha_x))
    cube_x = times(times(chi_y, alpha_x), alpha_x)
    chi = plus(times(alpha_y, chi_x), times(cube_x, alpha_x))
    chi = plus(chi, times((2.0, 0), times(bent_x, gamma_x)))
    never = a, b, c, g, beta, gamma, chi, tau_x, 0.0, 0.0, (0.0, 0)
    if r_x[0] == 0 or r_y[0] == 0:
        return never
    q = beta_x[0] * (1 + eb_x), beta_x[1]
    reach = times(q, widest)  # of B dc
    bent = value(over(times(gamma_y, reach), alpha_y))  # γ_y q R / α_y
    rest = r_y[0] - reach[0] * power_of_two(min(reach[1] - r_y[1], 1000))
    if not (2 * bent <= epsilon and rest > 0):
        return never
    room = over((rest * (1 - 2.0**-5), r_y[1]), alpha_x)
    r = less(less(r_x, room), over((alpha_x[0], alpha_x[1] + _CURVED), gamma_x))
    if chi_x[0] > 0:
        r = less(r, root(over((alpha_x[0], alpha_x[1] + _CURVED), chi_x), 2))
    # X = A_x d (1 + s) + B_x dc + …, where |s| ≤ p.
    curved = plus(gamma_x, plus(times(chi_x, r), times(tau_x, times(r, r))))
    p = value(over(times(curved, r), alpha_x)) + ea_x
    wide = 1 + p
    # Of C_y X²: C_x² + 2 A_x G_x + …, and what e_x has of it; of G_y X³; of e_y.
    tau = plus(times(gamma_x, gamma_x), times((2.0, 0), times(alpha_x, chi_x)))
    tau = plus(tau, times(times(chi_x, r), plus((2 * gamma_x[0], gamma_x[1]), times(chi_x, r))))
    tau = plus(times(gamma_y, tau), times((2 * wide, 0), times(times(bent_x, tau_x), r)))
    tau = plus(tau, times((3 * wide * wide, 0), times(cube_x, curved)))
    fourth = times(times(alpha_x, alpha_x), times(alpha_x, alpha_x))
    tau = plus(tau, times((wide * wide * wide * wide, 0), times(tau_y, fourth)))
    tau = plus(tau, times(alpha_y, tau_x))
    if tau[0] > 0:
        r = less(r, root(over(times((epsilon, 0), times(alpha_y, alpha_x)), tau), 3))
    # What B_x dc adds to G_y X³, and to τ_y |X|⁴, beyond their powers of d.
    top = plus((alpha_x[0] * wide * r[0], alpha_x[1] + r[1]), reach)
    beyond = 3 * value(over(times(chi_y, times(top, reach)), alpha_y))
    beyond += 4 * value(over(times(times(tau_y, top), times(top, reach)), alpha_y))
    ea = ea_x + (ea_y + 2 * bent + beyond) * wide + rounding[2]
    ea += ea_x * 2 * wide * value(over(times(bent_x, r), alpha_y))
    ea += ea_x * 3 * wide * wide * value(over(times(cube_x, times(r, r)), alpha_y))
    eb = max(eb_x + 1.01 * (ea_y + bent + beyond), eb_y) + rounding[2]
    return a, b, c, g, beta, gamma, chi, tau, ea, eb, real(r[0] * (1 - 2.0**-40), r[1])


@kernel()
def reference(orbit: Floats, tiny: Floats, tiny_at: Integers, tinies: int, m: int) -> Number:
    """Return Z_m."""
    x, y = orbit[m, 0], orbit[m, 1]
    if x != 0 or y != 0:
        return normal(x, y, 0)
    low, high = 0, tinies - 1
    while low < high:
        middle = (low + high) >> 1
        if tiny_at[middle, 0] < m:
            low = middle + 1
        else:
            high = middle
    return tiny[low, 0], tiny[low, 1], tiny_at[low, 1]


@kernel()
def write(
    entry: Entry,
    k: int,
    widest: Real,
    epsilon: float,
    evaluation: float,
    coefficients: Floats,
    exponents: NDArray[np.int32],
    radii: Floats,
) -> None:
    """Write an entry to row k as it is used."""
    a, b, c, g, beta, gamma, chi, tau, ea, eb, r = entry
    size = modulus(high(a))
    f = power_of_two(b[4] - beta[1])
    coefficients[k, AX], coefficients[k, AY] = a[0], a[2]
    coefficients[k, BX], coefficients[k, BY] = b[0] * f, b[2] * f
    coefficients[k, CX], coefficients[k, CY] = c[0], c[1]
    coefficients[k, GX], coefficients[k, GY] = g[0], g[1]
    # Within r/2: 2 γ |d| of the square, 3 χ |d|² of the cube, the rest by Cauchy's estimate.
    curved = times(plus(gamma, times(chi, r)), r)
    stretch = 1 + 2 * (value(over(curved, (size, a[4]))) + epsilon + ea)
    if r[0] > 0:
        stretch += 2 * eb * value(over(times(beta, widest), times((size, a[4]), r)))
    coefficients[k, LIPSCHITZ] = stretch * size * _UP
    coefficients[k, ERROR_A] = (ea + evaluation) * size * _UP
    coefficients[k, ERROR_B] = (eb + evaluation) * beta[0] * _UP
    coefficients[k, REST] = tau[0]
    exponents[k, EA], exponents[k, EB], exponents[k, ET] = a[4], beta[1], max(tau[1], -(2**20))
    exponents[k, EC], exponents[k, EG] = max(c[2], -(2**20)), max(g[2], -(2**20))
    radii[k] = order(0.5 * r[0], r[1]) - 2.0**-30


@kernel(entry=True, allocates=True)
def build(
    orbit: Floats,
    tiny: Floats,
    tiny_at: Integers,
    tinies: int,
    last: int,
    widest: tuple[float, int],
    epsilon: float,
    cancel: NDArray[np.uint8],
    offsets: Integers,
    coefficients: Floats,
    exponents: NDArray[np.int32],
    radii: Floats,
) -> bool:
    """Fill the table of the steps from Z_1 to Z_last. False when cancelled.

    Entry k of level l (2^l steps, l ≥ `SHORTEST`) starts at m = 1 + k 2^l and is at
    ``offsets[l] + k``.
    """
    # The parts of entries that only merging needs.
    count = max(last - 1, 0) >> SHORTEST
    work = np.empty((count, KEPT))
    level_count = count
    for k in range(count):
        if k % 1024 == 0 and cancel[0]:
            return False
        m = 1 + (k << SHORTEST)
        entry = single(m, orbit, tiny, tiny_at, tinies, ROUNDING)
        for j in range(1, 1 << SHORTEST):
            step = single(m + j, orbit, tiny, tiny_at, tinies, ROUNDING)
            entry = merge(entry, step, widest, epsilon, ROUNDING)
        at = offsets[SHORTEST] + k
        write(entry, at, widest, epsilon, ROUNDING[3], coefficients, exponents, radii)
        keep(entry, work, k)
    level = SHORTEST + 1
    while level_count > 1:
        level_count >>= 1
        for k in range(level_count):
            entry = merge(kept(work, 2 * k), kept(work, 2 * k + 1), widest, epsilon, ROUNDING)
            at = offsets[level] + k
            write(entry, at, widest, epsilon, ROUNDING[3], coefficients, exponents, radii)
            keep(entry, work, k)
        if cancel[0]:
            return False
        level += 1
    return True


@kernel(entry=True, allocates=True)
def without_exponents(
    coefficients: Floats,
    exponents: NDArray[np.int32],
    radii: Floats,
    dc_e: int,
    plain: Floats,
    reach: Floats,
) -> None:
    """Write the entries for deltas in float64's range, and dc in units of 2^dc_e.

    What is smaller than that range becomes 0; an entry with anything larger is never used.
    """
    for k in range(radii.size):
        usable = radii[k] > -_RANGE
        for column in range(REST + 1):
            e = exponents[k, _EXPONENT_OF[column]]
            if column in (BX, BY, ERROR_B):
                e += dc_e
            usable = usable and e < _RANGE
            plain[k, column] = coefficients[k, column] * power_of_two(min(e, _RANGE))
        whole = math.floor(min(max(radii[k], -_RANGE), 0.0))
        below = power_of_two(int(whole)) * (1 + radii[k] - whole)
        reach[k] = below if usable else 0.0


@kernel()
def keep(entry: Entry, work: Floats, k: int) -> None:
    """Write an entry to a row."""
    a, b, c, g, beta, gamma, chi, tau, ea, eb, r = entry
    work[k, 0], work[k, 1], work[k, 2], work[k, 3], work[k, 4] = a
    work[k, 5], work[k, 6], work[k, 7], work[k, 8], work[k, 9] = b
    work[k, 10], work[k, 11], work[k, 12] = c
    work[k, 13], work[k, 14], work[k, 15] = g
    work[k, 16], work[k, 17] = beta
    work[k, 18], work[k, 19] = gamma
    work[k, 20], work[k, 21] = chi
    work[k, 22], work[k, 23] = tau
    work[k, 24], work[k, 25] = ea, eb
    work[k, 26], work[k, 27] = r


@kernel()
def kept(work: Floats, k: int) -> Entry:
    """Return the entry of a row."""
    return (
        (work[k, 0], work[k, 1], work[k, 2], work[k, 3], int(work[k, 4])),
        (work[k, 5], work[k, 6], work[k, 7], work[k, 8], int(work[k, 9])),
        (work[k, 10], work[k, 11], int(work[k, 12])),
        (work[k, 13], work[k, 14], int(work[k, 15])),
        (work[k, 16], int(work[k, 17])),
        (work[k, 18], int(work[k, 19])),
        (work[k, 20], int(work[k, 21])),
        (work[k, 22], int(work[k, 23])),
        work[k, 24],
        work[k, 25],
        (work[k, 26], int(work[k, 27])),
    )


class Table:
    """The entries for one reference orbit.

    Parameters
    ----------
    last : int
        Index of the last iterate that an entry may lead to.

    Attributes
    ----------
    offsets : int64 array
        Where each level begins; one more than there are levels.
    coefficients, exponents, radii
        See `build`.
    plain, reach
        The same without exponents, for a dc in units of 2^radius_e: coefficients as float64, and
        |d| up to which an entry may be used, 0 where they are not in float64's range; the greatest
        of these is `widest`.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        counts = [0] * SHORTEST
        while (entries := max(last - 1, 0) >> len(counts)) > 0:
            counts.append(entries)
        self.offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        size = int(self.offsets[-1])
        self.coefficients = np.empty((size, REST + 1))
        self.exponents = np.empty((size, ET + 1), np.int32)
        self.radii = np.empty(size)
        self.plain = np.empty((size, REST + 1))
        self.reach = np.empty(size)
        self.widest = 0.0

    @classmethod
    def build(
        cls, reference: ReferenceOrbit, last: int, epsilon: float, cancel: NDArray[np.uint8]
    ) -> Table | None:
        """Return the table for steps up to Z_last that may neglect `epsilon`; None if cancelled."""
        table = cls(last)
        finished = build(
            reference.orbit, reference.tiny, reference.tiny_at, reference.tinies, last,
            (1.0, reference.radius_e), epsilon, cancel,
            table.offsets, table.coefficients, table.exponents, table.radii,
        )  # fmt: skip
        if not finished:
            return None
        without_exponents(
            table.coefficients, table.exponents, table.radii, reference.radius_e,
            table.plain, table.reach,
        )  # fmt: skip
        table.widest = float(table.reach.max(initial=0.0))
        return table

    @property
    def nbytes(self) -> int:
        """Size in memory, bytes."""
        arrays = self.coefficients, self.exponents, self.radii, self.plain, self.reach
        return sum(array.nbytes for array in arrays)
