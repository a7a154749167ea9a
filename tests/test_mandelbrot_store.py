"""MandelbrotStore: the seed's store, with the seed's numbers."""

import asyncio
import json
import pickle
import subprocess
import sys
from concurrent.futures import CancelledError
from fractions import Fraction

import dask.array
import numcodecs
import numpy as np
import pytest
import yaozarrs
import zarr
from imjoy_rpc.utils import encode_zarr_store

import mandelbrot_store
from generative_zarr import Cancellation
from mandelbrot_store import LRUStoreCache, MandelbrotStore, MandlebrotStore


def seed_tile(level, y, x):
    """Return a tile by the original example's formula, in the most naive way.

    Row 0 is at the least imaginary part there, points are corners of pixels, and a point's count
    is the number of iterates that stay within |z| <= 2.
    """
    levels, tilesize, maxiter = 40, 1024, 255
    width = 5 / 2 ** (levels - level)
    re = -2.5 + x * width + np.arange(tilesize) * (width / tilesize)
    im = -2.5 + y * width + np.arange(tilesize) * (width / tilesize)
    c_re, c_im = (part.ravel() for part in np.meshgrid(re, im))
    counts = np.zeros(tilesize**2, np.uint8)
    inside = np.arange(tilesize**2)
    z_re = z_im = np.zeros(tilesize**2)
    for _ in range(maxiter):
        z_re, z_im = z_re * z_re - z_im * z_im + c_re, 2 * z_re * z_im + c_im
        kept = ~(z_re * z_re + z_im * z_im > 4)
        inside, z_re, z_im, c_re, c_im = (a[kept] for a in (inside, z_re, z_im, c_re, c_im))
        counts[inside] += 1
    return counts.reshape(tilesize, tilesize)


def address(level, re, im, levels=40):
    """Return the tile of a level that a point is in, rows counted from the top."""
    tiles = 2 ** (levels - level)
    return level, int((2.5 - im) / 5 * tiles), int((re + 2.5) / 5 * tiles)


@pytest.mark.parametrize(
    "tile",
    [
        (39, 0, 0),
        (39, 1, 1),
        (38, 1, 1),
        address(33, -0.7436, 0.1318),
        address(20, 0, 1),  # a Misiurewicz point: detail at every scale
        address(0, 0, 1),
    ],
    ids=str,
)
def test_corner_sampling_gives_the_seeds_bytes(tile):
    store = MandelbrotStore(sampling="corner", precision="fast")
    expected = seed_tile(*tile)
    assert len(np.unique(expected)) > 10
    assert store["{}/{}.{}".format(*tile)] == expected.tobytes()


def test_center_sampling_is_the_same_picture_half_a_pixel_on():
    """Centres of a level are corners of the level below it."""
    centers = MandelbrotStore(levels=8, tilesize=64)
    corners = MandelbrotStore(levels=8, tilesize=64, sampling="corner")
    np.testing.assert_array_equal(
        zarr.open_array(centers, path="6", mode="r")[:],
        zarr.open_array(corners, path="5", mode="r")[1::2, 1::2],
    )


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def store(request):
    return MandelbrotStore(
        levels=6, tilesize=32, compressor=numcodecs.Blosc(), zarr_format=request.param
    )


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: LRUStoreCache(s, 10**6)])
def test_read_in_every_way(store, wrap):
    top = np.block([[store.tile(4, row, column) for column in range(4)] for row in range(4)])
    assert len(np.unique(top)) > 10
    store = wrap(store)
    np.testing.assert_array_equal(zarr.open(store, mode="r")["4"][:], top)
    np.testing.assert_array_equal(zarr.open_group(store, mode="r")["4"][30:70, :5], top[30:70, :5])
    array = zarr.open_array(store, path="4", mode="r")
    np.testing.assert_array_equal(array[31:33, 31:97], top[31:33, 31:97])
    np.testing.assert_array_equal(dask.array.from_zarr(array).compute(), top)


