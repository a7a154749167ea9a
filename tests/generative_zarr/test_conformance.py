"""zarr's own conformance suite, `zarr.testing.store.StoreTests`.

The suite stores values under keys of its choice and reads them back. A cache can be put before a
store that it has written to; a generative store has the keys it has, so the suite's claims are
tested with those. What cannot apply to a read-only store is skipped, with the reason.
"""

import pickle
from typing import ClassVar

import numpy as np
import pytest
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.buffer.cpu import Buffer as CPUBuffer
from zarr.core.sync import _collect_aiterator
from zarr.storage import MemoryStore
from zarr.testing.store import StoreTests

from generative_zarr import Channel, GenerativeStore, LRUStoreCache

PROTOTYPE = default_buffer_prototype()
READ_ONLY = "the store is read-only by design and has no read_only parameter"
NO_WRITES = "there are no writes to test: the store is read-only by design"
NO_CLEAR = "clear() of the cache forgets what is cached, it does not delete"
PRIVATE = "it writes in order to test private conveniences over get(), which zarr 3.1 alone has"


def not_applicable(reason):
    def test(self):  # noqa: ARG001 - a method
        pytest.skip(reason)

    return test


class ReadOnlyTests(StoreTests):
    """What the suite means for stores that are read-only by design."""

    buffer_cls = CPUBuffer

    test_store_read_only = not_applicable(READ_ONLY)
    test_store_open_read_only = not_applicable(READ_ONLY)

    def test_store_supports_writes(self, store):
        assert not store.supports_writes
        assert not store.supports_deletes

    def test_store_supports_listing(self, store):
        assert store.supports_listing

    async def test_read_only_store_raises(self, open_kwargs):
        store = await self.read_only_cls.open(**open_kwargs)
        assert store.read_only
        for write in (
            store.set("foo", self.buffer_cls.from_bytes(b"bar")),
            store.set_if_not_exists("foo", self.buffer_cls.from_bytes(b"bar")),
            store.delete("foo"),
            store.delete_dir("foo"),
        ):
            with pytest.raises(ValueError, match="store was opened in read-only mode"):
                await write

    async def test_with_read_only_store(self, open_kwargs):
        store = await self.read_only_cls.open(**open_kwargs)
        reader = store.with_read_only(read_only=True)
        assert reader == store
        assert not reader._is_open
        with pytest.raises(NotImplementedError, match="with_read_only is not implemented"):
            store.with_read_only(read_only=False)


class WrittenBelow(LRUStoreCache):
    """The cache, with the suite's writes passed to the store below."""

    async def set(self, key, value):
        await self._store.set(key, value)

    async def set_if_not_exists(self, key, value):
        await self._store.set_if_not_exists(key, value)


class TestLRUStoreCache(ReadOnlyTests):
    store_cls = WrittenBelow
    read_only_cls = LRUStoreCache

    test_clear = not_applicable(NO_CLEAR)
    test_set = not_applicable(NO_WRITES)  # the suite asks for a store that is not read-only

    @pytest.fixture
    def store_kwargs(self):
        return {"store": MemoryStore(), "max_size": 100}

    async def set(self, store, key, value):
        store.store._store_dict[key] = value

    async def get(self, store, key):
        return store.store._store_dict[key]

    def test_store_repr(self, store):
        assert repr(store).startswith("<LRUStoreCache: 0 of 100 bytes, before MemoryStore(")


class TestLRUStoreCacheWithValuesTooLarge(TestLRUStoreCache):
    @pytest.fixture
    def store_kwargs(self):
        return {"store": MemoryStore(), "max_size": 1}

    def test_store_repr(self, store):
        assert repr(store).startswith("<LRUStoreCache: 0 of 1 bytes, before MemoryStore(")


class Counting(GenerativeStore):
    def tile(self, level, row, column):
        return np.arange(16, dtype="u1").reshape(4, 4) + np.uint8(level + row + column)


