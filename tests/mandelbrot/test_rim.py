"""Close to |z| = 2: what the reference orbit keeps there, what is told by it, and the counts."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import Pyramid, deep, reference_orbit, render_tile, rim
from mandelbrot.jit import kernel
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import bits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mandelbrot.extended_exponent import Number

    Floats = NDArray[np.float64]
    Center = tuple[str | Fraction, str | Fraction]

TIP = "-1." + 120 * "9", "0"
NEVER = np.zeros(1, np.uint8)


def on_the_line_of_count(n: int) -> Center:
    """Return a point of Im c = Re c / 2 where |z_n+1| = 2, to 200 digits."""
    low, high = Fraction(0), Fraction(2)
    for _ in range(700):
        middle = (low + high) / 2
        low, high = (middle, high) if exact_count(middle, middle / 2, n + 1) > n else (low, middle)
    return low, low / 2


PLACES: list[tuple[Center, str]] = [
    (("-2", "0"), "1e-17"),
    (("-2", "0"), "1e-60"),
    (("-2", "0"), "1e-400"),
    (TIP, "1e-118"),
    (TIP, "1e-125"),
    (("1.2", "1.6"), "1e-60"),
    (("1.2", "1.6"), "1e-500"),
    (on_the_line_of_count(1), "1e-40"),
    (on_the_line_of_count(3), "1e-150"),
]


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize(("center", "width"), PLACES)
def test_counts_where_all_z_are_2_to_all_digits_of_float64(
    center: Center, width: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    monkeypatch.setattr(
        deep, "_count_in_pairs", lambda rest: (left.append(int(rest.unsure.sum())), True)[1]
    )
    pyramid, rng = (
        Pyramid(levels=3, tilesize=32, center=center, width=width),
        np.random.default_rng(4),
    )
    seen = set()
    for address in [(3, 0, 0), (2, 0, 1), (2, 1, 0), (-3, 31, 32), (-3, 32, 31)]:
        tile = pyramid.tile(*address)
        found = render_tile(pyramid, *address, maxiter=2000, precision=precision)
        for j, i in rng.integers(0, 32, (40, 2)).tolist():
            true = exact_count(tile.re[i], tile.im[j], 2000, bits=bits(pyramid, address[0]))
            assert found[j, i] == true
        seen |= set(np.unique(found).tolist())
    assert len(seen) > 1
    assert sum(left) < 10  # of 5 120 pixels: none is left to slower rungs


@pytest.mark.parametrize("cap", [2, 17, 40])
def test_a_cap_is_reached_close_to_2(cap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_count_in_pairs", None)  # nothing is left to it
    pyramid = Pyramid(levels=1, tilesize=16, center=("-2", "0"), width="1e-60")
    counts = render_tile(pyramid, 1, 0, 0, maxiter=cap)
    assert set(np.unique(counts)) == {0, cap}


@pytest.fixture(scope="module")
def side() -> Callable[[rim.Rim, Floats, int, Number, float], int]:
    compiled = rim.side

    @kernel(entry=True, allocates=False)
    def call(
        at: NDArray[np.int64], excess: Floats, size: int, orbit: Floats, m: int,
        x: float, y: float, e: int, error: float,
    ) -> int:  # fmt: skip
        return compiled(rim.Rim(at, excess, size), orbit, m, (x, y, e), error)

    return lambda rim, orbit, m, d, error: call(*rim, orbit, m, *d, error)


@pytest.mark.parametrize("center", [TIP, ("-2.0" + 30 * "0" + "3", "1e-33"), ("1.2", "1.6")])
@pytest.mark.parametrize("stops", [(1000,), (1, 2, 3, 5, 60, 61, 1000)])
def test_the_excess_is_right_and_so_is_the_side(
    center: tuple[str, str],
    stops: tuple[int, ...],
    side: Callable[[rim.Rim, Floats, int, Number, float], int],
) -> None:
    orbit = reference_orbit.reference_orbit(*map(Fraction, center), Fraction(1, 10**125))
    errors = {}
    for stop in stops:
        assert orbit.extend(stop, NEVER)
        errors[orbit.last] = orbit.error
    assert orbit.rim.size == len({*orbit.rim.at[: orbit.rim.size, rim.INDEX].tolist()}) > 0
    rng, certain = np.random.default_rng(8), 0
    with gmpy2.context(precision=3000):
        x = y = gmpy2.mpfr(0)
        cx, cy = (gmpy2.mpfr(gmpy2.mpq(part)) for part in (orbit.re, orbit.im))
        for m in range(orbit.last):
            k = np.flatnonzero(orbit.rim.at[: orbit.rim.size, rim.INDEX] == m)
            excess = x * x + y * y - 4
            assert k.size == (m > 0 and abs(excess) < rim.WIDTH)
            if k.size:
                (stored, bound), (_, e, bound_e) = (
                    orbit.rim.excess[k[0]],
                    orbit.rim.at[k[0]].tolist(),
                )
                off = abs(stored * gmpy2.exp2(e) - excess)
                assert off <= bound * gmpy2.exp2(bound_e) + abs(excess) * 2.0**-52
                mantissa, error_e = errors.get(m, (0.0, 0))
                assert bound * gmpy2.exp2(bound_e) >= 4 * mantissa * gmpy2.exp2(error_e)
                assert bound * gmpy2.exp2(bound_e) < 2.0**-110 * gmpy2.exp2(2 * m) * 1e-125
                scale = int(gmpy2.floor(gmpy2.log2(abs(excess)))) if excess else -300
                for _ in range(50):
                    d_e, angle = scale + int(rng.integers(-60, 60)), rng.uniform(0, 2 * np.pi)
                    d = float(np.cos(angle)), float(np.sin(angle)), min(d_e, -15)
                    error = 2.0 ** float(rng.uniform(-60, 0))
                    told = side(orbit.rim, orbit.orbit, m, d, error)
                    f = gmpy2.exp2(d[2])
                    zx, zy = x + gmpy2.mpfr(d[0]) * f, y + gmpy2.mpfr(d[1]) * f
                    size = gmpy2.hypot(zx, zy)
                    if told:
                        certain += 1
                        assert told == (1 if size > 2 else -1)
                        assert abs(size - 2) >= 0.999 * error * f
                    else:
                        unknown = 1.5 * (error + 2.0**-40) * f + bound * gmpy2.exp2(bound_e)
                        assert abs(size - 2) <= unknown + abs(excess) * 2.0**-40
            x, y = x * x - y * y + cx, 2 * x * y + cy
    assert certain > 10
    assert side(orbit.rim, orbit.orbit, orbit.last, (1.0, 0.0, -300), 0.0) == 0


def test_an_orbit_just_outside_goes_on_until_no_neighbour_is_inside() -> None:
    orbit = reference_orbit.reference_orbit(
        Fraction(-2) - Fraction(1, 10**40), Fraction(0), Fraction(1, 10**39)
    )
    assert orbit.extend(10**6, NEVER)
    assert 60 < orbit.last < 80
    assert np.hypot(*orbit.orbit[orbit.last, :2]) > 2 + 2.0**-11
