"""Cells inside the set: proven as a whole, and only where no orbit leaves."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import Pyramid, attraction, deep, reference_orbit, render, render_tile
from mandelbrot.jit import kernel
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import LOCATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERIODS = {"e14": 252, "e113": 11380}
NEVER = np.zeros(1, np.uint8)


def minibrot(name: str) -> tuple[Fraction, Fraction, complex]:
    """Return the centre of a location's minibrot, by Newton's method, and its size and direction.

    Its cardioid's point at w is about centre + size w, as -1/4 ≤ Re w is of the large one.
    """
    where, period = LOCATIONS[name], PERIODS[name]
    with gmpy2.context(precision=1200):
        c = gmpy2.mpc(gmpy2.mpfr(where["re"]), gmpy2.mpfr(where["im"]))
        for _ in range(12):
            z, dz = gmpy2.mpc(0), gmpy2.mpc(0)
            for _ in range(period):
                dz, z = 2 * z * dz + 1, z * z + c
            c -= z / dz
        z, growth, sum_ = c, gmpy2.mpc(1), gmpy2.mpc(1)
        for _ in range(1, period):
            growth *= 2 * z
            sum_ += 1 / growth
            z = z * z + c
        size = 1 / (sum_ * growth * growth)
        re, im = (Fraction(*map(int, part.as_integer_ratio())) for part in (c.real, c.imag))
        return re, im, complex(size)


def at(name: str, w: complex) -> tuple[Fraction, Fraction, float]:
    """Return the point at w of a minibrot, and the minibrot's size."""
    re, im, size = minibrot(name)
    off = size * w
    return re + Fraction(off.real), im + Fraction(off.imag), abs(size)


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize(
    ("name", "w", "width"),
    [
        ("e14", 0.1, 1e-30),
        ("e14", -0.3 + 0.3j, 1e-60),
        ("e14", -1.02, 1e-200),  # period 2 of the minibrot
        ("e113", 0.1j, 1e-200),
    ],
)
def test_a_cell_inside_a_minibrot_is_proven_as_a_whole(
    name: str, w: complex, width: float, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    re, im, _ = at(name, w)
    monkeypatch.setattr(deep, "_frame", None)  # no table and no pixel is needed
    pyramid = Pyramid(levels=1, tilesize=16, center=(re, im), width=Fraction(width))
    counts = render_tile(pyramid, 1, 0, 0, maxiter="auto", precision=precision)
    assert (counts == render.AUTO_MAXITER).all()
    orbit = deep._orbit(*deep._cell(pyramid, 1, 0, 0), render.AUTO_MAXITER, NEVER, None)
    assert orbit is not None
    assert orbit.why == reference_orbit.INSIDE
    assert orbit.last < 80 * PERIODS[name]


@pytest.mark.parametrize(
    ("spread", "radius_e", "stays"),
    # z -> z² + 0.16 has a fixed point at 0.2: r' = (0.4 + r) r + R, which is below r up to 0.6 for
    # R = 0 and between 0.3 ± √(0.09 - R) for others.
    [
        (0.0, -60, True),
        (0.59, -60, True),
        (0.61, -60, False),
        (0.0, -4, True),
        (0.0, -3, False),
        (0.46, -4, True),
        (0.48, -4, False),
    ],
)
def test_a_disc_that_one_step_takes_into_itself(
    spread: float,
    radius_e: int,
    stays: bool,  # noqa: FBT001 - a parameter
) -> None:
    attracted = attraction.attracted

    @kernel(entry=True, allocates=False)
    def call(orbit: NDArray[np.float64], spread: float, radius_e: int) -> bool:
        return attracted(orbit, 1, 2, (spread, 0), radius_e)

    orbit = np.zeros((3, 4))
    orbit[1:, 0] = 0.2
    assert call(orbit, spread, radius_e) == stays


def test_in_parts_an_orbit_ends_where_it_ends_at_once() -> None:
    re, im, size = at("e14", -0.2 + 0.1j)
    ends = set()
    for stops in [(10**6,), (*range(100, 20_000, 300), 10**6)]:
        orbit = reference_orbit.reference_orbit(re, im, Fraction(size) / 10**9)
        for stop in stops:
            assert orbit.extend(stop, NEVER)
        ends.add((orbit.why, orbit.last))
    assert len(ends) == 1
    assert ends.pop()[0] == reference_orbit.INSIDE


def test_no_cell_that_an_orbit_leaves_is_proven() -> None:
    # Discs around points on rays from the minibrot's centre, within and beyond its boundary.
    rng, period = np.random.default_rng(2), PERIODS["e14"]
    re, im, size = minibrot("e14")
    proven = left = 0
    for _ in range(110):
        w = complex(*rng.uniform((-0.8, -0.7), (0.4, 0.7)))
        radius = Fraction(10.0 ** rng.uniform(-4, -1)) * Fraction(abs(size))
        off = size * w
        center = re + Fraction(off.real), im + Fraction(off.imag)
        orbit = reference_orbit.reference_orbit(*center, radius)
        assert orbit.extend(200 * period, NEVER)
        leaves = False
        for turn in np.exp(2j * np.pi * (np.arange(8) + rng.random()) / 8).tolist():
            x, y = (part + Fraction(t) * radius for part, t in
                    zip((orbit.re, orbit.im), (turn.real, turn.imag), strict=True))  # fmt: skip
            leaves = leaves or exact_count(x, y, 25 * period, bits=400) < 25 * period
            if leaves:
                break
        left += leaves
        if orbit.why == reference_orbit.INSIDE:
            proven += 1
            assert not leaves
    assert proven > 20
    assert left > 20


def test_a_deep_tile_inside_the_large_components_needs_no_orbit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deep, "count", None)
    for center in [("-1", "0"), ("-1.1", "0.1"), ("0", "0"), ("0.249", "0.0001")]:
        pyramid = Pyramid(levels=40, tilesize=16, center=center, width="1e-2000")
        counts = render_tile(pyramid, 30, 300, 400, maxiter="auto")
        assert (counts == render.AUTO_MAXITER).all()