class TestGenerativeStore(ReadOnlyTests):
    store_cls = read_only_cls = Counting
    keys: ClassVar = [".zgroup", ".zattrs", "0/.zarray", "0/7.5", "2/0.0"]
    listed: ClassVar = [
        ".zattrs",
        ".zgroup",
        ".zmetadata",
        "0/.zarray",
        "0/.zattrs",
        "1/.zarray",
        "1/.zattrs",
        "2/.zarray",
        "2/.zattrs",
    ]

    test_set = test_set_not_open = test_set_many = not_applicable(NO_WRITES)
    test_set_if_not_exists = test_delete = test_delete_dir = not_applicable(NO_WRITES)
    test_delete_nonexistent_key_does_not_raise = test_clear = not_applicable(NO_WRITES)
    test_get_bytes = test_get_bytes_sync = not_applicable(PRIVATE)
    test_get_json = test_get_json_sync = not_applicable(PRIVATE)

    @pytest.fixture
    def store_kwargs(self):
        return {"levels": 3, "tilesize": 4, "dtype": "uint8"}

    async def set(self, store, key, value):
        raise NotImplementedError(NO_WRITES)

    async def get(self, store, key) -> Buffer:
        generator = self.generator(store)
        if key in self.listed:
            return self.buffer_cls.from_bytes(generator._documents[key])
        numbers = list(map(int, key.replace(".", "/").split("/")))
        tile = generator.tile(numbers[0], *numbers[-2:])
        return self.buffer_cls.from_bytes(tile.tobytes())

    @staticmethod
    def generator(store):
        return store

    def test_store_repr(self, store):
        assert repr(store) == "<Counting: 3 levels of uint8 tiles, 4 px, Zarr format 2>"

    async def test_serializable_store(self, store):
        copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
        assert copy == store
        for key in self.keys:
            assert await copy.get(key, PROTOTYPE) == await self.get(store, key)

    @pytest.mark.parametrize("index", range(len(keys)))
    @pytest.mark.parametrize(
        ("byte_range", "part"),
        [
            (None, slice(None)),
            (RangeByteRequest(1, 4), slice(1, 4)),
            (OffsetByteRequest(1), slice(1, None)),
            (SuffixByteRequest(1), slice(-1, None)),
        ],
    )
    async def test_get(self, store, index, byte_range, part):
        key = self.keys[index]
        observed = await store.get(key, PROTOTYPE, byte_range=byte_range)
        assert observed.to_bytes() == (await self.get(store, key)).to_bytes()[part]

    async def test_get_not_open(self, store_not_open):
        assert not store_not_open._is_open
        for key in self.keys:
            observed = await store_not_open.get(key, PROTOTYPE)
            assert observed == await self.get(store_not_open, key)

    async def test_get_raises(self, store):
        with pytest.raises((ValueError, TypeError), match=r"Unexpected byte_range, got.*"):
            await store.get(self.keys[-1], PROTOTYPE, byte_range=(0, 2))

    async def test_get_many(self, store):
        requests = [(key, PROTOTYPE, None) for key in self.keys]
        observed = dict(await _collect_aiterator(store._get_many(requests)))
        assert observed == {key: await self.get(store, key) for key in self.keys}

    @pytest.mark.parametrize("index", range(len(keys)))
    async def test_getsize(self, store, index):
        key = self.keys[index]
        assert await store.getsize(key) == len(await self.get(store, key))

    async def test_getsize_prefix(self, store):
        documents = [await self.get(store, key) for key in ("1/.zarray", "1/.zattrs")]
        assert await store.getsize_prefix("1") == sum(map(len, documents))

    async def test_getsize_raises(self, store):
        with pytest.raises(FileNotFoundError):
            await store.getsize("9/0.0")

    @pytest.mark.parametrize(
        "ranges",
        [
            [],
            [(0, RangeByteRequest(0, 2))],
            [(3, RangeByteRequest(0, 2)), (1, None)],
            [(3, RangeByteRequest(0, 2)), (4, SuffixByteRequest(2)), (4, OffsetByteRequest(2))],
        ],
    )
    async def test_get_partial_values(self, store, ranges):
        key_ranges = [(self.keys[index], part) for index, part in ranges]
        observed = await store.get_partial_values(PROTOTYPE, iter(key_ranges))
        assert None not in observed
        assert observed == [await store.get(key, PROTOTYPE, part) for key, part in key_ranges]

    async def test_exists(self, store):
        assert not await store.exists("foo")
        for key in self.keys:
            assert await store.exists(key)

    async def test_is_empty(self, store):
        assert not await store.is_empty("")
        assert not await store.is_empty("1")
        assert not await store.is_empty("1/")
        assert await store.is_empty("spam")

    async def test_list(self, store):
        assert sorted(await _collect_aiterator(store.list())) == self.listed

    async def test_list_prefix(self, store):
        for prefix in ("", ".", "1", "1/", "foo"):
            observed = await _collect_aiterator(store.list_prefix(prefix))
            assert sorted(observed) == [key for key in self.listed if key.startswith(prefix)]

    async def test_list_empty_path(self, store):
        assert await _collect_aiterator(store.list_prefix("")) == await _collect_aiterator(
            store.list()
        )

    async def test_list_dir(self, store):
        root = {".zattrs", ".zgroup", ".zmetadata", "0", "1", "2"}
        assert set(await _collect_aiterator(store.list_dir(""))) == root
        for level in ("1", "1/"):
            listed = await _collect_aiterator(store.list_dir(level))
            assert listed == (".zarray", ".zattrs")
        assert await _collect_aiterator(store.list_dir("foo")) == ()


class CountingInColours(Counting):
    def tile(self, level, row, column):
        return super().tile(level, row, column) + np.array([0, 100, 200], "u1")[:, None, None]


class TestGenerativeStoreWithChannels(TestGenerativeStore):
    store_cls = read_only_cls = CountingInColours
    keys: ClassVar = [".zgroup", ".zattrs", "0/.zarray", "0/0.7.5", "2/0.0.0"]

    @pytest.fixture
    def store_kwargs(self):
        channels = [Channel(name) for name in "rgb"]
        return {"levels": 3, "tilesize": 4, "dtype": "uint8", "channels": channels}

    def test_store_repr(self, store):
        assert repr(store).startswith("<CountingInColours: 3 levels of uint8 tiles")


class TestLRUStoreCacheOfGenerativeStore(TestGenerativeStore):
    store_cls = read_only_cls = LRUStoreCache

    @pytest.fixture
    def store_kwargs(self):
        return {"store": Counting(levels=3, tilesize=4, dtype="uint8"), "max_size": 10**6}

    @staticmethod
    def generator(store):
        return store.store

    def test_store_repr(self, store):
        assert repr(store) == (
            "<LRUStoreCache: 0 of 1000000 bytes, before "
            "<Counting: 3 levels of uint8 tiles, 4 px, Zarr format 2>>"
        )
