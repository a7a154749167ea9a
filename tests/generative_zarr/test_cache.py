"""LRUStoreCache: what it keeps, counts, passes through and never exceeds."""

import asyncio
import pickle
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ZipStore

from generative_zarr import GenerativeStore, LRUStoreCache

PROTOTYPE = default_buffer_prototype()


class Tiles(GenerativeStore):
    """Tiles of 64 bytes; counts how often each is computed."""

    def __init__(self):
        super().__init__(levels=8, tilesize=8, dtype="uint8")
        self.computed = Counter()

    def tile(self, level, row, column):
        self.computed[level, row, column] += 1
        return np.random.default_rng((level, row, column)).integers(0, 256, (8, 8), "uint8")


class Watched(MemoryStore):
    """A writable store that notes what is read of it."""

    def __init__(self, values):
        super().__init__({key: PROTOTYPE.buffer.from_bytes(v) for key, v in values.items()})
        self.reads = []

    async def get(self, key, prototype=None, byte_range=None):
        self.reads.append((key, byte_range))
        return await super().get(key, prototype, byte_range)


def read(store, key, byte_range=None):
    buffer = asyncio.run(store.get(key, PROTOTYPE, byte_range))
    return None if buffer is None else buffer.to_bytes()


@pytest.mark.parametrize(
    ("max_size", "error", "words"),
    [
        (0, ValueError, "max_size is 0, expected an integer of at least 1"),
        (-1, ValueError, "-1"),
        (1e9, TypeError, "1000000000.0"),
        ("1GB", TypeError, "'1GB'"),
        (None, TypeError, "None"),
        (True, TypeError, "True"),
    ],
)
def test_bad_sizes_are_named(max_size, error, words):
    with pytest.raises(error, match=words):
        LRUStoreCache(MemoryStore(), max_size)


@pytest.mark.parametrize("store", [{}, "path.zarr", None, MemoryStore])
def test_only_stores_are_cached(store):
    with pytest.raises(TypeError, match=r"expected a zarr\.abc\.store\.Store"):
        LRUStoreCache(store, 1)


def test_a_value_is_read_once():
    below = Watched({"a": b"12345"})
    cache = LRUStoreCache(below, max_size=10)
    assert (cache.hits, cache.misses, cache.nbytes) == (0, 0, 0)
    assert read(cache, "a") == b"12345"
    assert (cache.hits, cache.misses, cache.nbytes) == (0, 1, 5)
    assert cache["a"] == b"12345"
    assert cache.get("a") == b"12345"
    assert read(cache, "a") == b"12345"
    assert (cache.hits, cache.misses, cache.nbytes) == (3, 1, 5)
    assert below.reads == [("a", None)]
    assert cache.store is below
    assert cache.max_size == 10


async def test_existence_of_a_cached_value_is_known():
    class Counted(Watched):
        asked = 0

        async def exists(self, key):
            self.asked += 1
            return await super().exists(key)

    cache = LRUStoreCache(Counted({"a": b"1"}), max_size=10)
    assert await cache.exists("a")
    assert cache.store.asked == 1
    await cache.get("a", PROTOTYPE)
    assert await cache.exists("a")
    assert cache.store.asked == 1


def test_the_least_recently_used_value_goes_first():
    below = Watched({"a": b"1111", "b": b"2222", "c": b"3333"})
    cache = LRUStoreCache(below, max_size=8)
    for key in "abac":
        read(cache, key)
    assert cache.nbytes == 8
    below.reads.clear()
    assert read(cache, "a") == b"1111"
    assert below.reads == []
    assert read(cache, "b") == b"2222"
    assert below.reads == [("b", None)]


def test_what_does_not_fit_is_passed_through():
    below = Watched({"fits": b"1234", "large": b"12345", "empty": b""})
    cache = LRUStoreCache(below, max_size=4)
    for _ in range(2):
        assert read(cache, "fits") == b"1234"
        assert read(cache, "large") == b"12345"
        assert read(cache, "empty") == b""
        assert read(cache, "absent") is None
    assert (cache.hits, cache.misses, cache.nbytes) == (1, 7, 4)


RANGES = [
    (RangeByteRequest(1, 3), b"12"),
    (OffsetByteRequest(4), b"45"),
    (SuffixByteRequest(1), b"5"),
]


