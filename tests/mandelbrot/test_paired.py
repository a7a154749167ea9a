"""Differences of 106 bits: their arithmetic, their table, and the counts of the hardest pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import (
    blocks,
    deep,
    direct_pairs,
    extended_exponent,
    fixed_point,
    paired,
    paired_together,
    pairs,
    pixels,
    preload,
    render,
    render_tile,
    rim,
    series,
    tripled,
)
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, TINY, Frame
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import bits, location, orbit_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from numpy.typing import NDArray

    from mandelbrot.pairs import Pair

    Floats = NDArray[np.float64]

product, total, single_step, leap = pairs.product, pairs.total, paired.step, series.leap
follow, NEVER = paired.follow, np.zeros(1, np.uint8)
high, modulus = pairs.high, extended_exponent.modulus


@pytest.fixture(autouse=True)
def only_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(render, "DEEP", dict.fromkeys(render.DEEP, 1.0))


@kernel(entry=True, allocates=False)
def products(a: Pair, b: Pair) -> Pair:
    return product(a, b)


@kernel(entry=True, allocates=False)
def totals(a: Pair, b: Pair) -> Pair:
    return total(a, b)


@kernel(entry=True, allocates=False)
def steps(d: Pair, error: float, dc: Pair, z: Pair) -> tuple[Pair, float]:
    return single_step(d, error, dc, total(z, d), z, True)  # noqa: FBT003 - numba


@kernel(entry=True, allocates=False)
def leaps(d: Pair, error: float, dc: Pair, row: Floats) -> tuple[Pair, float]:
    return leap(d, error, dc, row)


@kernel(entry=True, allocates=False)
def followed(
    d: Pair, dc: Pair, m: int, n: int, maxiter: int, memory: Floats, frame: Frame,
    table: paired.Entries,
) -> tuple[int, Pair, float, int]:  # fmt: skip
    return follow(d, 2.0**-100, dc, m, n, maxiter, memory, 0, frame, table, NEVER)


def normal(x: float, xl: float, y: float, yl: float, e: int) -> Pair:
    shift = int(np.frexp(max(abs(x), abs(y)))[1]) - 1
    return (*(float(part) * 2.0**-shift for part in (x, xl, y, yl)), e + shift)  # type: ignore[return-value] # five parts


def random_pair(rng: np.random.Generator, e: int = 0) -> Pair:
    x, y = rng.uniform(-2, 2, 2) * 2.0 ** -rng.integers(0, 60, 2)
    low = rng.uniform(-1, 1, 2) * 2.0**-53
    return normal(x, x * low[0], y, y * low[1], e)


def value(a: Pair) -> gmpy2.mpc:
    x, y = gmpy2.mpfr(a[0]) + a[1], gmpy2.mpfr(a[2]) + a[3]
    return gmpy2.mpc(x, y) * gmpy2.exp2(int(a[4]))


def test_sums_and_products_keep_their_bounds() -> None:
    rng = np.random.default_rng(2)
    worst = np.zeros(2)
    with gmpy2.context(precision=500):
        for _ in range(4000):
            a, b = random_pair(rng), random_pair(rng, int(rng.integers(-80, 80)))
            u, v = value(a), value(b)
            errors = (
                abs(value(products(a, b)) - u * v) / (abs(u * v) * pairs.PRODUCT),
                abs(value(totals(a, b)) - (u + v)) / ((abs(u) + abs(v)) * pairs.SUM),
            )
            worst = np.maximum(worst, [float(e) for e in errors])
    assert (worst < 1).all()
    assert (worst > 1 / 16).all()  # bounds that say something


def test_a_step_keeps_its_bound() -> None:
    rng = np.random.default_rng(3)
    tight = 0
    with gmpy2.context(precision=600):
        for _ in range(1000):
            z, d = random_pair(rng, -1), random_pair(rng, -int(rng.integers(2, 400)))
            dc = random_pair(rng, d[4] - int(rng.integers(0, 60)))
            if abs(value(z) + value(d)) < abs(value(d)):
                continue
            found, bound = steps(d, 0.0, dc, z)
            true = (2 * value(z) + value(d)) * value(d) + value(dc)
            error = abs(value(found) - true) / gmpy2.exp2(int(found[4]))
            assert error <= bound
            tight += error > bound / 256
            moved, loose = steps(d, 2.0**-60, dc, z)
            assert moved == found
            # |∂d'/∂d| = 2|z|, for an error of d of 2^-60 and its exponent.
            slope = 2 * abs(value(z) + value(d)) * gmpy2.exp2(d[4] - int(found[4]))
            assert loose >= bound + slope * 2.0**-60 * (1 - 2.0**-30)
    assert tight > 100


@pytest.mark.parametrize("name", ["e50", "e113", "e1000"])
def test_series_keep_their_bounds(name: str) -> None:
    orbit, _ = orbit_of(name)
    cancel = np.zeros(1, np.uint8)
    orbit.extend(4000, cancel)
    table = series.Table.build(orbit, orbit.last - 1, cancel)
    assert table is not None
    rng = np.random.default_rng(5)
    checked = tight = 0
    with gmpy2.context(precision=64 * orbit.size + 2000):
        cx, cy = gmpy2.mpfr(gmpy2.mpq(orbit.re)), gmpy2.mpfr(gmpy2.mpq(orbit.im))
        z = [gmpy2.mpc(0)]
        for _ in range(orbit.last):
            z.append(z[-1] * z[-1] + gmpy2.mpc(cx, cy))
        for level in range(series.SHORTEST, len(table.offsets) - 1):
            entries = range(table.offsets[level], table.offsets[level + 1])
            for at in rng.permutation(entries)[:6].tolist():
                if table.radii[at] < -(2.0**40):
                    continue
                m = 1 + ((at - int(table.offsets[level])) << level)
                for down, dc_down in [(0, 1), (0, 400), (3, 2), (30, 1)]:
                    # |d| up to the radius of use, |dc| up to the cell's.
                    turns = np.exp(2j * np.pi * rng.random(2))
                    d = normal(
                        turns[0].real, 2.0**-60, turns[0].imag, 0.0, int(table.radii[at]) - down
                    )
                    dc = (turns[1].real, 0.0, turns[1].imag, 2.0**-61, orbit.radius_e - dc_down)
                    w, slope = value(d), gmpy2.mpc(1)
                    for k in range(m, m + (1 << level)):
                        slope *= 2 * (z[k] + w)
                        w = (2 * z[k] + w) * w + value(dc)
                    found, bound = leaps(d, 0.0, dc, table.entries[at])
                    error = abs(value(found) - w) / gmpy2.exp2(int(found[4]))
                    assert error <= bound, (level, at, down)
                    _, loose = leaps(d, 1.0, dc, table.entries[at])
                    grown = abs(slope) * gmpy2.exp2(int(d[4]) - int(found[4]))
                    assert grown <= loose, (level, at, down)
                    checked += 1
                    tight += error > bound / 2**12
    assert checked > 40
    assert tight > checked / 10


def counted_in_pairs(frame: Frame, dc: float) -> bool:
    """Tell whether the count of a pixel at C + dc is certain, with a frame that has no entries."""
    zero, at = np.zeros((2, 1)), np.array([[dc], [0.0]])
    places, entries = (
        paired.Places(at, zero, 0),
        paired.Entries(frame.offsets, np.zeros((0, 1)), frame.radii, 0),
    )
    c = np.array([frame.orbit[1, 0] + dc])
    grid = pixels.Grid(at[0], zero[0], 0, c, zero[0], zero[0], zero[0], zero[0], zero[0], 0.0)
    unsure = np.ones(1, np.bool_)
    assert paired.count_pixels(
        places, grid, 60, frame, entries, direct_pairs.pool(), paired_together.group(),
        paired_together.group(), np.zeros(1, np.uint8), np.zeros(1, np.uint32), unsure,
    )  # fmt: skip
    return not unsure[0]


def frame_of(orbit: Floats, last: int, end_error: float) -> Frame:
    whole, none, nothing = np.zeros(1, np.int64), np.zeros(0), np.zeros((0, 1))
    return Frame(
        orbit, np.zeros((1, 2)), np.zeros((1, 2), np.int64), 1, last, end_error, 0, whole, none,
        nothing, np.zeros((0, 1), np.int32), none, nothing, 0.0, 0, 0, np.inf, 1.0,
        rim.rim(0),
    )  # fmt: skip


def test_where_all_digits_cancel_nothing_is_certain() -> None:
    # Z_1 + d = 0, which may as well be as large as the error.
    orbit = np.zeros((4, 4))
    orbit[1:, 0] = -0.25
    assert not counted_in_pairs(frame_of(orbit, 10**9, 0.0), 0.25)


@pytest.mark.parametrize("ratio", [0.97, 1.03])
def test_an_orbit_is_rebased_where_z_is_smaller_than_d(ratio: float) -> None:
    for turn in np.exp(1j * np.arange(8)).tolist():
        z, d = 0.25 - 0.125j, turn * 2.0**-30
        after = (2 * z + d) * d
        orbit = np.zeros((4, 4))
        for m, at in enumerate((z, after * (ratio * turn - 1), z), 1):
            orbit[m, :2] = at.real, at.imag
        frame = frame_of(orbit, 10**9, 0.0)
        entries = paired.Entries(frame.offsets, np.zeros((0, 1)), frame.radii, 0)
        status, _, _, n = followed(
            normal(d.real, 0.0, d.imag, 0.0, 0), (1.0, 0.0, 0.0, 0.0, -400), 1, 7, 8,
            np.zeros((1, 7)), frame, entries,
        )  # fmt: skip
        assert (status, n) == ((TINY if ratio < 1 else CERTAIN), 8)


@pytest.mark.parametrize(("end_error", "certain"), [(2.0**-90, True), (0.1, False)])
def test_the_error_of_the_references_end_is_carried_on(end_error: float, certain: bool) -> None:  # noqa: FBT001 - a parameter
    orbit = np.zeros((4, 4))
    orbit[1:, 0] = 0.5, 0.75, 1.0625
    assert counted_in_pairs(frame_of(orbit, 2, end_error), 2.0**-40) == certain


def never(*_: object) -> bool:
    msg = "all pixels are counted before"
    raise AssertionError(msg)


def nothing_left(*arguments: object) -> bool:
    assert not arguments[-1].any()  # type: ignore[attr-defined] # an array
    return True


def nothing_certain(*arguments: object) -> bool:
    arguments[-1][:] = True  # type: ignore[index] # an array
    return True


@pytest.mark.parametrize(
    ("name", "side"),
    [("E21_julia", 16), ("e113", 24), ("e1000", 12)],
)
def test_all_counts_by_differences_of_106_bits(
    name: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyramid, maxiter = location(name, levels=2, tilesize=side)
    expected = render_tile(pyramid, 1, 1, 0, maxiter=maxiter)
    monkeypatch.setattr(blocks, "count_tile", nothing_certain)
    monkeypatch.setattr(tripled, "count", never)
    found = render_tile(pyramid, 1, 1, 0, maxiter=maxiter)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("finer", [False, True])
def test_all_counts_by_more_digits(monkeypatch: pytest.MonkeyPatch, *, finer: bool) -> None:
    pyramid, maxiter = location("e113", levels=2, tilesize=6)
    expected = render_tile(pyramid, 1, 1, 0, maxiter=maxiter)
    monkeypatch.setattr(blocks, "count_tile", nothing_certain)
    monkeypatch.setattr(paired, "count_pixels", nothing_certain)
    if finer:  # a reference orbit for each, with all digits
        monkeypatch.setattr(tripled, "count", lambda points, *_: np.full(len(points), -1))
    else:
        monkeypatch.setattr(deep, "_count_alone", never)
    monkeypatch.setattr(fixed_point, "finish_tile", nothing_left)
    found = render_tile(pyramid, 1, 1, 0, maxiter=maxiter)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("module", "name"), [(paired, "count_pixels"), (tripled, "count")])
def test_what_is_compiled_ahead_includes_them(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyramid, maxiter, level = preload.DEEP
    monkeypatch.undo()  # at the depth where they are chosen
    called: list[object] = []
    count: Callable[..., object] = getattr(module, name)

    def noted(*arguments: object) -> object:
        called.append(count(*arguments))
        return called[-1]

    monkeypatch.setattr(module, name, noted)
    render_tile(pyramid, level, 0, 0, maxiter=maxiter)
    assert called


@pytest.mark.parametrize(("name", "tilesize", "least"), [("e50", 32, 4), ("E21_julia", 96, 3)])
def test_pixels_that_53_bits_leave_uncertain(
    name: str, tilesize: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_pixels: Callable[..., bool] = paired.count_pixels
    left: list[NDArray[np.bool_]] = []

    def counted(*arguments: object) -> bool:
        left.append(arguments[-1].copy())  # type: ignore[attr-defined] # an array
        return count_pixels(*arguments)

    pyramid, maxiter = location(name, levels=1, tilesize=tilesize)
    monkeypatch.setattr(paired, "count_pixels", counted)
    monkeypatch.setattr(tripled, "count", never)
    found = render_tile(pyramid, 1, 0, 0, maxiter=maxiter)
    tile = pyramid.tile(1, 0, 0)
    hard = np.argwhere(left[0].reshape(found.shape)).tolist()
    assert len(hard) >= least
    for j, i in hard[:6]:
        true = exact_count(tile.re[i], tile.im[j], maxiter, bits=bits(pyramid, 1) + 128)
        assert found[j, i] == true, (j, i)
