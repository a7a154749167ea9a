"""Reading through zarr and dask, every way people do it, with zarr's old and new pipelines."""

import asyncio
import threading

import dask.array
import numpy as np
import pytest
import zarr
import zarr.api.asynchronous
from numcodecs import Blosc

from generative_zarr import GenerativeStore, LRUStoreCache


class Plane(GenerativeStore):
    """Pixel (y, x) of a level is 1000 y + x, so that any misplacement shows."""

    def tile(self, level, row, column):  # noqa: ARG002 - alike in all levels
        y, x = np.ogrid[:16, :16]
        return (1000 * (16 * row + y) + 16 * column + x).astype("float64")


# zarr 3.1 has only the first.
PIPELINES = [
    name
    for name in ("BatchedCodecPipeline", "FusedCodecPipeline")
    if hasattr(zarr.core.codec_pipeline, name)
]


@pytest.fixture(params=PIPELINES)
def pipeline(request):
    with zarr.config.set({"codec_pipeline.path": f"zarr.core.codec_pipeline.{request.param}"}):
        yield


@pytest.fixture(params=["direct", "cached", "too small a cache"])
def wrap(request):
    match request.param:
        case "direct":
            return lambda store: store
        case "cached":
            return lambda store: LRUStoreCache(store, max_size=10**7)
    return lambda store: LRUStoreCache(store, max_size=100)


@pytest.fixture(params=[2, 3], ids=["v2", "v3"])
def store(request, wrap, pipeline):  # noqa: ARG001 - pipeline is in force while the test runs
    return wrap(
        Plane(levels=5, tilesize=16, dtype="f8", compressor=Blosc(), zarr_format=request.param)
    )


def plane(rows, columns):
    y, x = np.ogrid[rows, columns]
    return 1000.0 * y + x


def test_open_finds_the_group(store):
    group = zarr.open(store, mode="r")
    assert isinstance(group, zarr.Group)
    assert group["4"].shape == group["4"][:].shape == (32, 32)
    np.testing.assert_array_equal(group["4"][:], plane(slice(0, 32), slice(0, 32)))


def test_without_a_mode(store):
    np.testing.assert_array_equal(zarr.open(store)["4"][:3, :3], plane(slice(0, 3), slice(0, 3)))


def test_open_group_and_its_members(store):
    group = zarr.open_group(store, mode="r")
    assert sorted(group.array_keys()) == list("01234")
    assert list(group.group_keys()) == []
    assert {name: array.shape[0] for name, array in group.arrays()} == {
        str(level): 16 * 2 ** (5 - level) for level in range(5)
    }
    assert zarr.open_consolidated(store, mode="r")["0"].shape == (512, 512)


@pytest.mark.parametrize("path", ["0", "3"])
def test_open_array(store, path):
    array = zarr.open_array(store, path=path, mode="r")
    assert array.chunks == (16, 16)
    np.testing.assert_array_equal(
        array[13:37, 15:17], plane(slice(13, 37), slice(15, 17))
    )  # across borders of chunks
    assert array[40, 50] == 40050
    np.testing.assert_array_equal(array[:60:7, 5], plane(slice(0, 60, 7), slice(5, 6))[:, 0])
    np.testing.assert_array_equal(array.oindex[[1, 33], [2, 50]], [[1002, 1050], [33002, 33050]])
    np.testing.assert_array_equal(array.vindex[[1, 33], [2, 50]], [1002, 33050])
    np.testing.assert_array_equal(array.blocks[1, 2], plane(slice(16, 32), slice(32, 48)))


def test_missing_paths(store):
    group = zarr.open_group(store, mode="r")
    with pytest.raises(KeyError):
        group["5"]
    assert "5" not in group
    with pytest.raises(FileNotFoundError):
        zarr.open_array(store, path="nothing", mode="r")


def test_writing_is_refused(store):
    for mode in ("a", "r+", "w"):
        with pytest.raises(ValueError, match="read-only"):
            zarr.open_group(store, mode=mode)
    array = zarr.open_array(store, path="4", mode="r")
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_dask(store, scheduler):
    array = zarr.open_array(store, path="2", mode="r")
    lazy = dask.array.from_zarr(array)
    assert lazy.chunksize == (16, 16)
    with dask.config.set(scheduler=scheduler):
        np.testing.assert_array_equal(lazy[5:60, 7:9], plane(slice(5, 60), slice(7, 9)))
        assert lazy.sum().compute() == plane(slice(0, 128), slice(0, 128)).sum()


def test_dask_from_the_store_itself(store):
    lazy = dask.array.from_zarr(store, component="4")
    np.testing.assert_array_equal(lazy, plane(slice(0, 32), slice(0, 32)))


def test_several_event_loops_of_ones_own(store):
    async def main():
        array = await zarr.api.asynchronous.open_array(store=store, path="3", mode="r")
        return await array.getitem((slice(10, 40), slice(10, 40)))

    results = []
    threads = [
        threading.Thread(target=lambda: results.append(asyncio.run(main()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for pixels in results:
        np.testing.assert_array_equal(pixels, plane(slice(10, 40), slice(10, 40)))


def test_inside_a_running_event_loop(store):
    """As in a notebook, whose cells run inside one."""

    async def cell():
        return zarr.open(store, mode="r")["4"][:]

    np.testing.assert_array_equal(asyncio.run(cell()), plane(slice(0, 32), slice(0, 32)))


def test_without_consolidated_metadata(store):
    group = zarr.open_group(store, mode="r", use_consolidated=False)
    np.testing.assert_array_equal(group["4"][:2, :2], plane(slice(0, 2), slice(0, 2)))
    assert sorted(group.array_keys()) == list("01234")