@pytest.mark.parametrize(("byte_range", "part"), RANGES)
def test_ranges_of_a_cached_value_are_served_from_it(byte_range, part):
    below = Watched({"a": b"012345"})
    cache = LRUStoreCache(below, max_size=10)
    read(cache, "a")
    assert read(cache, "a", byte_range) == part
    assert below.reads == [("a", None)]
    assert cache.nbytes == 6


@pytest.mark.parametrize(("byte_range", "part"), RANGES)
def test_a_range_of_a_value_not_cached_is_read_and_kept_as_such(byte_range, part):
    below = Watched({"a": b"012345"})
    cache = LRUStoreCache(below, max_size=10)
    for _ in range(2):
        assert read(cache, "a", byte_range) == part
    assert below.reads == [("a", byte_range)]
    assert cache.nbytes == len(part)
    assert read(cache, "a") == b"012345"


def test_a_range_that_is_none_is_an_error_cached_or_not():
    cache = LRUStoreCache(Watched({"a": b"012345"}), max_size=10)
    for _ in range(2):
        with pytest.raises((TypeError, ValueError), match="Unexpected byte_range"):
            read(cache, "a", (0, 2))
        read(cache, "a")


def test_clear_forgets():
    below = Watched({"a": b"old"})
    cache = LRUStoreCache(below, max_size=10)
    read(cache, "a")
    below._store_dict["a"] = PROTOTYPE.buffer.from_bytes(b"new")
    assert read(cache, "a") == b"old"
    cache.clear()
    assert (cache.hits, cache.misses, cache.nbytes) == (0, 0, 0)
    assert read(cache, "a") == b"new"
    assert "a" in below._store_dict


def test_clear_during_a_read_keeps_nothing_old():
    class Slow(Watched):
        async def get(self, key, prototype=None, byte_range=None):
            buffer = await super().get(key, prototype, byte_range)
            if len(self.reads) == 1:
                reading.set()
                await asyncio.to_thread(go_on.wait)
            return buffer

    reading, go_on = threading.Event(), threading.Event()
    below = Slow({"a": b"old"})
    cache = LRUStoreCache(below, max_size=10)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(read, cache, "a")
        reading.wait()
        below._store_dict["a"] = PROTOTYPE.buffer.from_bytes(b"new")
        cache.clear()
        assert read(cache, "a") == b"new"
        go_on.set()
        assert early.result() == b"old"
    assert read(cache, "a") == b"new"
    assert cache.nbytes == 3


def test_it_is_a_mapping_of_what_the_store_below_lists():
    values = {"zarr.json": b"{}", "c/0": b"1"}
    cache = LRUStoreCache(Watched(values), max_size=10)
    assert dict(cache) == values
    assert list(cache.keys()) == list(values)
    assert len(cache) == 2
    assert "c/0" in cache
    assert "c/1" not in cache
    assert 3 not in cache
    assert cache.get("c/1", b"none") == b"none"
    for missing in ("c/1", 3):
        with pytest.raises(KeyError):
            cache[missing]
    generative = LRUStoreCache(Tiles(), max_size=1000)
    assert list(generative) == list(Tiles())
    assert "7/0.0" in generative
    assert generative.store.computed == {}


def test_the_mapping_works_inside_a_running_event_loop():
    cache = LRUStoreCache(Watched({"a": b"1"}), max_size=10)

    async def main():
        return cache["a"], "a" in cache, list(cache)

    assert asyncio.run(main()) == (b"1", True, ["a"])


def test_a_synchronous_read_does_not_block_zarrs_own_loop():
    cache = LRUStoreCache(Watched({"a": b"1"}), max_size=10)

    async def main():
        return cache["a"]

    with pytest.raises(RuntimeError, match=r"await store.get"):
        sync(main())
    read(cache, "a")
    assert sync(main()) == b"1"


def test_ten_thousand_random_reads_compute_each_key_at_most_once():
    below = Tiles()
    rng = random.Random(2)  # noqa: S311 - no cryptography
    keys = [f"2/{row}.{column}" for row in range(25) for column in range(40)]
    expected = {key: below.tile(2, *map(int, key[2:].split("."))).tobytes() for key in keys}
    below.computed.clear()
    cache = LRUStoreCache(below, max_size=64 * len(keys))
    reads = [rng.choices(keys, k=1250) for _ in range(8)]

    def read_all(chosen):
        return all(cache[key] == expected[key] and cache.nbytes <= 64_000 for key in chosen)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read_all, reads))
    asked = {key for chosen in reads for key in chosen}
    assert len(below.computed) == len(asked)
    assert set(below.computed.values()) == {1}
    assert cache.hits + cache.misses == 10_000
    assert cache.nbytes == 64 * len(asked)


