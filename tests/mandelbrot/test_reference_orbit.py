"""Orbits of many digits: their iterates, their bound, and counts by them alone."""

from __future__ import annotations

from fractions import Fraction

import gmpy2
import numpy as np
import pytest

from mandelbrot import fixed_point, reference_orbit, series, squares
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import bits, location, orbit_of


@pytest.mark.parametrize("address", ["gmp", "limbs"])
@pytest.mark.parametrize("name", ["e14", "e113", "e1000"])
def test_a_reference_orbit_is_right_to_106_bits(name: str, address: str) -> None:
    orbit, maxiter = orbit_of(name)
    if address == "limbs":
        orbit.address = 0
    cancel = np.zeros(1, np.uint8)
    for stop in (10, 100, maxiter):  # in parts
        assert orbit.extend(stop, cancel)
    assert orbit.why == reference_orbit.RETURNED
    tiny = {int(m): k for k, (m, _) in enumerate(orbit.tiny_at[: orbit.tinies])}
    with gmpy2.context(precision=64 * orbit.size + 400):
        cx, cy = gmpy2.mpfr(gmpy2.mpq(orbit.re)), gmpy2.mpfr(gmpy2.mpq(orbit.im))
        x = y = gmpy2.mpfr(0)
        for m in range(1, orbit.last + 1):
            x, y = x * x - y * y + cx, 2 * x * y + cy
            if m in tiny:
                scale = gmpy2.exp2(int(orbit.tiny_at[tiny[m], 1]))
                px, py = (gmpy2.mpfr(v) * scale for v in orbit.tiny[tiny[m]])
                allowed = 2.0**-50
            else:
                px, py = (gmpy2.mpfr(orbit.orbit[m, k]) + orbit.orbit[m, k + 2] for k in (0, 1))
                allowed = series.REFERENCE
            assert gmpy2.hypot(px - x, py - y) <= allowed * gmpy2.hypot(x, y), m


@pytest.mark.parametrize("address", ["gmp", "limbs"])
def test_an_orbit_knows_how_far_off_it_is(address: str) -> None:
    rng, cancel, worst = np.random.default_rng(3), np.zeros(1, np.uint8), 0.0
    for _ in range(300):
        re, im = (Fraction(int(v), 2**61) for v in rng.integers(-(2**59), 2**59, 2))
        orbit = reference_orbit.ReferenceOrbit(re / 3, im / 3, -(2**40), 2)
        if address == "limbs":
            orbit.address = 0
        unit = Fraction(1, 2 ** (64 * orbit.size - fixed_point.WHOLE))
        x = y = Fraction(0)
        for m in range(1, 4):
            assert orbit.extend(m, cancel)
            x, y = x * x - y * y + orbit.re, 2 * x * y + orbit.im
            words = b"".join(part.tobytes() for part in orbit._z)
            off = [
                int.from_bytes(words[16 * k : 16 * k + 16], "little", signed=True) * unit - part
                for k, part in enumerate((x, y))
            ]
            mantissa, e = orbit.error
            bound = Fraction(mantissa) * Fraction(2) ** e
            square = sum(part * part for part in off)
            assert square <= bound**2
            worst = max(worst, float(square / bound**2))
    assert worst > 0.2**2


@pytest.mark.parametrize(("distance", "exact"), [(62, True), (63, False)])
def test_an_orbit_ends_before_an_iterate_that_is_not_exact_enough(
    distance: int,
    exact: bool,  # noqa: FBT001 - a parameter
) -> None:
    # Z_2 is that close to 0, and off by up to 2^-184: 2^-118 of it is what all bounds take for it.
    near = Fraction(1, 2**distance)
    orbit = reference_orbit.ReferenceOrbit(near - 1, Fraction(0), -150, 3)
    assert orbit.extend(3, np.zeros(1, np.uint8))
    assert (orbit.why, orbit.last) == (
        (reference_orbit.RUNNING, 3) if exact else (reference_orbit.IMPRECISE, 2)
    )


def test_a_point_is_counted_by_an_orbit_of_its_own() -> None:
    pyramid, maxiter = location("e1000", levels=1, tilesize=8)
    tile = pyramid.tile(1, 0, 0)
    cancel = np.zeros(1, np.uint8)
    for i in (1, 6):
        point = tile.re[i], tile.im[2]
        expected = exact_count(*point, maxiter, bits=bits(pyramid, 1))
        assert reference_orbit.count_alone(*point, 55, maxiter, cancel) == expected
        assert reference_orbit.count_alone(*point, 3, maxiter, cancel) == -1
    assert reference_orbit.count_alone(Fraction(-1, 10), Fraction(1, 3), 9, 300, cancel) == 300
    cancel[0] = 1
    assert reference_orbit.count_alone(*point, 55, maxiter, cancel) == -1


def test_the_square_of_gmp_is_found() -> None:
    # Where gmpy2's wheel has another layout the orbits are right, but slow.
    assert squares.square_address() != 0


def test_an_orbit_is_not_moved_to_more_room_when_nobody_waits_for_it() -> None:
    orbit = reference_orbit.reference_orbit(Fraction(-1, 10), Fraction(1, 3), Fraction(1, 2**60))
    cancel = np.zeros(1, np.uint8)
    assert orbit.extend(50, cancel)
    known = orbit.orbit
    assert not orbit._grow(1000, np.ones(1, np.uint8))
    assert orbit.orbit is known
    assert orbit._grow(1000, cancel)
    np.testing.assert_array_equal(orbit.orbit[:51], known[:51])
