from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest

from mandelbrot import AUTO_MAXITER, Pyramid, escape_time, fixed_point, render, render_tile
from mandelbrot.render import count_dtype
from tests.mandelbrot.oracle import float64_counts, seed_tile
from tests.mandelbrot.places import location

SEAHORSE = ("-0.7463", "0.1102")


@pytest.mark.parametrize(
    "address", [(39, 0, 0), (39, 1, 1), (38, 1, 2), (36, 6, 5), (30, 512, 333)]
)
def test_corner_sampling_gives_the_tiles_of_the_original(address: tuple[int, int, int]) -> None:
    ours = render_tile(Pyramid(sampling="corner"), *address, maxiter=255, precision="fast")
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours, seed_tile(*address))


def test_exact_counts_differ_from_the_original_only_where_it_is_wrong() -> None:
    # n(c) = n(conj c), but the original's rounding treats both alike too: any difference between
    # exact and fast is a rounding error of the original. test_exact.py checks those pixels.
    pyramid = Pyramid(sampling="corner")
    exact = render_tile(pyramid, 38, 1, 2, maxiter=255)
    assert 0 < np.count_nonzero(exact != seed_tile(38, 1, 2)) < 10


@pytest.mark.parametrize("maxiter", [1, 2, 7, 100, 255, 1000, 5000])
@pytest.mark.parametrize(
    ("center", "width"),
    [
        ((0, 0), 5),
        (SEAHORSE, "0.005"),
        (("-1.7549", 0), "0.02"),
        (("-0.743643887037151", "0.131825904205330"), "1e-8"),
        (("1.3", "1.4"), "0.4"),
        (("-0.2", 0), "0.3"),
        (("0.25", 0), "0.01"),
        ((-2, 0), "0.1"),
    ],
)
def test_fast_is_the_float64_recurrence_bit_for_bit(
    center: tuple[str, str], width: str, maxiter: int
) -> None:
    pyramid = Pyramid(levels=1, tilesize=150, center=center, width=width)
    tile = pyramid.tile(1, 0, 0)
    expected = float64_counts(tile.re.float64(), tile.im.float64(), maxiter)
    found = render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision="fast")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("tilesize", [1, 2, 7, 8, 9, 63, 64, 65, 130])
def test_any_tile_size(tilesize: int, precision: str) -> None:
    pyramid = Pyramid(levels=2, tilesize=tilesize)
    tile = pyramid.tile(1, 0, 1)
    found = render_tile(pyramid, 1, 0, 1, precision=precision)  # type: ignore[arg-type]
    expected = float64_counts(tile.re.float64(), tile.im.float64(), 255)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("maxiter", "dtype"),
    [
        (1, np.uint8),
        (255, np.uint8),
        (256, np.uint16),
        (65_535, np.uint16),
        (65_536, np.uint32),
        (2**32 - 1, np.uint32),
        ("auto", np.uint32),
        (np.int64(300), np.uint16),
    ],
)
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_the_smallest_dtype_that_holds_maxiter(
    maxiter: int, dtype: type[np.unsignedinteger], precision: str
) -> None:
    assert count_dtype(maxiter) == dtype
    pyramid = Pyramid(levels=1, tilesize=16)
    counts = render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision=precision)  # type: ignore[arg-type]
    assert counts.dtype == dtype
    cap = AUTO_MAXITER if maxiter == "auto" else maxiter
    assert counts.max() == counts[8, 7] == cap  # a point of the main cardioid
    assert counts[0, 0] == 0


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize(
    ("center", "width", "count"),
    [
        (("-0.2", 0), "0.3", 5000),
        (("-1.755", 0), "0.001", 5000),  # the heart of the period-3 minibrot, no closed form
        (("3", 0), 1, 0),
        (("1.4", "0.2"), "0.001", 1),
        ((0, 0), "1e-400", 5000),
        ((4, 4), "1e400", None),
    ],
)
def test_a_constant_tile_is_one_broadcast_scalar(
    center: tuple[str, str], width: str, count: int | None, precision: str
) -> None:
    pyramid = Pyramid(levels=1, tilesize=1024, center=center, width=width)
    tile = render_tile(pyramid, 1, 0, 0, maxiter=5000, precision=precision)  # type: ignore[arg-type]
    assert tile.shape == (1024, 1024)
    if count is not None:
        assert tile.strides == (0, 0)
        assert tile[0, 0] == count


