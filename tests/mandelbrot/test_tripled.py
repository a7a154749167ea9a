"""Orbits as differences of 184 bits: their reference, the bound of a step, and their counts."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import deep, tripled
from mandelbrot.extended_exponent import ZERO
from mandelbrot.plane import Axis, Tile
from mandelbrot.reference_orbit import ReferenceOrbit
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.orbits_in_triples import Followed, as_triple, computed, made_of, value_of
from tests.mandelbrot.places import orbit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Point = tuple[Fraction, Fraction]


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))


def nucleus() -> Point:
    """Return the centre of the minibrot of period 3 on the real line, to 400 bits."""
    with gmpy2.context(precision=500):
        x = gmpy2.mpfr("-1.7548776662466927")
        for _ in range(8):
            x -= (((x + 2) * x + 1) * x + 1) / ((3 * x + 4) * x + 1)
        return Fraction(int(gmpy2.floor(x * gmpy2.exp2(400))), 2**400), Fraction(0)


def reference_of(name: str) -> ReferenceOrbit:
    """Return an orbit, computed to its end; "nucleus" comes back to 10^-30 at every third step."""
    cancel = np.zeros(1, np.uint8)
    if name == "nucleus":
        re, im = nucleus()
        offset = Fraction(1, 10**30)
        orbit = ReferenceOrbit(re + offset, im + offset / 3, -102, 4)
        assert orbit.extend(1000, cancel)
        return orbit
    orbit, maxiter = orbit_of(name)
    assert orbit.extend(maxiter, cancel)
    return orbit


def iterates_of(re: Fraction, im: Fraction, size: int) -> Iterator[gmpy2.mpc]:
    """Yield Z_1, Z_2, … to the precision of the context."""
    c = gmpy2.mpc(gmpy2.mpfr(gmpy2.mpq(re)), gmpy2.mpfr(gmpy2.mpq(im)))
    z = gmpy2.mpc(0)
    for _ in range(size):
        z = z * z + c
        yield z


@pytest.mark.parametrize("address", ["gmp", "limbs"])
@pytest.mark.parametrize("name", ["nucleus", "E21_julia", "e113", "e1000"])
def test_iterates_keep_their_bound(name: str, address: str) -> None:
    orbit = reference_of(name)
    if address == "limbs":
        orbit.address = 0
    found = computed(orbit, orbit.last)
    assert found.exponents.size == orbit.last + 1
    assert not found.orbit[0].any()
    assert found.exponents[0] == ZERO
    smallest, tight = 1.0, 0
    with gmpy2.context(precision=64 * orbit.size + 1500):
        for m, z in enumerate(iterates_of(orbit.re, orbit.im, orbit.last - 1), 1):
            e = int(found.exponents[m])
            error = abs(value_of(found.orbit[m], e) - z)
            assert error <= abs(z) * tripled.REFERENCE, m
            tight += error > abs(z) * tripled.REFERENCE / 2**6
            larger = max(abs(z.real), abs(z.imag)) * gmpy2.exp2(-e)
            assert 1 <= larger * (1 + gmpy2.exp2(-180)) <= 2 * (1 + gmpy2.exp2(-179))
            smallest = min(smallest, float(abs(z)))
    assert tight > orbit.last / 4
    if name == "nucleus":
        assert smallest < 1e-28


def test_a_computation_can_be_abandoned() -> None:
    orbit = reference_of("nucleus")
    assert tripled.Orbit.compute(orbit, orbit.last, np.ones(1, np.uint8)) is None


def test_a_step_keeps_its_bound() -> None:
    rng = np.random.default_rng(3)
    tight = checked = 0
    for _ in range(1500):
        with gmpy2.context(precision=900):
            places = [
                gmpy2.mpc(*(gmpy2.mpfr(float(p)) / 3 for p in rng.uniform(-1, 1, 2))) * scale
                for scale in (1, gmpy2.exp2(-int(rng.integers(0, 300))), gmpy2.exp2(-400))
            ]
            z, d, dc = places
            z *= gmpy2.exp2(-int(rng.integers(0, 3)) * int(rng.integers(0, 100)))
            dc *= gmpy2.exp2(min(400, int(rng.integers(0, 440))))
            if abs(z + d) < abs(d):
                continue
            d = value_of(*as_triple(d))
            # At most off by their bounds, which is more than they are cut by.
            turn = gmpy2.mpc(complex(np.exp(2j * np.pi * rng.random())))
            true_z = z * (1 + 0.8 * turn * tripled.REFERENCE)
            # The next iterate is so large that nothing is rebased.
            found = Followed(1, dc, made_of(z, gmpy2.mpc(2**40)), first=(d, 1))
            assert found.m[0] == 2
            error = abs(found.d[0] - ((2 * true_z + d) * d + dc))
            assert error <= found.errors[0]
            checked += 1
            tight += error > found.errors[0] / 2**7
    assert checked > 600
    assert tight > checked / 2


@pytest.mark.parametrize("ends", [False, True])
def test_a_rebase_keeps_its_bound(ends: bool) -> None:  # noqa: FBT001 - a parameter
    rng = random.Random(5)  # noqa: S311 - a repeatable sample
    end_error, end_e, tight = 1.5, -170, 0
    for k in range(300):
        with gmpy2.context(precision=900):
            dc = gmpy2.mpc(rng.uniform(0.5, 0.9), rng.uniform(-0.4, 0.4)) / 3
            # A step whose own rounding is small; what it comes to cancels more or less.
            z, d = gmpy2.mpc(rng.random() / 3, 0.1) / 2**30, gmpy2.mpc(1, 0.3) / 2**40
            left = (
                gmpy2.mpc(rng.uniform(-1, 1), rng.uniform(-1, 1)) / 3 / 2 ** rng.randrange(2, 170)
            )
            to = left - dc
            d = value_of(*as_triple(d))
            # Reference and dc are off by as much as they may be, in the same direction.
            turn = dc / abs(dc)
            off = turn * abs(to) * tripled.REFERENCE * 0.9
            if ends:
                off += turn * gmpy2.mpfr(end_error) * gmpy2.exp2(end_e)
            true_dc = dc + turn * abs(dc) * tripled._DC * 0.6
            found = Followed(
                1, dc, made_of(z, to), first=(d, 1), last=2 if ends else 3, end=(end_error, end_e)
            )
            assert found.m[0] == 0
            true = to + off + ((2 * z + d) * d + true_dc)
            error = abs(found.d[0] - true)
            assert error <= found.errors[0], k
            tight += error > found.errors[0] / 8
    assert tight > 250


@pytest.mark.parametrize("ratio", [0.97, 1.03])
def test_an_orbit_is_rebased_where_z_is_smaller_than_d(ratio: float) -> None:
    with gmpy2.context(precision=400):
        for turn in np.exp(1j * np.arange(8)):
            z, d = gmpy2.mpc(0.25, -0.125), gmpy2.mpc(complex(turn)) * gmpy2.exp2(-30)
            after = (2 * z + d) * d
            orbit = made_of(z, after * (ratio * gmpy2.mpc(complex(turn)) - 1), z)
            found = Followed(1, gmpy2.exp2(-300) * d, orbit, first=(d, 1))
            assert found.m == (0 if ratio < 1 else 2)


def test_an_orbit_is_rebased_at_the_end_however_far_from_0() -> None:
    with gmpy2.context(precision=900):
        d, dc = gmpy2.mpc(1, 1) / 2**50, gmpy2.mpc(1, -1) / 2**60
        orbit = made_of(gmpy2.mpc(0.5), gmpy2.mpc(0.25, 1), gmpy2.mpc(0.5))
        for last, expected in [(3, 2), (2, 0)]:
            found = Followed(1, dc, orbit, first=(d, 1), last=last)
            assert found.m[0] == expected


def test_an_error_is_not_lost_where_all_digits_cancel() -> None:
    # Such a pixel is next to the centre of a minibrot; its orbit may leave all the same.
    with gmpy2.context(precision=900):
        d, dc = gmpy2.mpc(0.5), gmpy2.mpc(-0.75, 0.125)
        orbit = made_of(gmpy2.mpc(1), gmpy2.mpc(-0.5, -0.125))  # (2 + 1/2)/2 + dc = 1/2 + i/8
        found = Followed(1, dc, orbit, first=(d, 1))
        assert found.d[0] == 0
        assert found.m[0] == 0
        assert found.errors[0] > 2.0**-180
        # The same of a step.
        orbit = made_of(gmpy2.mpc(1), gmpy2.mpc(0.5))
        found = Followed(1, gmpy2.mpc(-1.25), orbit, first=(d, 1))
        assert found.d[0] == 0
        assert found.errors[0] > 2.0**-180


@pytest.mark.parametrize(
    ("name", "radius", "steps"),
    [
        ("nucleus", -97, 400),
        ("E21_julia", -70, 4000),
        ("e113", -375, 14000),
        ("e1000", -3322, 9000),
    ],
)
def test_orbits_keep_their_bound(name: str, radius: int, steps: int) -> None:
    reference = reference_of(name)
    orbit = computed(reference, reference.last)
    rng = random.Random(steps)  # noqa: S311 - a repeatable sample
    rebased = useful = 0
    end_error, end_e = reference.error
    for _ in range(3):
        with gmpy2.context(precision=64 * reference.size + 2000):
            dc = gmpy2.mpc(rng.uniform(-1, 1), rng.uniform(-1, 1)) * gmpy2.exp2(radius)
            end = end_error, end_e - 64 * tripled.MORE
            found = Followed(steps, dc, orbit, last=reference.last, end=end)
            at = [gmpy2.mpc(0), *iterates_of(reference.re, reference.im, reference.last)]
            c, z = at[1] + dc, gmpy2.mpc(0)
            for n, (d, error, m) in enumerate(zip(found.d, found.errors, found.m, strict=True)):
                z = z * z + c
                if not abs(z) < 2:
                    break
                true = z - at[m]
                assert abs(d - true) <= error, n
                # What a step's bound takes for granted.
                assert abs(true) <= abs(z) * (1 + 1e-12), n
                rebased += m == 0
                useful += error < abs(true) * 2.0**-120
    assert rebased > 2
    assert useful > steps


def tile_of(re: Fraction, im: Fraction) -> Tile:
    """Return a tile of one pixel."""
    return Tile(*(Axis(p.numerator, 1, p.denominator, 1) for p in (re, im)))


class Place:
    """A cell, with all that its pixels are counted with in pairs and in triples."""

    def __init__(self, name: str, cap: int) -> None:
        self.orbit, self.cap, self.cancel = reference_of(name), cap, np.zeros(1, np.uint8)
        side = Fraction(2) ** self.orbit.radius_e
        self.cell = self.orbit.re, self.orbit.im, side
        strict, near = True, math.inf
        frame = deep._frame(
            self.cell, self.orbit, cap, deep.EPSILON["exact"], strict, near, self.cancel
        )
        assert frame is not None
        self.frame = frame

    def count(self, point: Point, *, in_pairs: bool) -> int:
        """Return the count that is certain, or -1."""
        count = deep._count_in_pairs if in_pairs else deep._count_in_triples
        counts, unsure = np.zeros(1, np.uint32), np.ones(1, np.bool_)
        tile = tile_of(*point)
        grid = deep._grid(tile, self.orbit)
        assert count(
            deep._Rest(
                tile, self.cell, self.orbit, grid, self.frame, self.cap, self.cancel, counts, unsure
            )
        )
        return -1 if unsure[0] else int(counts[0])

    def true_count(self, point: Point) -> int:
        return exact_count(*point, self.cap, bits=64 * self.orbit.size + 600)

    def minibrot(self) -> Point:
        """Return the centre of the minibrot that the orbit has returned for."""
        with gmpy2.context(precision=64 * self.orbit.size + 600):
            c = gmpy2.mpc(gmpy2.mpq(self.cell[0]), gmpy2.mpq(self.cell[1]))
            for _ in range(6):
                z = derivative = gmpy2.mpc(0)
                for _ in range(self.orbit.last):
                    z, derivative = z * z + c, 2 * z * derivative + 1
                c -= z / derivative
            re, im = (part.as_integer_ratio() for part in (c.real, c.imag))
        return Fraction(int(re[0]), int(re[1])), Fraction(int(im[0]), int(im[1]))

    def random_points(self, count: int) -> Iterator[Point]:
        rng = random.Random(count)  # noqa: S311 - a repeatable sample
        for _ in range(count):
            re, im = (Fraction(rng.uniform(-0.4, 0.4)) * self.cell[2] for _ in range(2))
            yield self.cell[0] + re, self.cell[1] + im


@pytest.mark.parametrize(
    ("name", "cap", "size"),
    [("nucleus", 3000, 5), ("E21_julia", 20000, 16), ("e50", 263010, 4), ("e113", 35494, 10)],
)
def test_counts_are_right(name: str, cap: int, size: int) -> None:
    place = Place(name, cap)
    for point in place.random_points(size):
        assert place.count(point, in_pairs=False) == place.true_count(point)


def test_pixels_that_106_bits_leave_uncertain() -> None:
    # Towards the centre of the cell's minibrot Z_p + d cancels: that many digits are lost.
    place = Place("e113", 60000)
    centre = place.minibrot()
    turn = Fraction(3, 5), Fraction(4, 5)
    more = less = 0
    for lost in range(76, 190, 12):
        distance = place.cell[2] / 2**lost
        point = centre[0] + turn[0] * distance, centre[1] + turn[1] * distance
        in_pairs, found = (place.count(point, in_pairs=pairs) for pairs in (True, False))
        true = place.true_count(point)
        assert {in_pairs, found} <= {-1, true}, lost
        more += in_pairs < 0 <= found
        less += found < 0 <= in_pairs
    assert more >= 5
    assert not less


def test_what_is_cancelled_is_not_certain() -> None:
    place = Place("E21_julia", 6000)
    points = list(place.random_points(5))
    orbit = computed(place.orbit, place.orbit.last)
    for cancelled in (False, True):
        cancel = np.full(1, cancelled, np.uint8)
        found = tripled.count(points, place.cell[:2], place.cap, orbit, *place.orbit.error, cancel)
        assert found.dtype == np.int64
        assert ((found == -1) if cancelled else (found > 0)).all()


def test_points_at_the_centre_and_far_away() -> None:
    place = Place("E21_julia", 6000)
    orbit = computed(place.orbit, place.orbit.last)
    re, im, _ = place.cell
    points = [(re, im)] + [(re + x, im + y) for x, y in ((5, 0), (0, -5), (-5, 5), (10**9, 0))]
    found = tripled.count(points, (re, im), 200, orbit, *place.orbit.error, place.cancel)
    assert found.tolist() == [200, 0, 0, 0, 0]
