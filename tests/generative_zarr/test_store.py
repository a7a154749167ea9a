"""GenerativeStore by itself: parameters, both interfaces, encoding, identity."""

import asyncio
import collections.abc
import json
import pickle

import numcodecs
import numpy as np
import pytest
import zarr.codecs
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype

from generative_zarr import GenerativeStore

PROTOTYPE = default_buffer_prototype()


class Gradient(GenerativeStore):
    """Pixels that depend on their address; counts the tiles it computes."""

    def __init__(self, **parameters):
        super().__init__(**{"levels": 3, "tilesize": 4, "dtype": "uint16"} | parameters)
        self.computed = []

    def tile(self, level, row, column):
        self.computed.append((level, row, column))
        first = 1000 * level + 100 * row + 10 * column
        return (first + np.arange(16).reshape(4, 4)).astype("uint16")


class Flat(GenerativeStore):
    """Each tile is one value, broadcast."""

    def tile(self, level, row, column):  # noqa: ARG002 - constant within a row
        return np.broadcast_to(np.float32(row + 0.5), (8, 8))


class CountingZlib(numcodecs.Zlib):
    """Counts what it encodes."""

    encoded = 0

    def encode(self, buf):
        type(self).encoded += 1
        return super().encode(buf)


def read(store, key, byte_range=None):
    buffer = asyncio.run(store.get(key, PROTOTYPE, byte_range))
    return None if buffer is None else buffer.to_bytes()


def collected(items):
    async def collect():
        return [item async for item in items]

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"levels": 0}, ValueError, "levels is 0, expected an integer, 1 to 1024"),
        ({"levels": 1025}, ValueError, "1025"),
        ({"levels": 3.0}, TypeError, "3.0"),
        ({"levels": True}, TypeError, "True"),
        ({"levels": "3"}, TypeError, "'3'"),
        ({"tilesize": 0}, ValueError, "tilesize is 0"),
        ({"tilesize": None}, TypeError, "None"),
        ({"dtype": "complex128"}, ValueError, "complex128"),
        ({"dtype": "U8"}, ValueError, "<U8"),
        ({"dtype": "nonsense"}, TypeError, "nonsense"),
        ({"compressor": "blosc"}, TypeError, "'blosc', expected None or a numcodecs codec"),
        ({"compressor": numcodecs.Blosc}, TypeError, "numcodecs codec"),
        ({"compressor": zarr.codecs.BloscCodec()}, TypeError, "numcodecs codec"),
        ({"compressor": {"id": "blosc"}}, TypeError, "numcodecs codec"),
        ({"compressor": numcodecs.VLenUTF8()}, ValueError, "encodes uint16 chunks"),
        ({"compressor": numcodecs.Quantize(1, "f4")}, ValueError, "Quantize"),
        ({"zarr_format": 1}, ValueError, "zarr_format is 1, expected 2 or 3"),
        ({"zarr_format": "2"}, ValueError, "'2'"),
        ({"zarr_format": True}, ValueError, "True"),
        ({"sampling": "middle"}, ValueError, "'middle', expected 'center' or 'corner'"),
        ({"name": 3}, TypeError, "name is 3"),
        ({"floor": 1}, ValueError, "floor is 1"),
        ({"floor": -20_000}, ValueError, "-20000"),
        ({"floor": None}, TypeError, "None"),
        ({"attributes": {"multiscales": []}}, ValueError, "'multiscales'"),
        ({"attributes": {"ome": []}, "zarr_format": 3}, ValueError, "'ome'"),
        ({"attributes": {"x": object()}}, TypeError, "JSON"),
        ({"attributes": {"x": float("nan")}}, ValueError, "JSON"),
        ({"attributes": 3}, TypeError, "attributes is 3"),
    ],
)
def test_bad_parameters_are_named(parameters, error, words):
    with pytest.raises(error, match=words):
        Gradient(**parameters)


def test_a_store_without_a_tile_method_cannot_be_made():
    with pytest.raises(TypeError, match="tile"):
        GenerativeStore(levels=1, tilesize=1, dtype="u1")


def test_integers_of_numpy_are_integers():
    assert Gradient(levels=np.int64(3)) == Gradient(levels=3)