def test_auto_maxiter_cuts_no_pixel_off() -> None:
    # Near the neck at -3/4 points escape after about π/y steps.
    pyramid = Pyramid(levels=1, tilesize=12, center=("-0.75", "0.0001"), width="4e-8")
    counts = render_tile(pyramid, 1, 0, 0, maxiter="auto")
    escaped = counts[counts < AUTO_MAXITER]
    assert 0 < escaped.size < counts.size
    assert 31_000 < escaped.min() < 32_000 < escaped.max()
    np.testing.assert_array_equal(
        np.minimum(counts, 32_000), render_tile(pyramid, 1, 0, 0, maxiter=32_000)
    )


def test_threads_and_order_do_not_matter() -> None:
    pyramid = Pyramid(levels=9, tilesize=128, center=SEAHORSE, width="0.02")
    addresses = [(7, j, i) for j in range(4) for i in range(4)]

    def tile(address: tuple[int, int, int]) -> bytes:
        return render_tile(pyramid, *address, maxiter=1000).tobytes()

    alone = [tile(address) for address in addresses]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(tile, reversed(addresses)))
    assert together[::-1] == alone


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"maxiter": 0}, ValueError, "maxiter=0: expected an integer"),
        ({"maxiter": 2**32}, ValueError, "maxiter=4294967296"),
        ({"maxiter": 10.0}, TypeError, "not float"),
        ({"maxiter": True}, TypeError, "maxiter=True"),
        ({"maxiter": None}, TypeError, "maxiter=None"),
        ({"maxiter": "many"}, ValueError, "maxiter='many'.*or 'auto'"),
        ({"precision": "best"}, ValueError, "precision='best': expected 'exact' or 'fast'"),
    ],
)
def test_bad_parameters(parameters: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        render_tile(Pyramid(), 39, 0, 0, **parameters)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_tile_can_be_abandoned(precision: str) -> None:
    pyramid, maxiter = location("e227", levels=1, tilesize=1024)  # seconds
    cancel = np.zeros(1, np.uint8)
    timer = threading.Timer(0.2, cancel.fill, [1])
    timer.start()
    with pytest.raises(CancelledError, match=r"tile 1/0\.0 was cancelled"):
        render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision=precision, cancel=cancel)  # type: ignore[arg-type]
    assert timer.finished.is_set()


def test_a_fine_tile_of_one_count_needs_no_orbit(monkeypatch: pytest.MonkeyPatch) -> None:
    from mandelbrot import deep  # noqa: PLC0415

    monkeypatch.setattr(deep, "count", None)
    pyramid = Pyramid(levels=1, tilesize=16, center=("-0.1", "0.1"), width="1e-12")
    assert pyramid.pixel_size(1) < render.DEEP["exact"]
    assert render_tile(pyramid, 1, 0, 0, maxiter=300).tolist() == [[300] * 16] * 16
    finer = Pyramid(levels=1, tilesize=16, center=("-0.1", "0.1"), width="1e-300")
    assert render_tile(finer, 1, 0, 0, maxiter=300).tolist() == [[300] * 16] * 16
    boundary = Pyramid(levels=1, tilesize=16, center=("-2", "0"), width="1e-300")
    with pytest.raises(TypeError):
        render_tile(boundary, 1, 0, 0, maxiter=300)


def test_every_rung_can_be_abandoned() -> None:
    pyramid = Pyramid(levels=1, tilesize=64, center=("-1.75", "1e-9"), width="1e-9")
    tile = pyramid.tile(1, 0, 0)
    re, im = tile.re.float64(), tile.im.float64()
    out, unsure = np.zeros((64, 64), np.uint32), np.ones((64, 64), np.bool_)
    low = np.zeros(64)
    maxiter = 2**32 - 1

    cancel = np.zeros(1, np.uint8)
    threading.Timer(0.2, cancel.fill, [1]).start()
    assert not escape_time.refined_tile(
        re,
        im,
        low,
        low,
        np.arange(im.size),
        maxiter,
        cancel,
        escape_time.counts_of(out),
        unsure.reshape(-1),
    )
    cancel = np.zeros(1, np.uint8)
    threading.Timer(0.2, cancel.fill, [1]).start()
    assert not fixed_point.finish_tile(tile, maxiter, cancel, out, unsure)
    assert unsure.any()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_tile_in_flight_takes_at_most_three_output_tiles() -> None:
    # By the peak of a new process, so that arrays of compiled code count, too; not by getrusage,
    # whose peak begins with that of the process that started it.
    program = """
import re
from pathlib import Path
from mandelbrot import Pyramid, render_tile
view = dict(center=("-0.7463", "0.1102"), width="0.005")
peaks = []
for size in 64, 4096:
    tile = render_tile(Pyramid(levels=1, tilesize=size, **view), 1, 0, 0)
    peaks.append(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]))
assert tile.base is None and tile.itemsize == 1
print((peaks[1] - peaks[0]) * 1024 / tile.nbytes)
"""
    peak = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert 1 < float(peak) < 3
