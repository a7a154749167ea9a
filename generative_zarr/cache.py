"""A cache in memory before any Zarr store."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from cachetools import LRUCache
from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer.cpu import buffer_prototype
from zarr.core.sync import _get_loop, sync

from generative_zarr.read_only import ReadOnlyStore, byte_slice
from generative_zarr.single_flight import Cancellation, SingleFlight
from generative_zarr.validation import integer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
    from concurrent.futures import Future

__all__ = ["LRUStoreCache"]

T = TypeVar("T")
_Request: TypeAlias = tuple[str, ByteRequest | None]


class LRUStoreCache(ReadOnlyStore):
    """Keeps the values most recently read from a Zarr store in memory.

    Concurrent reads of one key are one read of the store below. A byte range is served from the
    whole value when that is cached; otherwise the range is read, and cached, as itself, so that
    reading a shard's index never loads the shard. Empty values, values larger than `max_size` and
    the absence of a value are not kept.

    The cache is read-only whatever the store below is. Values that change below are seen after
    `clear`. It may be used from any number of threads and event loops; the store below is always
    called in the event loop of Zarr's synchronous interface. A pickled cache comes back empty.

    Parameters
    ----------
    store : zarr.abc.store.Store
        The store below.
    max_size : int
        Most bytes of values to keep, at least 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described.
    """

    _derived = frozenset({"_lock", "_values", "_reads", "_hits", "_misses"})

    def __init__(self, store: Store, max_size: int) -> None:
        super().__init__()
        if not isinstance(store, Store):
            msg = (
                f"store is {store!r}, expected a zarr.abc.store.Store; "
                "wrap a dict in zarr.storage.MemoryStore, a path in zarr.storage.LocalStore"
            )
            raise TypeError(msg)
        self._store = store
        self._max_size = integer("max_size", max_size, 1)
        self._prepare()

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    @property
    def store(self) -> Store:
        """The store below."""
        return self._store

    @property
    def max_size(self) -> int:
        """Most bytes of values to keep."""
        return self._max_size

    @property
    def nbytes(self) -> int:
        """Bytes of values now kept."""
        with self._lock:
            return int(self._values.currsize)

    @property
    def hits(self) -> int:
        """Reads that were answered from memory."""
        return self._hits

    @property
    def misses(self) -> int:
        """Reads that waited for the store below, alone or together with others."""
        return self._misses

    # zarr's own `clear` deletes the data, which a read-only store could only refuse.
    def clear(self) -> None:  # type: ignore[override]  # see above
        """Forget all values, and count hits and misses from zero. The store below keeps its own."""
        # Reads under way may have seen old values. They end in the objects replaced here.
        with self._lock:
            self._values: LRUCache[_Request, bytes] = LRUCache(self._max_size, getsizeof=len)
            self._reads = SingleFlight(self._start)
            self._hits = self._misses = 0

    def _lookup(self, request: _Request) -> bytes | None:
        """Return what is cached for a request, counting a hit or a miss."""
        key, byte_range = request
        with self._lock:
            value = self._values.get((key, None))
            if byte_range is not None:
                if value is None:
                    value = self._values.get(request)
                else:
                    value = value[byte_slice(len(value), byte_range)]
            self._hits += value is not None
            self._misses += value is None
        return value

    def _start(self, request: _Request, _cancellation: Cancellation) -> Future[bytes | None]:
        # Cancelling the future cancels the read in its event loop.
        read = self._read_below(request, self._values)
        return asyncio.run_coroutine_threadsafe(read, _get_loop())

    async def _read_below(
        self, request: _Request, values: LRUCache[_Request, bytes]
    ) -> bytes | None:
        with self._lock:
            # An earlier read may have ended between the caller's look-up and this read's start.
            early = values.get(request)
        if early is not None:
            return early
        await self._store._ensure_open()  # noqa: SLF001 - what zarr's own callers do
        key, byte_range = request
        buffer = await self._store.get(key, buffer_prototype, byte_range)
        if buffer is None:
            return None
        value = buffer.to_bytes()
        if 0 < len(value) <= self._max_size:
            with self._lock:
                values[request] = value
        return value

    async def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        request = key, byte_range
        value = self._lookup(request)
        return await self._reads.result(request) if value is None else value

    def __getitem__(self, key: str) -> bytes:
        if not isinstance(key, str):
            raise KeyError(key)
        request = key, None
        value = self._lookup(request)
        if value is None:
            _check_may_block()
            value = self._reads.result_sync(request)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and sync(self.exists(key))

    def __iter__(self) -> Iterator[str]:
        return iter(sync(_collect(self._store.list())))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    async def exists(self, key: str) -> bool:
        """Return whether there is a value for `key`, without reading it."""
        with self._lock:
            if (key, None) in self._values:
                return True
        return await _below(self._store.exists(key))

    async def getsize(self, key: str) -> int:
        """Return the size of a value, bytes: of the one kept, else as the store below knows it."""
        with self._lock:
            value = self._values.get((key, None))
        if value is not None:
            return len(value)
        return await _below(self._store.getsize(key))

    @property
    def supports_listing(self) -> bool:
        """Whether the store below can list its keys."""
        return self._store.supports_listing

    async def list(self) -> AsyncIterator[str]:
        """Yield the keys of the store below."""
        for key in await _below(_collect(self._store.list())):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys of the store below that begin with `prefix`."""
        for key in await _below(_collect(self._store.list_prefix(prefix))):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names right under `prefix` in the store below."""
        for name in await _below(_collect(self._store.list_dir(prefix))):
            yield name

    def close(self) -> None:
        """Close this store and the store below."""
        super().close()
        self._store.close()

    def __repr__(self) -> str:
        return f"<LRUStoreCache: {self.nbytes} of {self._max_size} bytes, before {self._store!r}>"


async def _below(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the store below in the event loop that such stores are used in."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, _get_loop()))


async def _collect(items: AsyncIterator[T]) -> Sequence[T]:
    return [item async for item in items]


def _check_may_block() -> None:
    """Refuse to block the very event loop that would have to do the work."""
    try:
        blocked = asyncio.get_running_loop() is _get_loop()
    except RuntimeError:
        blocked = False
    if blocked:
        msg = (
            "a synchronous read of LRUStoreCache in Zarr's own event loop, which would wait for "
            "itself; expected any other thread or loop; use `await store.get(key, prototype)`"
        )
        raise RuntimeError(msg)
