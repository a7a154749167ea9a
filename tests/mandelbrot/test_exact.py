"""Every count of precision="exact" is that of exact arithmetic: against naive multiprecision."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mandelbrot import Pyramid, render_tile
from tests.mandelbrot.oracle import exact_count, float64_counts

# The sample points of the default pyramid (40 levels of tiles of 1024), in smaller tiles.
TILESIZE = 32
LEVELS = 45


def boundary_point(inside: complex, outside: complex, maxiter: int = 3000) -> tuple[str, str]:
    """A point on the segment where counts change from `maxiter` to less, by bisection."""
    a, b = Fraction(0), Fraction(1)
    ends = [(Fraction(z.real), Fraction(z.imag)) for z in (inside, outside)]

    def at(t: Fraction) -> tuple[Fraction, Fraction]:
        return tuple(p + t * (q - p) for p, q in zip(*ends, strict=True))  # type: ignore[return-value]

    for _ in range(60):
        middle = (a + b) / 2
        is_inside = exact_count(*at(middle), maxiter, bits=256) == maxiter
        a, b = (middle, b) if is_inside else (a, middle)
    return tuple(str(part) for part in at(b))  # type: ignore[return-value]


POINTS = {
    "seahorse": ("-0.743643887037151", "0.131825904205330"),
    "elephant": boundary_point(0.26 + 0.0j, 0.28 + 0.012j),
    "period 3": boundary_point(-0.1225 + 0.7449j, -0.2 + 0.83j),
    "period-3 minibrot": boundary_point(-1.7549 + 0j, -1.7549 + 0.02j),
    "needle": ("-1.9400001", "1e-9"),
    "antenna": ("-0.1011", "0.9563"),
    "tip": ("-2", "0"),
    "cusp": ("0.25", "0"),
    "neck": ("-0.75", "1e-5"),
    "period-4 root": ("-1.25", "0"),
    "period-3 cusp": ("-1.75", "0"),
    "i": ("0", "1"),
}


def tile_at(pyramid: Pyramid, level: int, point: tuple[str, str]) -> tuple[int, int, int]:
    re, im = Fraction(point[0]), Fraction(point[1])
    side = pyramid.width / pyramid.tiles(level)
    row = math.floor((pyramid.center[1] + pyramid.width / 2 - im) / side)
    column = math.floor((re - pyramid.center[0] + pyramid.width / 2) / side)
    return level, row, column


def check_tile(pyramid: Pyramid, address: tuple[int, int, int], maxiter: int, samples: int) -> None:
    """Compare random pixels, half of them where float64 differs, with the oracle."""
    found = render_tile(pyramid, *address, maxiter=maxiter)
    tile = pyramid.tile(*address)
    rng = np.random.default_rng(abs(hash((address, maxiter))) % 2**32)
    hard = np.argwhere(found != float64_counts(tile.re.float64(), tile.im.float64(), maxiter))
    everywhere = np.argwhere(np.ones(found.shape, np.bool_))
    chosen = np.concatenate(
        [
            rng.permutation(hard)[: samples // 2],
            rng.permutation(everywhere)[:samples],
        ]
    )[:samples]
    wrong = {
        (j, i): (int(found[j, i]), expected)
        for j, i in chosen.tolist()
        if (expected := exact_count(tile.re[i], tile.im[j], maxiter)) != found[j, i]
    }
    assert not wrong


@pytest.mark.parametrize("sampling", ["center", "corner"])
@pytest.mark.parametrize("level", [0, 2, 5, 10, 20])
@pytest.mark.parametrize("point", POINTS)
def test_counts_at_notorious_places(point: str, level: int, sampling: str) -> None:
    pyramid = Pyramid(levels=LEVELS, tilesize=TILESIZE, sampling=sampling)  # type: ignore[arg-type]
    check_tile(pyramid, tile_at(pyramid, level, POINTS[point]), maxiter=2000, samples=64)


@pytest.mark.parametrize("level", [0, 10, 20])
@pytest.mark.parametrize("point", ["seahorse", "elephant", "period 3", "period-3 minibrot"])
def test_counts_with_long_orbits(point: str, level: int) -> None:
    pyramid = Pyramid(levels=LEVELS, tilesize=16)
    check_tile(pyramid, tile_at(pyramid, level, POINTS[point]), maxiter=20_000, samples=32)


@pytest.mark.parametrize("level", [30, 36, 39, 41, 43, 44])
def test_counts_of_coarse_tiles(level: int) -> None:
    pyramid = Pyramid(levels=LEVELS, tilesize=TILESIZE)
    check_tile(pyramid, tile_at(pyramid, level, POINTS["neck"]), maxiter=255, samples=128)


def test_the_original_is_wrong_exactly_where_exact_differs() -> None:
    pyramid = Pyramid(sampling="corner")
    tile = pyramid.tile(38, 1, 2)
    exact = render_tile(pyramid, 38, 1, 2, maxiter=255)
    fast = render_tile(pyramid, 38, 1, 2, maxiter=255, precision="fast")
    differing = np.argwhere(exact != fast)
    assert len(differing) > 0
    for j, i in differing:
        assert exact_count(tile.re[i], tile.im[j], 255) == exact[j, i] != fast[j, i]


@pytest.mark.parametrize(
    ("re", "im", "maxiter", "count"),
    [
        ("-0.72509765625", "0.21240234375", 20_000, 1649),  # |dz/dc| = 10^37.7
        ("1.2", "1.6", 255, 1),  # |c| = 2 exactly
        ("1.2", "1.6", 1, 1),
        ("-6/5", "8/5", 255, 1),
        ("0", "2", 255, 1),
        ("-2", "0", 20_000, 20_000),  # z = 2 for ever
        ("-2", "0", "auto", 2**22),
        ("0", "1", 100_000, 100_000),  # a repelling cycle, exactly
        ("-1.9", "0", 20_000, 20_000),  # chaotic, but real
        ("0.25", "0", 20_000, 20_000),  # parabolic points from here
        ("1/4", "1/2", 20_000, 20_000),
        ("-3/4", "0", 20_000, 20_000),
        ("-5/4", "0", 20_000, 20_000),
        ("-7/4", "0", 20_000, 20_000),
        ("-1", "0", "auto", 2**22),  # superattracting
        ("-1.7548776662466927", "0", "auto", 2**22),
        ("-0.12256116687665361", "0.74486176661974424", "auto", 2**22),
        ("-1.7548776662466927", "1e-30", "auto", 2**22),
        ("1e300", "-1e300", 255, 0),
    ],
)
def test_single_points(re: str, im: str, maxiter: int, count: int) -> None:
    pyramid = Pyramid(levels=1, tilesize=1, center=(re, im), width="1e-20")
    assert render_tile(pyramid, 1, 0, 0, maxiter=maxiter)[0, 0] == count
    if maxiter != "auto" and count < maxiter:
        assert exact_count(Fraction(re), Fraction(im), maxiter) == count


@pytest.mark.parametrize("width", ["1e-14", "1e-18", "1e-31", "1e-60", "1e-300"])
def test_counts_below_the_depth_of_float64(width: str) -> None:
    pyramid = Pyramid(levels=1, tilesize=16, center=POINTS["antenna"], width=width)
    check_tile(pyramid, (1, 0, 0), maxiter=2000, samples=24)
    pyramid = Pyramid(levels=1, tilesize=16, center=("-1.5", "1e-7"), width=width)
    check_tile(pyramid, (1, 0, 0), maxiter=2000, samples=24)


# Points near the boundary: r e^{iθ} on the multiplier circle of the main cardioid, pushed outwards.
near_boundary = st.builds(
    lambda turn, depth: (
        str(Fraction(math.cos(turn) / 2 - math.cos(2 * turn) / 4) * (1 + Fraction(1, 10**depth))),
        str(Fraction(math.sin(turn) / 2 - math.sin(2 * turn) / 4) * (1 + Fraction(1, 10**depth))),
    ),
    st.floats(0, 2 * math.pi),
    st.integers(1, 12),
)
anywhere = st.tuples(st.floats(-2, 0.5).map(str), st.floats(-1.3, 1.3).map(str))


@settings(max_examples=150, deadline=None)
@given(
    point=st.one_of(near_boundary, anywhere),
    level=st.integers(0, 44),
    maxiter=st.integers(1, 3000),
    sampling=st.sampled_from(["center", "corner"]),
)
def test_counts_of_random_tiles(
    point: tuple[str, str], level: int, maxiter: int, sampling: str
) -> None:
    pyramid = Pyramid(levels=LEVELS, tilesize=TILESIZE, sampling=sampling)  # type: ignore[arg-type]
    check_tile(pyramid, tile_at(pyramid, level, point), maxiter, samples=24)
