"""Many steps at once to 184 bits: entries against exact orbits."""

from __future__ import annotations

import gmpy2
import numpy as np
import pytest

from mandelbrot import strides, triples
from mandelbrot.jit import kernel
from tests.mandelbrot.orbits_in_triples import as_triple, computed, value_of
from tests.mandelbrot.places import orbit_of

_leap, _normal, _triple_at = strides.leap, triples.normal, strides.triple_at


@kernel(entry=True)
def leaps(rows, exponents, error: float, k: int, table, out) -> tuple[int, float]:  # type: ignore[no-untyped-def] # numba finds them
    """Take entry k from d, the first row, with dc, the second; write what d has come to."""
    d, dc = _normal(_triple_at(rows, exponents, 0)), _normal(_triple_at(rows, exponents, 1))
    moved, grown = _leap(d, error, dc, k, table)
    for i in range(3):
        out[i], out[i + 3] = moved[0][i], moved[1][i]
    return moved[2], grown


@pytest.mark.parametrize(("name", "steps"), [("e227", 5000), ("e113", 6000), ("e1000", 4400)])
def test_entries_keep_their_bounds(name: str, steps: int) -> None:
    orbit, _ = orbit_of(name)
    cancel = np.zeros(1, np.uint8)
    orbit.extend(steps, cancel)
    table = computed(orbit, orbit.last).table
    rng, out = np.random.default_rng(6), np.zeros(6, np.uint64)
    checked = tight = 0
    with gmpy2.context(precision=64 * orbit.size + 2000):
        c = gmpy2.mpc(gmpy2.mpfr(gmpy2.mpq(orbit.re)), gmpy2.mpfr(gmpy2.mpq(orbit.im)))
        z = [gmpy2.mpc(0)]
        for _ in range(orbit.last):
            z.append(z[-1] * z[-1] + c)
        for level in range(strides.SHORTEST, len(table.offsets) - 1):
            entries = range(table.offsets[level], table.offsets[level + 1])
            for at in rng.permutation(entries)[:8].tolist():
                if table.radii[at] < -(2.0**40):
                    continue
                m = 1 + ((at - int(table.offsets[level])) << level)
                whole = np.floor(table.radii[at])
                radius = gmpy2.exp2(gmpy2.mpfr(whole)) * (1 + table.radii[at] - whole)
                # |d| up to the radius of use, |dc| up to the cell's.
                for down, dc_down in [(0, 1), (0, 400), (3, 2), (40, 1)]:
                    turns = np.exp(2j * np.pi * rng.random(2))
                    d = radius * (1 - 2.0**-20) * gmpy2.mpc(turns[0]) * gmpy2.exp2(-down)
                    dc = gmpy2.mpc(turns[1]) * gmpy2.exp2(orbit.radius_e - dc_down)
                    parts = [as_triple(part) for part in (d, dc)]
                    rows = np.concatenate([words for words, _ in parts])
                    exponents = np.array([e for _, e in parts])
                    d, dc = (value_of(*part) for part in zip(rows, exponents, strict=True))
                    w, slope = d, gmpy2.mpc(1)
                    for k in range(m, m + (1 << level)):
                        slope *= 2 * (z[k] + w)
                        w = (2 * z[k] + w) * w + dc
                    e, bound = leaps(rows, exponents, 0.0, at, table, out)
                    error = abs(value_of(out, e) - w) / gmpy2.exp2(e)
                    assert error <= bound, (level, at, down)
                    _, loose = leaps(rows, exponents, 2.0**-100, at, table, out)
                    grown = abs(slope) * gmpy2.exp2(int(exponents[0]) - e - 100)
                    assert grown <= loose, (level, at, down)
                    checked += 1
                    tight += error > bound / 2**16
    assert checked > 40
    assert tight > checked / 10
