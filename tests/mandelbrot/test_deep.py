"""Tiles below float64's depth: exact counts, whatever the reference orbit and the rung."""

from __future__ import annotations

import gc
import json
import threading
import tracemalloc
from concurrent.futures import CancelledError, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import Pyramid, deep, reference_orbit, render, render_tile, squares
from mandelbrot.plane import exact
from tests.mandelbrot.oracle import exact_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOCATIONS = json.loads((Path(__file__).parents[1] / "data" / "deep_locations.json").read_text())


@pytest.fixture(autouse=True)
def only_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(
        render, "DEEP", dict.fromkeys(render.DEEP, 1.0)
    )  # also where the direct rungs would be chosen


def location(name: str, **parameters: object) -> tuple[Pyramid, int]:
    where = LOCATIONS[name]
    pyramid = Pyramid(center=(where["re"], where["im"]), width=where["width"], **parameters)  # type: ignore[arg-type]
    return pyramid, where["maxiter"]


def bits(pyramid: Pyramid, level: int) -> int:
    """Twice the precision that the depth needs."""
    h = pyramid.pixel_size(level)
    return 2 * (h.denominator.bit_length() - h.numerator.bit_length()) + 64


def wrong(
    pyramid: Pyramid,
    address: tuple[int, int, int],
    found: NDArray[np.unsignedinteger],
    maxiter: int,
    samples: int,
) -> dict[tuple[int, int], tuple[int, int]]:
    tile = pyramid.tile(*address)
    rng = np.random.default_rng(samples)
    pixels = np.argwhere(np.ones(found.shape, np.bool_))
    return {
        (j, i): (int(found[j, i]), expected)
        for j, i in rng.permutation(pixels)[:samples].tolist()
        if (
            expected := exact_count(tile.re[i], tile.im[j], maxiter, bits=bits(pyramid, address[0]))
        )
        != found[j, i]
    }


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("sea1e-10", 96), ("e14", 96), ("E21_julia", 40), ("e50", 4), ("e113", 16), ("e533", 4),
        ("e1000", 12),
    ],
)  # fmt: skip
def test_counts_at_deep_locations(name: str, samples: int) -> None:
    pyramid, maxiter = location(name, levels=1, tilesize=64)
    found = render_tile(pyramid, 1, 0, 0, maxiter=maxiter)
    assert not wrong(pyramid, (1, 0, 0), found, maxiter, samples)


@pytest.mark.parametrize(
    ("name", "level", "samples"),
    [
        ("sea1e-10", 2, 64),
        ("e14", -3, 64),
        ("E21_julia", -6, 24),
        ("e113", 1, 12),
        ("e1000", -9, 8),
    ],
)
def test_counts_away_from_the_centre(name: str, level: int, samples: int) -> None:
    pyramid, maxiter = location(name, levels=4, tilesize=32)
    tiles = pyramid.tiles(level)
    address = level, tiles // 3, tiles // 2 + tiles // 5
    found = render_tile(pyramid, *address, maxiter=maxiter)
    assert not wrong(pyramid, address, found, maxiter, samples)


@pytest.mark.parametrize("name", ["sea1e-10", "e14", "E21_julia", "e113", "e1000"])
def test_neighbours_parents_and_children_agree(name: str) -> None:
    pyramid, maxiter = location(name, levels=6, tilesize=32, sampling="corner")

    def tile(level: int, row: int, column: int) -> NDArray[np.unsignedinteger]:
        return render_tile(pyramid, level, row, column, maxiter=maxiter)

    for level in (4, 1):  # within a cell, and from one cell to the next
        row = column = pyramid.tiles(level) // 2
        parent = tile(level, row, column)
        for j, i in [(0, 0), (1, 1)]:
            child = tile(level - 1, 2 * row + j, 2 * column + i)
            half = parent[16 * j : 16 * j + 16, 16 * i : 16 * i + 16]
            np.testing.assert_array_equal(child[::2, ::2], half)


