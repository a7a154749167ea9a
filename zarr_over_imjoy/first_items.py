"""What a page will ask for first, read while the page itself is still being loaded."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import zarr

from generative_zarr.progress import current_listener, progress_listener
from imjoy_host.loop import call_soon, host_loop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator

    from generative_zarr.progress import ProgressListener

    Node = zarr.Array[Any] | zarr.Group
    Read = Callable[[str], Coroutine[Any, Any, bytes | None]]

MOST_CHUNKS = 4
MOST_BYTES = 2**24
"""A coarsest level that is larger, decoded, is left for the page to ask for."""

DOCUMENTS = {2: (".zmetadata", ".zgroup", ".zarray", ".zattrs"), 3: (".zmetadata", "zarr.json")}
"""What readers of a node look for, whichever of them there are."""
_ALL_DOCUMENTS = {name for names in DOCUMENTS.values() for name in names}


@dataclass(slots=True)
class _Reading:
    task: asyncio.Task[bytes | None] = field(init=False)
    listener: ProgressListener | None = None

    def tell(self, done: float, total: float) -> None:
        if self.listener is not None:
            self.listener(done, total)

    @property
    def is_done(self) -> bool:
        task = self.task
        return task.done() and not task.cancelled() and task.exception() is None


class FirstItems:
    """Reads a source's metadata and coarsest chunks at once, and hands each out once.

    Whoever takes an item that is still being read waits for that same reading. Sources that can be
    written to are left alone: a page is to see them as they are when it asks.

    Parameters
    ----------
    node
        The source.
    read
        Reads a key, relative to the node.
    chunks
        Whether chunks are read, or metadata only.
    """

    def __init__(self, node: Node, read: Read, *, chunks: bool = True) -> None:
        self._readings: dict[str, _Reading] = {}
        if node.read_only:
            call_soon(self._start, node, read, chunks)

    def _start(self, node: Node, read: Read, chunks: bool) -> None:  # noqa: FBT001 # call_soon's
        for key in itertools.chain(
            DOCUMENTS[node.metadata.zarr_format], _coarsest_chunks(node) if chunks else ()
        ):
            reading = self._readings[key] = _Reading()
            with progress_listener(reading.tell):
                reading.task = host_loop().create_task(read(key))
            reading.task.add_done_callback(_look_at)

    def take(self, key: str) -> asyncio.Task[bytes | None] | None:
        """Return the reading of a key, once; None when nobody began one.

        Who listens to progress in the caller's context hears how far it is from now on. A page
        that asks for another chunk passes over those that are still being read: they are given up,
        for whatever it waits for waits behind them.
        """
        reading = self._readings.pop(key, None)
        if reading is None:
            if key.rpartition("/")[2] not in _ALL_DOCUMENTS:
                self._drop()
            return None
        reading.listener = current_listener()
        return reading.task

    def take_done(self) -> dict[str, bytes | None]:
        """Return what has been read by now, absent values among it. On the host's loop."""
        done = [key for key, reading in self._readings.items() if reading.is_done]
        return {key: self._readings.pop(key).task.result() for key in done}

    def drop(self) -> None:
        """Give up what is still being read; from any thread."""
        call_soon(self._drop)

    def _drop(self) -> None:
        for key in [key for key, reading in self._readings.items() if not reading.task.done()]:
            self._readings.pop(key).task.cancel()


def _look_at(task: asyncio.Task[Any]) -> None:
    """Take note of an error, which whoever asks for the item will meet."""
    if not task.cancelled():
        task.exception()


def _coarsest_chunks(node: Node) -> Iterator[str]:
    """Yield the keys of the chunks of an image's coarsest level, where they are few and small."""
    folder = ""
    if isinstance(node, zarr.Group):
        consolidated = node.metadata.consolidated_metadata
        path = _coarsest_path(dict(node.attrs))
        if consolidated is None or path not in consolidated.metadata:
            return  # finding out would be reading
        folder, node = f"{path}/", node[path]
    if not isinstance(node, zarr.Array) or node.shards is not None:
        return
    counts = node.cdata_shape
    size = math.prod(counts) * math.prod(node.chunks) * node.dtype.itemsize
    if math.prod(counts) <= MOST_CHUNKS and size <= MOST_BYTES:
        for index in itertools.product(*map(range, counts)):
            yield folder + node.metadata.encode_chunk_key(index)


def _coarsest_path(attributes: dict[str, Any]) -> str | None:
    try:
        multiscales = attributes.get("ome", attributes)["multiscales"]
        return str(multiscales[0]["datasets"][-1]["path"])
    except (LookupError, TypeError):
        return None