def test_metadata_are_ome_zarr(store):
    if ".zattrs" in store:
        image = yaozarrs.v04.Image.model_validate_json(store[".zattrs"])
    else:
        ome = json.loads(store["zarr.json"])["attributes"]["ome"]
        image = yaozarrs.v05.Image.model_validate(ome)
    assert image.multiscales[0].name == "mandelbrot"
    assert len(image.multiscales[0].datasets) == 6


def test_the_whole_set_has_its_known_points():
    pixels = zarr.open_array(MandelbrotStore(levels=2, tilesize=128), path="1", mode="r")[:]

    def count(re, im):
        return pixels[int((2.5 - im) / 5 * 256), int((re + 2.5) / 5 * 256)]

    assert count(0, 0) == count(-1, 0) == count(-0.1, 0.74) == count(-0.1, -0.74) == 255
    assert 0 < count(0.4, 0.4) < 255
    assert count(0.1, 0.85) != count(0.1, -0.5)
    assert count(-2.4, 2.4) == count(2.4, -2.4) == 0
    np.testing.assert_array_equal(pixels, pixels[::-1])


@pytest.mark.parametrize(
    ("maxiter", "dtype"),
    [
        (1, "uint8"),
        (255, "uint8"),
        (256, "uint16"),
        (65535, "uint16"),
        (65536, "uint32"),
        (2**32 - 1, "uint32"),
        ("auto", "uint32"),
    ],
)
def test_dtype_follows_maxiter(maxiter, dtype):
    assert zarr.open_array(MandelbrotStore(maxiter=maxiter), path="39", mode="r").dtype == dtype


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"levels": 0}, ValueError, "levels.*0.*at least 1"),
        ({"levels": 2.5}, TypeError, "levels.*2.5"),
        ({"levels": 1025}, ValueError, "levels.*1025.*1024"),
        ({"tilesize": 0}, ValueError, "tilesize.*0.*at least 1"),
        ({"tilesize": "1024"}, TypeError, "tilesize.*'1024'"),
        ({"maxiter": 0}, ValueError, "maxiter.*0.*4294967295"),
        ({"maxiter": 2**32}, ValueError, "maxiter.*4294967296.*4294967295"),
        ({"maxiter": 255.0}, TypeError, "maxiter.*255.0"),
        ({"maxiter": "many"}, ValueError, "maxiter.*'many'.*'auto'"),
        ({"compressor": "blosc"}, TypeError, "compressor.*'blosc'.*numcodecs"),
        ({"sampling": "edge"}, ValueError, "sampling.*'edge'.*'center'.*'corner'"),
        ({"zarr_format": 4}, ValueError, "zarr_format.*4.*2 or 3"),
        ({"center": 0}, TypeError, "center"),
        ({"center": ("x", 0)}, ValueError, "center.*x"),
        ({"width": 0}, ValueError, "width.*0.*positive"),
        ({"width": float("inf")}, ValueError, "width.*inf"),
        ({"precision": "double"}, ValueError, "precision.*'double'.*'exact'.*'fast'"),
    ],
)
def test_bad_parameters_are_named(parameters, error, words):
    with pytest.raises(error, match=words):
        MandelbrotStore(**parameters)


def mandelbrot_attribute(store):
    return zarr.open_group(store, mode="r").attrs["mandelbrot"]


def test_the_attribute_of_the_default_store():
    assert mandelbrot_attribute(MandelbrotStore()) == {
        "levels": 40,
        "tilesize": 1024,
        "maxiter": 255,
        "sampling": "center",
        "center": ["0", "0"],
        "width": "5",
        "precision": "exact",
        "floor": -11960,
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"levels": 3, "tilesize": 16, "maxiter": "auto", "sampling": "corner"},
        {
            "center": ("-0.743643887037158704752191506114774", "0.13182590420531198"),
            "width": "1e-30",
        },
        {"center": (Fraction(1, 3), -0.1), "width": Fraction(1, 7), "precision": "fast"},
        {"maxiter": np.int64(1000), "tilesize": np.int32(64)},
        {"floor": -7},
    ],
)
def test_the_attribute_rebuilds_the_store(parameters):
    store = MandelbrotStore(**parameters)
    assert MandelbrotStore(**mandelbrot_attribute(store)) == store