@pytest.mark.parametrize("width", ["1e-7", "1e-9", "1e-11", "1e-13", "1e-15"])
@pytest.mark.parametrize(
    "center",
    [
        ("-0.743643887037151", "0.131825904205330"),
        ("-1.7548776662466927", "1e-9"),
        ("-1.25066", "0.02012"),
        ("0.2500000001", "1e-7"),
    ],
)
def test_the_seam_between_direct_and_perturbed_is_invisible(
    center: tuple[str, str], width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyramid = Pyramid(levels=1, tilesize=48, center=center, width=width)
    monkeypatch.setattr(render, "DEEP", dict.fromkeys(render.DEEP, 0.0))
    direct = render_tile(pyramid, 1, 0, 0, maxiter=4000)
    monkeypatch.setattr(render, "DEEP", dict.fromkeys(render.DEEP, 1.0))
    perturbed = render_tile(pyramid, 1, 0, 0, maxiter=4000)
    np.testing.assert_array_equal(direct, perturbed)


@pytest.mark.parametrize("name", ["e14", "E21_julia", "e113", "e1000"])
def test_fast_is_nearly_right_and_does_not_depend_on_order(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyramid, maxiter = location(name, levels=2, tilesize=48)
    addresses = [(1, 0, 0), (1, 1, 1), (-1, 3, 4)]

    def tile(address: tuple[int, int, int], cap: int = maxiter) -> NDArray[np.unsignedinteger]:
        return render_tile(pyramid, *address, maxiter=cap, precision="fast")

    fast = [tile(address) for address in addresses]
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(
        render, "DEEP", dict.fromkeys(render.DEEP, 1.0)
    )  # also where the direct rungs would be chosen
    tile(addresses[0], 2 * maxiter)
    for address, expected in reversed(list(zip(addresses, fast, strict=True))):
        np.testing.assert_array_equal(tile(address), expected)
    exact_tile = render_tile(pyramid, *addresses[0], maxiter=maxiter)
    assert np.mean(exact_tile != fast[0]) < 0.05


def test_a_deep_interior_is_proven_and_auto_finds_the_counts() -> None:
    # The minibrot of period 252 in the middle of e14, found by Newton's method.
    where = LOCATIONS["e14"]
    with gmpy2.context(precision=400):
        c = gmpy2.mpc(gmpy2.mpfr(where["re"]), gmpy2.mpfr(where["im"]))
        for _ in range(60):
            z, dz = gmpy2.mpc(0), gmpy2.mpc(0)
            for _ in range(252):
                dz, z = 2 * z * dz + 1, z * z + c
            c -= z / dz
        re, im = (Fraction(*part.as_integer_ratio()) for part in (c.real, c.imag))
    pyramid = Pyramid(levels=1, tilesize=32, center=(re, im), width="1e-26")
    counts = render_tile(pyramid, 1, 0, 0, maxiter="auto")
    capped = render_tile(pyramid, 1, 0, 0, maxiter=20_000)
    np.testing.assert_array_equal(np.minimum(counts, 20_000), capped)
    assert counts[16, 16] == render.AUTO_MAXITER
    assert not wrong(pyramid, (1, 0, 0), capped, 20_000, 24)


def test_a_deep_tile_can_be_abandoned_and_tells_its_progress() -> None:
    pyramid, maxiter = location("e1086", levels=1, tilesize=16)
    cancel, told = np.zeros(1, np.uint8), []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 3:
            cancel[0] = 1

    with pytest.raises(CancelledError):
        render_tile(pyramid, 1, 0, 0, maxiter=maxiter, cancel=cancel, progress=progress)
    assert told == sorted(told)
    assert all(total == maxiter for _, total in told)


def test_an_orbit_is_not_moved_to_more_room_when_nobody_waits_for_it() -> None:
    orbit = reference_orbit.reference_orbit(Fraction(-1, 10), Fraction(1, 3), Fraction(1, 2**60))
    cancel = np.zeros(1, np.uint8)
    assert orbit.extend(50, cancel)
    known = orbit.orbit
    assert not orbit._grow(1000, np.ones(1, np.uint8))
    assert orbit.orbit is known
    assert orbit._grow(1000, cancel)
    np.testing.assert_array_equal(orbit.orbit[:51], known[:51])


def test_orbits_are_rebased_where_the_reference_has_more_steps_than_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deep, "LONGEST", 300)
    center = LOCATIONS["e50"]["re"], LOCATIONS["e50"]["im"]
    pyramid = Pyramid(levels=1, tilesize=16, center=center, width="1e-20")
    counts = render_tile(pyramid, 1, 0, 0, maxiter=20_000)
    cell = deep._cell(pyramid, 1, 0, 0)
    orbit = deep._orbit(*cell, 20_000, np.zeros(1, np.uint8), None)
    assert orbit is not None
    assert orbit.last == 300
    assert counts.min() > 300
    assert not wrong(pyramid, (1, 0, 0), counts, 20_000, 16)


def test_tiles_of_a_cell_share_one_orbit(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    iterate = reference_orbit.iterate
    monkeypatch.setattr(
        reference_orbit, "iterate", lambda *args: (steps.append(args[4]), iterate(*args))[1]
    )
    pyramid, maxiter = location("e113", levels=3, tilesize=16)
    addresses = [(2, j, i) for j in range(2) for i in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda address: render_tile(pyramid, *address, maxiter=maxiter), addresses))
    assert len(steps) == len(set(steps)) > 0


def orbit_of(name: str, digits: int = 0) -> tuple[reference_orbit.ReferenceOrbit, int]:
    where = LOCATIONS[name]
    re, im, width = (exact(where[key], key) for key in ("re", "im", "width"))
    return reference_orbit.reference_orbit(re, im, width / 10**digits), where["maxiter"]


def test_the_cache_counts_all_that_its_values_take() -> None:
    pyramid = Pyramid(levels=40, tilesize=8)
    rows = [2 ** (40 - level) // 2 + level % 7 for level in range(-3000, -2000, 25)]
    render_tile(pyramid, -3000, rows[0], rows[0])
    before = deep._cache.nbytes
    tracemalloc.start()
    for level, row in zip(range(-3000, -2000, 25), rows, strict=True):
        render_tile(pyramid, level, row, row - 2**37)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 1 < (deep._cache.nbytes - before) / taken < 2


def test_a_computation_that_was_cancelled_leaves_nothing_behind() -> None:
    cache = deep._Cache(2**20)
    assert cache.get("orbit", lambda: None, np.ones(1, np.uint8)) is None
    assert not cache._busy
    value = np.zeros(1)
    assert cache.get("orbit", lambda: value, np.zeros(1, np.uint8)) is value
    assert not cache._busy


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
                allowed = 2.0**-100
            assert gmpy2.hypot(px - x, py - y) <= allowed * gmpy2.hypot(x, y), m


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


@pytest.mark.parametrize("name", ["E21_julia", "e113", "e1000"])
def test_table_entries_keep_their_bounds(name: str) -> None:
    from mandelbrot import bla  # noqa: PLC0415

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


def test_threads_get_the_same_tile() -> None:
    pyramid, maxiter = location("e14", levels=2, tilesize=32)
    results: list[bytes] = []

    def work() -> None:
        results.append(render_tile(pyramid, 1, 1, 0, maxiter=maxiter).tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1