def test_it_is_a_mapping_of_its_metadata():
    store = Gradient()
    assert isinstance(store, collections.abc.Mapping)
    assert list(store) == [
        ".zmetadata",
        ".zgroup",
        ".zattrs",
        "0/.zarray",
        "0/.zattrs",
        "1/.zarray",
        "1/.zattrs",
        "2/.zarray",
        "2/.zattrs",
    ]
    assert list(store.keys()) == list(store)
    assert len(store) == 9
    assert json.loads(dict(store)[".zgroup"]) == {"zarr_format": 2}
    assert [key for key, value in store.items() if isinstance(value, bytes)] == list(store)
    assert list(Gradient(zarr_format=3)) == [
        "zarr.json",
        "0/zarr.json",
        "1/zarr.json",
        "2/zarr.json",
    ]
    assert store.computed == []


def test_chunks_are_items_too():
    store = Gradient()
    assert "0/7.7" in store
    assert "0/8.0" not in store
    assert 3 not in store
    assert store.computed == []
    assert np.frombuffer(store["1/2.3"], "<u2").tolist() == list(range(1230, 1246))
    for missing in ("3/0.0", "x", "", 3):
        with pytest.raises(KeyError):
            store[missing]


def test_chunks_in_zarr_format_3():
    store = Gradient(zarr_format=3)
    assert store.chunk_key(1, 2, 3) == "1/c/2/3"
    assert store["1/c/2/3"] == Gradient()["1/2.3"]
    assert "1/2.3" not in store


def test_levels_below_the_metadata():
    store = Gradient(floor=-2)
    assert store["-2/31.0"]
    assert "-3/0.0" not in store
    assert "-2/.zarray" not in store


def test_get_serves_both_interfaces():
    store = Gradient()
    chunk = store["1/0.0"]
    assert store.get("1/0.0") == chunk
    assert store.get("9/0.0") is None
    assert store.get("9/0.0", b"default") == b"default"
    assert store.get("9/0.0", default=7) == 7
    assert read(store, "1/0.0") == chunk
    assert read(store, "9/0.0") is None
    assert read(store, 3) is None


def test_the_mapping_works_inside_a_running_event_loop():
    store = Gradient()

    async def main():
        return store["1/0.0"], await store.get("1/0.0", PROTOTYPE)

    value, buffer = asyncio.run(main())
    assert value == buffer.to_bytes()


@pytest.mark.parametrize("key", ["1/2.3", ".zgroup"])
@pytest.mark.parametrize(
    ("byte_range", "part"),
    [
        (None, slice(None)),
        (RangeByteRequest(2, 5), slice(2, 5)),
        (RangeByteRequest(2, 10**9), slice(2, None)),
        (RangeByteRequest(10**9, 10**9 + 1), slice(0, 0)),
        (OffsetByteRequest(3), slice(3, None)),
        (SuffixByteRequest(3), slice(-3, None)),
        (SuffixByteRequest(10**9), slice(None)),
        (SuffixByteRequest(0), slice(0, 0)),
    ],
)
def test_byte_ranges(key, byte_range, part):
    store = Gradient()
    assert read(store, key, byte_range) == store[key][part]


def test_partial_values():
    store = Gradient()
    requests = [("1/0.0", RangeByteRequest(0, 2)), ("x", None), (".zgroup", None), ("1/0.0", None)]
    values = asyncio.run(store.get_partial_values(PROTOTYPE, iter(requests)))
    assert [value and value.to_bytes() for value in values] == [
        store["1/0.0"][:2],
        None,
        store[".zgroup"],
        store["1/0.0"],
    ]


def test_exists_computes_nothing():
    store = Gradient()
    assert [
        asyncio.run(store.exists(key)) for key in ("0/7.7", ".zattrs", "0/.zarray", "0/8.0", "0")
    ] == [True, True, True, False, False]
    assert store.computed == []


def test_listing_lists_metadata_only():
    store = Gradient()
    assert collected(store.list()) == list(store)
    assert collected(store.list_prefix("1/")) == ["1/.zarray", "1/.zattrs"]
    assert collected(store.list_prefix(".z")) == [".zmetadata", ".zgroup", ".zattrs"]
    assert collected(store.list_dir("")) == [".zmetadata", ".zgroup", ".zattrs", "0", "1", "2"]
    assert (
        collected(store.list_dir("1")) == collected(store.list_dir("1/")) == [".zarray", ".zattrs"]
    )
    assert collected(store.list_dir("17")) == []


