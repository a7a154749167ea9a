"""Tiles below float64's depth: exact counts, whatever the reference orbit and the rung."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from concurrent.futures import CancelledError, ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import Pyramid, deep, reference_orbit, render, render_tile
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import LOCATIONS, bits, location

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(autouse=True)
def only_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(
        render, "DEEP", dict.fromkeys(render.DEEP, 1.0)
    )  # also where the direct rungs would be chosen


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
    assert all(total == maxiter + 1 for _, total in told)


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


def test_the_cache_counts_all_that_its_values_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_is_uniform", lambda *_: False)
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