def test_another_square_is_another_picture():
    store = MandelbrotStore(3, 32, 500, center=("-0.75", "0.1"), width="0.2")
    pixels = zarr.open_array(store, path="1", mode="r")[:]
    side = 128
    assert pixels.shape == (side, side)
    assert len(np.unique(pixels)) > 50
    for row, column in [(0, 0), (31, 32), (64, 60), (64, 64), (127, 5)]:
        c = complex(-0.85 + 0.2 * (column + 0.5) / side, 0.2 - 0.2 * (row + 0.5) / side)
        z, count = c, 0
        while count < 500 and abs(z) <= 2:
            z, count = z * z + c, count + 1
        assert pixels[row, column] == count


def test_there_are_levels_below_0():
    center = ("-1.7590170270659", "0.01916067191295")
    store = MandelbrotStore(3, 16, 4000, center=center, width="1e-9")
    parent = np.frombuffer(store[store.chunk_key(-1, 8, 8)], np.uint16).reshape(16, 16)
    assert len(np.unique(parent)) > 1
    corner = MandelbrotStore(3, 16, 4000, center=center, width="1e-9", sampling="corner")
    parent = np.frombuffer(corner[corner.chunk_key(-1, 8, 8)], np.uint16).reshape(16, 16)
    child = np.frombuffer(corner[corner.chunk_key(-2, 16, 16)], np.uint16).reshape(16, 16)
    np.testing.assert_array_equal(child[::2, ::2], parent[:8, :8])
    key = store.chunk_key(-400, 2**403 // 3, 2**403 // 2)
    assert len(store[key]) == 512
    assert MandelbrotStore(floor=0).get("-1/0.0") is None


def test_a_cancelled_tile_stops():
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        cancellation.run(MandelbrotStore().tile, 39, 0, 0)
    assert MandelbrotStore(4, 16).tile(3, 0, 0).shape == (16, 16)


def test_malformed_keys_are_absent():
    store = MandelbrotStore()
    for key in ("x/y", "3/1.2.3", "40/0.0", "0/-1.0", "٣/0.0", "9" * 10**7, ""):
        assert store.get(key) is None
        assert key not in store
        assert asyncio.run(store.exists(key)) is False


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: LRUStoreCache(s, 10**6)])
def test_imjoys_own_zarr_codec(store, wrap):
    """imjoy-rpc reads ``zobj.store[key]``, which no store of zarr 3 has by itself."""
    group = zarr.open_group(wrap(store), mode="r")
    key = store.chunk_key(4, 1, 2)
    served = encode_zarr_store(group)
    assert served["_rtype"] == "zarr-group"
    assert served["getItem"](key) == store[key]
    assert served["containsItem"](key)
    assert not served["containsItem"]("4/9.9")
    with pytest.raises(KeyError):
        served["getItem"]("4/9.9")
    with pytest.raises(TypeError):
        served["setItem"](key, b"")
    served = encode_zarr_store(group["4"])
    assert served["_rtype"] == "zarr-array"
    assert served["getItem"](key.removeprefix("4/")) == store[key]


def test_identity():
    store = MandelbrotStore(levels=5, tilesize=16, center=("0.1", 0))
    assert pickle.loads(pickle.dumps(store)) == store  # noqa: S301 - our own bytes
    assert store != MandelbrotStore(levels=5, tilesize=16)
    assert MandlebrotStore is MandelbrotStore
    assert mandelbrot_store.__all__ == ["LRUStoreCache", "MandelbrotStore", "MandlebrotStore"]


def test_importing_the_store_imports_no_notebook():
    command = "import sys, mandelbrot_store; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "generative_zarr" in imported
    assert not imported & {"anywidget", "imjoy_rpc", "IPython", "ipykernel", "ipywidgets", "dask"}
