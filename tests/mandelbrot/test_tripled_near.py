"""The near phase of orbits in triples: its bound, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import perturbation, tripled
from mandelbrot.jit import kernel
from tests.mandelbrot.orbits_in_triples import UNIT, as_triple, value_of, words_of
from tests.mandelbrot.test_tripled import Place

if TYPE_CHECKING:
    from numpy.typing import NDArray

near = tripled._near


@kernel(entry=True, allocates=False)
def nears(
    z: NDArray[np.uint64], z_e: int, error: float, c: NDArray[np.uint64], n: int, maxiter: int,
    small: float, cancel: NDArray[np.uint8], out: NDArray[np.uint64],
) -> tuple[int, int, float, int]:  # fmt: skip
    z_n = (z[0], z[1], z[2]), (z[3], z[4], z[5]), z_e
    point = (c[0], c[1], c[2]), (c[3], c[4], c[5])
    status, (x, y, e), error, n = near(z_n, error, point, n, maxiter, small, cancel)
    out[0], out[1], out[2] = x
    out[3], out[4], out[5] = y
    return status, e, error, n


def near_of(
    z: gmpy2.mpc, error: float, c: tuple[int, int], n: int, maxiter: int, small: float = 2.0**-80
) -> tuple[int, gmpy2.mpc, gmpy2.mpfr, int]:
    """Return the status, z, the bound of its error, and n, after a near phase from z_n on."""
    words, e = as_triple(z)
    out = np.zeros(6, np.uint64)
    status, to, bound, n = nears(
        words[0], e, float(error / gmpy2.exp2(e)), words_of(*c)[0], n, maxiter, small,
        np.zeros(1, np.uint8), out,
    )  # fmt: skip
    return status, value_of(out, to), gmpy2.mpfr(bound) * gmpy2.exp2(to), n


@pytest.mark.parametrize("near", tripled.NEAR)
@pytest.mark.parametrize("name", ["nucleus", "E21_julia"])
def test_the_near_phase_keeps_its_bound(name: str, near: int) -> None:
    small = 4.0 ** (near - 1)
    place = Place(name, 10**6)
    re, im = place.minibrot()  # its orbit comes to 0, and before to other places near it
    c = tuple(int(part * 2**UNIT) for part in (re, im))
    with gmpy2.context(precision=900):
        at = gmpy2.mpc(*(gmpy2.mpfr(gmpy2.mpq(part)) for part in (re, im)))
        for first in (0.0, 2.0**-150):
            # z_1 = c, off by the error; from there on to where z is small, as often as that is.
            z, n, off, phases, error = at - first * 0.9, 1, at, 0, first
            while phases < 5:
                status, found, bound, to = near_of(z, error, c, n, 10**6, small)
                if status != perturbation.TINY:
                    break
                for _ in range(n, to):
                    assert gmpy2.norm(off) >= small * 0.999
                    off = off * off + at
                assert gmpy2.norm(off) <= small * 1.001
                assert abs(found - off) <= bound
                assert phases or not first or abs(found - off) > bound / 2**12
                phases += 1
                # A step out of it.
                z = found * found + at
                error = float((2 * abs(found) + bound) * bound + gmpy2.exp2(-180))
                n, off = to + 1, off * off + at
            assert phases > 0


def test_the_near_phase_ends_where_an_orbit_leaves() -> None:
    for error, certain in [(0.0, True), (1e-30, True), (1e-3, False)]:
        # 1, and 2 + 2^-11.
        c = (2**UNIT + 2 ** (UNIT - 11), 0)
        status, _, _, n = near_of(gmpy2.mpc(1), error, c, 7, 100)
        assert (status, n) == (perturbation.CERTAIN if certain else perturbation.UNSURE, 7)
    assert (
        near_of(gmpy2.mpc(1), 0.0, (-(2**UNIT), 2 ** (UNIT - 20)), 7, 7)[0] == perturbation.CERTAIN
    )