def test_many_threads_and_loops_never_exceed_the_size():
    below = Tiles()
    cache = LRUStoreCache(below, max_size=1000)  # 15 tiles
    stop = threading.Event()
    most = 0

    def watch():
        nonlocal most
        while not stop.is_set():
            most = max(most, cache.nbytes)

    async def read_in_loop(seed):
        rng = random.Random(seed)  # noqa: S311 - no cryptography
        for _ in range(20):
            keys = [f"2/{rng.randrange(6)}.{rng.randrange(6)}" for _ in range(10)]
            buffers = await asyncio.gather(*(cache.get(key, PROTOTYPE) for key in keys))
            for key, buffer in zip(keys, buffers, strict=True):
                tile = below.tile(2, *map(int, key[2:].split(".")))
                assert buffer.to_bytes() == tile.tobytes()

    with ThreadPoolExecutor(5) as pool:
        watcher = pool.submit(watch)
        loops = [pool.submit(asyncio.run, read_in_loop(seed)) for seed in range(4)]
        for loop in loops:
            loop.result()
        stop.set()
        watcher.result()
    assert 0 < most <= 1000


@pytest.fixture(params=["memory", "local", "zip", "fsspec"])
def any_store(request, tmp_path):
    match request.param:
        case "memory":
            return MemoryStore()
        case "local":
            return LocalStore(tmp_path / "image.zarr")
        case "zip":
            return ZipStore(tmp_path / "image.zip", mode="w")
    pytest.importorskip("fsspec", reason="zarr's FsspecStore needs fsspec, which is optional")
    return FsspecStore.from_url(f"memory://{tmp_path.name}")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # a zip file only grows
def test_it_wraps_any_store(any_store, zarr_format):
    pixels = np.random.default_rng(1).integers(0, 9, (50, 70), "uint8")
    group = zarr.open_group(any_store, mode="w", zarr_format=zarr_format)
    array = group.create_array("a", shape=(50, 70), chunks=(16, 16), dtype="uint8")
    array[:] = pixels
    cache = LRUStoreCache(any_store, max_size=10**6)
    cached = zarr.open_group(cache, mode="r")["a"]
    for _ in range(2):
        np.testing.assert_array_equal(cached[:], pixels)
    assert cache.hits >= 20
    assert sorted(cache) == sorted(key for key in cache if key in cache)
    with pytest.raises(ValueError, match="read-only"):
        cached[:] = 0
    cache.close()
    assert not any_store._is_open


def test_shards_are_read_in_ranges():
    below = Watched({})
    pixels = np.random.default_rng(1).integers(0, 9, (64, 64), "uint8")
    array = zarr.create_array(
        below, name="a", shape=(64, 64), chunks=(8, 8), shards=(64, 64), dtype="uint8"
    )
    array[:] = pixels
    below.reads.clear()
    cache = LRUStoreCache(below, max_size=10**6)
    cached = zarr.open_array(cache, path="a", mode="r")
    np.testing.assert_array_equal(cached[10:20, 10:20], pixels[10:20, 10:20])
    chunks = [byte_range for key, byte_range in below.reads if key == "a/c/0/0"]
    assert chunks
    assert None not in chunks
    reads = len(below.reads)
    np.testing.assert_array_equal(cached[10:20, 10:20], pixels[10:20, 10:20])
    assert len(below.reads) == reads


def test_a_cache_before_a_cache():
    below = Tiles()
    cache = LRUStoreCache(LRUStoreCache(below, 10**4), 64)
    assert cache["2/0.0"] == below["2/0.0"]
    below.computed.clear()
    cache["2/0.1"]
    assert cache["2/0.0"]
    assert below.computed == {(2, 0, 1): 1}


def test_identity():
    cache = LRUStoreCache(Tiles(), 1000)
    cache["2/0.0"]
    copy = pickle.loads(pickle.dumps(cache))  # noqa: S301 - our own bytes
    assert copy == cache
    assert (copy.hits, copy.misses, copy.nbytes) == (0, 0, 0)
    assert copy["2/0.0"] == cache["2/0.0"]
    assert cache != LRUStoreCache(Tiles(), 1001)
    assert cache != LRUStoreCache(MemoryStore(), 1000)
    assert cache.with_read_only(read_only=True).nbytes == 0
