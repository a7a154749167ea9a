"""The table of many steps at once: what its entries claim."""

from __future__ import annotations

import gmpy2
import numpy as np
import pytest

from mandelbrot import bla, deep
from tests.mandelbrot.places import orbit_of


@pytest.mark.parametrize("name", ["E21_julia", "e113", "e1000"])
def test_table_entries_keep_their_bounds(name: str) -> None:
    orbit, maxiter = orbit_of(name)
    cancel = np.zeros(1, np.uint8)
    orbit.extend(maxiter, cancel)
    epsilon = deep.EPSILON["exact"]
    table = bla.Table.build(orbit, orbit.last - 1, epsilon, cancel)
    assert table is not None
    rng = np.random.default_rng(5)
    checked = 0
    with gmpy2.context(precision=64 * orbit.size + 2000):
        cx, cy = gmpy2.mpfr(gmpy2.mpq(orbit.re)), gmpy2.mpfr(gmpy2.mpq(orbit.im))
        z = [gmpy2.mpc(0)]
        c = gmpy2.mpc(cx, cy)
        for _ in range(orbit.last):
            z.append(z[-1] * z[-1] + c)
        for level in range(bla.SHORTEST, len(table.offsets) - 1):
            entries = range(table.offsets[level], table.offsets[level + 1])
            for at in rng.permutation(entries)[:6].tolist():
                if table.radii[at] < -(2.0**30):
                    continue
                m, steps = 1 + ((at - int(table.offsets[level])) << level), 1 << level
                whole = float(np.floor(table.radii[at]))
                radius = gmpy2.exp2(gmpy2.mpfr(whole)) * (1 + table.radii[at] - whole)
                # What r is chosen for, the entry being used up to r/2.
                fourth = gmpy2.mpfr(table.coefficients[at, bla.REST]) * (2 * radius) ** 3
                modulus = gmpy2.mpfr(np.hypot(*table.coefficients[at, : bla.AY + 1]))
                fourth *= gmpy2.exp2(int(table.exponents[at, bla.ET] - table.exponents[at, bla.EA]))
                assert fourth <= epsilon * modulus, (level, at)
                for size, dc_size in [(1, 1), (0.9, 0), (1e-3, 0.5), (1e-8, 1)]:
                    turn = np.exp(2j * np.pi * rng.random(2))
                    d0 = radius * size * gmpy2.mpc(complex(turn[0]))
                    dc = gmpy2.exp2(orbit.radius_e) * dc_size * gmpy2.mpc(complex(turn[1]))
                    d, derivative = d0, gmpy2.mpc(1)
                    for k in range(m, m + steps):
                        derivative *= 2 * (z[k] + d)
                        d = (2 * z[k] + d) * d + dc
                    v, e = table.coefficients[at], [int(p) for p in table.exponents[at]]
                    a, b, square, cube = (
                        gmpy2.mpc(complex(v[i], v[i + 1])) * gmpy2.exp2(e[i // 2])
                        for i in (bla.AX, bla.BX, bla.CX, bla.GX)
                    )
                    bound = (
                        gmpy2.mpfr(v[bla.ERROR_A]) * gmpy2.exp2(e[bla.EA]) * abs(d0)
                        + gmpy2.mpfr(v[bla.ERROR_B]) * gmpy2.exp2(e[bla.EB]) * abs(dc)
                        + gmpy2.mpfr(v[bla.REST]) * gmpy2.exp2(e[bla.ET]) * abs(d0) ** 4
                    )
                    stretch = gmpy2.mpfr(v[bla.LIPSCHITZ]) * gmpy2.exp2(e[bla.EA])
                    assert abs(derivative) <= stretch, (level, at, size)
                    error = abs(((cube * d0 + square) * d0 + a) * d0 + b * dc - d)
                    assert error <= bound, (level, at, size)
                    checked += error > bound * 1e-6
    assert checked > 10
