from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore, WrapperStore

from generative_zarr import GenerativeStore
from zarr_over_imjoy import encode_source

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(params=[2, 3])
def group(request: pytest.FixtureRequest) -> zarr.Group:
    group = zarr.create_group(MemoryStore(), path="a/b", zarr_format=request.param)
    group.create_array("0", data=np.arange(16, dtype="u1").reshape(4, 4), compressors=None)
    return group


async def test_keys_are_relative_to_the_node(group: zarr.Group) -> None:
    documents = {2: (".zgroup", ".zarray", "0.0"), 3: ("zarr.json", "zarr.json", "c/0/0")}
    of_group, of_array, chunk = documents[group.metadata.zarr_format]
    source, array = encode_source(group), encode_source(group["0"])
    assert b"zarr_format" in await source["getItem"](of_group)
    assert await source["getItem"](f"0/{of_array}") == await array["getItem"](of_array)
    assert await array["getItem"](chunk) == bytes(range(16))
    assert await array["getItem"](chunk, {}) == bytes(range(16))
    assert await array["containsItem"](chunk)
    assert (source["_rtype"], array["_rtype"]) == ("zarr-group", "zarr-array")


async def test_missing_key_is_none(group: zarr.Group) -> None:
    source = encode_source(group)
    assert await source["getItem"]("9/9.9", {"id": 1}) is None
    assert not await source["containsItem"]("9/9.9")


def test_sources_are_read_only(group: zarr.Group) -> None:
    source = encode_source(group)
    for refused in (lambda: source["setItem"]("k", b""), lambda: source["deleteItem"]("k")):
        with pytest.raises(PermissionError, match=r"'k' cannot be changed: .* read-only"):
            refused()


class Broken(WrapperStore[MemoryStore]):
    async def get(self, key: str, *_: Any) -> None:
        msg = f"disk on fire at {key}"
        raise OSError(msg)


async def test_errors_are_the_stores_own(group: zarr.Group) -> None:
    class Node:
        store = Broken(group.store)
        path = ""

    with pytest.raises(OSError, match="disk on fire at x"):
        await encode_source(Node())["getItem"]("x", {"id": 1})


class Slow(GenerativeStore):
    """Tile (0, 1) waits for tile (0, 0) to be asked for."""

    def __init__(self) -> None:
        super().__init__(levels=1, tilesize=4, dtype="u1")
        self.go = threading.Event()
        self.started = threading.Event()
        self.computed: list[int] = []

    def tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:  # noqa: ARG002
        if column == 1:
            self.started.set()
            assert self.go.wait(20)
        self.computed.append(column)
        if column == 0:
            self.go.set()
        return np.full((4, 4), column, "u1")


async def test_answers_come_as_they_are_done() -> None:
    source = encode_source(zarr.open(Slow(), mode="r"))
    slow = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 1}))
    await asyncio.sleep(0)
    assert await source["getItem"]("0/0.0", {"id": 2}) == bytes(16)
    assert await slow == bytes([1] * 16)


async def test_cancelled_requests_are_answered_with_none() -> None:
    store = Slow()
    source = encode_source(zarr.open(store, mode="r"))
    slow = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    other = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 8}))
    assert await asyncio.to_thread(store.started.wait, 20)
    await source["cancelItems"]([7, 999])
    assert await slow is None
    assert not other.done()
    store.go.set()
    assert await other == bytes([1] * 16)
    await source["cancelItems"]([8])  # too late, which is no error


async def test_a_caller_that_goes_away_cancels_its_request() -> None:
    store = Slow()
    source = encode_source(zarr.open(store, mode="r"))
    slow = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    assert await asyncio.to_thread(store.started.wait, 20)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    store.go.set()
