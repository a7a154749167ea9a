"""A Zarr array or group as an ImJoy RPC interface: what zarr.js and vizarr v0.3 ask, and ours."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

T = TypeVar("T")


@cache
def _zarr_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of zarr's synchronous API, to which a store's sessions are bound."""

    async def running() -> asyncio.AbstractEventLoop:  # noqa: RUF029 # it has to run in the loop
        return asyncio.get_running_loop()

    return sync(running())


async def _on_zarr_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a store's coroutine where stores expect to run; cancelling reaches it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, _zarr_loop()))


def encode_source(node: zarr.Array[Any] | zarr.Group) -> dict[str, Any]:
    """Encode a Zarr array or group as an interface that a page reads it through.

    Keys are relative to the node. Requests are answered as they finish, not as they came.

    Parameters
    ----------
    node
        Of any store, in Zarr format 2 or 3.

    Returns
    -------
    dict
        ``_rintf``, ``_rtype``, and the functions that docs/protocol.md lists.
    """
    store = node.store
    prefix = f"{node.path}/" if node.path else ""
    waiting: dict[object, asyncio.Task[bytes | None]] = {}

    async def read(key: str) -> bytes | None:
        buffer = await _on_zarr_loop(store.get(prefix + key, default_buffer_prototype()))
        return None if buffer is None else buffer.to_bytes()

    async def get_item(key: str, options: dict[str, Any] | None = None) -> bytes | None:
        task = asyncio.ensure_future(read(key))
        request = (options or {}).get("id")
        if request is None:
            return await task
        waiting[request] = task
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and request not in waiting:
                return None  # by cancel_items: the page waits no more
            raise
        finally:
            waiting.pop(request, None)

    async def cancel_items(requests: Iterable[object]) -> None:  # noqa: RUF029 # beside get_item
        for request in requests:
            if task := waiting.pop(request, None):
                task.cancel()

    async def contains_item(key: str, options: object = None) -> bool:  # noqa: ARG001
        return await _on_zarr_loop(store.exists(prefix + key))

    def refuse(key: str, *_: object) -> NoReturn:
        msg = f"{key!r} cannot be changed: a viewer's source is read-only; write to it from Python"
        raise PermissionError(msg)

    return {
        "_rintf": True,
        "_rtype": "zarr-array" if isinstance(node, zarr.Array) else "zarr-group",
        "getItem": get_item,
        "containsItem": contains_item,
        "cancelItems": cancel_items,
        "setItem": refuse,
        "deleteItem": refuse,
    }


CODECS = (
    {"name": "zarr-array", "type": zarr.Array, "encoder": encode_source},
    {"name": "zarr-group", "type": zarr.Group, "encoder": encode_source},
)
"""What ImJoy's ``api.registerCodec`` takes."""