def test_writing_is_refused_as_by_any_read_only_store():
    store = Gradient()
    buffer = PROTOTYPE.buffer.from_bytes(b"x")
    writes = {
        "set": lambda: store.set("a", buffer),
        "set_if_not_exists": lambda: store.set_if_not_exists("a", buffer),
        "_set_many": lambda: store._set_many([("a", buffer)]),
        "delete": lambda: store.delete("a"),
        "delete_dir": lambda: store.delete_dir("a"),
        "clear": store.clear,
    }
    for write in writes.values():
        with pytest.raises(ValueError, match="read-only"):
            asyncio.run(write())
    with pytest.raises(TypeError):
        store["a"] = b"x"
    assert store.read_only
    assert store.with_read_only(read_only=True) == store
    with pytest.raises(NotImplementedError):
        store.with_read_only(read_only=False)


def test_a_constant_tile_is_encoded_once_per_value():
    CountingZlib.encoded = 0
    numcodecs.register_codec(CountingZlib, "zlib-counting")
    store = Flat(levels=4, tilesize=8, dtype="float32", compressor=CountingZlib())
    before = CountingZlib.encoded
    for level in range(4):
        for row in range(2):
            for column in range(2):
                chunk = store[f"{level}/{row}.{column}"]
                pixels = np.frombuffer(numcodecs.Zlib().decode(chunk), "<f4")
                assert (pixels == row + 0.5).all()
                assert pixels.size == 64
    assert CountingZlib.encoded - before == 2
    assert store["0/0.0"] is store["3/0.1"]


def test_constants_that_are_equal_are_not_the_same():
    class Signs(GenerativeStore):
        def tile(self, level, row, column):  # noqa: ARG002 - constant within a column
            return np.broadcast_to([0.0, -0.0, np.nan][column], (2, 2))

    store = Signs(levels=2, tilesize=2, dtype="float64")
    for column, value in enumerate([0.0, -0.0, np.nan]):
        assert store[f"0/0.{column}"] == np.full(4, value, "<f8").tobytes()


def test_a_tile_of_the_wrong_shape_or_type_is_an_error():
    class Wrong(Gradient):
        def tile(self, level, row, column):
            tile = super().tile(level, row, column)
            return tile[:3] if column else tile.astype("uint8")

    store = Wrong()
    with pytest.raises(ValueError, match=r"returned uint8 of shape \(4, 4\), expected uint16"):
        store["0/0.0"]
    with pytest.raises(ValueError, match=r"returned uint16 of shape \(3, 4\)"):
        read(store, "0/0.1")


@pytest.mark.parametrize("order", ["C", "F", "big-endian", "strided"])
def test_any_memory_layout_of_a_tile_will_do(order):
    class Layout(Gradient):
        def tile(self, level, row, column):
            tile = super().tile(level, row, column)
            if order == "big-endian":
                return tile.astype(">u2")
            if order == "strided":
                return np.repeat(tile, 2, axis=1)[:, ::2]
            return tile.copy(order=order)

    assert Layout()["1/2.3"] == Gradient()["1/2.3"]


def test_identity():
    store = Gradient()
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
    assert copy == store
    assert copy is not store
    assert copy["0/1.2"] == store["0/1.2"]
    different = [
        Gradient(levels=4),
        Gradient(zarr_format=3),
        Gradient(compressor=numcodecs.Zlib()),
        Gradient(attributes={"a": 1}),
        Gradient(floor=-1),
        Flat(levels=3, tilesize=4, dtype="uint16"),
        3,
    ]
    fresh = Gradient()
    assert all(fresh != other for other in different)
    assert not fresh._is_open
    asyncio.run(fresh._ensure_open())
    assert fresh == Gradient()
    with pytest.raises(TypeError, match="unhashable"):
        hash(store)


def test_repr():
    assert repr(Gradient()) == "<Gradient: 3 levels of uint16 tiles, 4 px, Zarr format 2>"
