"""A Zarr array or group as an ImJoy RPC interface: what zarr.js and vizarr v0.3 ask, and ours."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from zarr_over_imjoy.progress import ProgressTeller

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from zarr_over_imjoy.first_items import FirstItems

    Node = zarr.Array[Any] | zarr.Group

T = TypeVar("T")


@cache
def _zarr_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of zarr's synchronous API, to which a store's sessions are bound."""

    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    return sync(running())


async def _on_zarr_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a store's coroutine where stores expect to run; cancelling reaches it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, _zarr_loop()))


async def read_item(node: Node, key: str) -> bytes | None:
    """Read a value of a node's store; the key is relative to the node."""
    path = f"{node.path}/{key}" if node.path else key
    buffer = await _on_zarr_loop(node.store.get(path, default_buffer_prototype()))
    return None if buffer is None else buffer.to_bytes()


class _Reader:
    """One page's reads of one source; those it waits for can be cancelled."""

    def __init__(self, node: Node, first: FirstItems | None) -> None:
        self._node = node
        self._first = first
        self._waiting: dict[object, asyncio.Task[bytes | None]] = {}
        self.progress = ProgressTeller()

    async def get_item(self, key: str, options: Mapping[str, object] | None = None) -> bytes | None:
        request = (options or {}).get("id")
        if request is None:
            return await self._read(key)
        with self.progress.following(request):
            return await self._read_for(request, key)

    async def _read_for(self, request: object, key: str) -> bytes | None:
        task = self._waiting[request] = asyncio.ensure_future(self._read(key))
        try:
            return await task
        except asyncio.CancelledError:
            if request in self._waiting:  # not by the page: it is gone itself
                raise
            return None
        finally:
            self._waiting.pop(request, None)

    async def cancel_items(self, requests: Iterable[object]) -> None:
        for request in requests:
            if task := self._waiting.pop(request, None):
                task.cancel()

    async def contains_item(self, key: str, _options: object = None) -> bool:
        path = f"{self._node.path}/{key}" if self._node.path else key
        return await _on_zarr_loop(self._node.store.exists(path))

    async def _read(self, key: str) -> bytes | None:
        begun = self._first.take(key) if self._first else None
        return await (begun or read_item(self._node, key))


def _refuse(key: str, *_: object) -> NoReturn:
    msg = f"{key!r} cannot be changed: a viewer's source is read-only; write to it from Python"
    raise PermissionError(msg)


def encode_source(
    node: Node,
    first: FirstItems | None = None,
    items: Mapping[str, bytes | None] | None = None,
) -> dict[str, object]:
    """Encode a Zarr array or group as an interface that a page reads it through.

    Keys are relative to the node. Requests are answered as they finish, not as they came.

    Parameters
    ----------
    node
        Of any store, in Zarr format 2 or 3.
    first
        What of it is being read already.
    items
        What of it has been read already: values by key, None for those that are not there.

    Returns
    -------
    dict
        ``_rintf``, ``_rtype``, and what docs/protocol.md lists.
    """
    reader = _Reader(node, first)
    return {
        "_rintf": True,
        "_rtype": "zarr-array" if isinstance(node, zarr.Array) else "zarr-group",
        "items": {} if items is None else items,
        "getItem": reader.get_item,
        "containsItem": reader.contains_item,
        "cancelItems": reader.cancel_items,
        "onProgress": reader.progress.listen,
        "setItem": _refuse,
        "deleteItem": _refuse,
    }


CODECS = (
    {"name": "zarr-array", "type": zarr.Array, "encoder": encode_source},
    {"name": "zarr-group", "type": zarr.Group, "encoder": encode_source},
)
"""What ImJoy's ``api.registerCodec`` takes."""
