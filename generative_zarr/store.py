"""Zarr stores whose chunks are computed when they are read."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from generative_zarr import elsewhere, heap
from generative_zarr.channels import as_channels
from generative_zarr.keys import MAX_DEPTH, Address, ZarrFormat, chunk_key, parse_chunk_key
from generative_zarr.metadata import OME_KEYS, pyramid_metadata
from generative_zarr.read_only import ReadOnlyStore, byte_slice
from generative_zarr.single_flight import Cancellation, SingleFlight
from generative_zarr.validation import choice, codec, group_attributes, integer, pixel_type, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from typing import Self

    from numcodecs.abc import Codec
    from numpy.typing import DTypeLike, NDArray
    from zarr.abc.store import ByteRequest

    from generative_zarr.channels import Channel
    from generative_zarr.metadata import JSON, Sampling

__all__ = ["GenerativeStore"]

MAX_LEVELS = 1024
"""Most levels in the metadata: the scale of level L, 2**L, has to be a finite float64."""

_CONSTANTS = 16
"""Encoded constant chunks that a store keeps."""


class GenerativeStore(ReadOnlyStore):
    """A read-only Zarr store of an image pyramid whose chunks are computed when they are read.

    A subclass gives `tile`. The store gives everything else: OME-Zarr metadata, keys, encoding,
    a pool of threads, one computation for concurrent reads of one chunk, cancellation of
    computations nobody waits for, and both the interface of a Zarr store and that of a mapping.

    Level L has ``2**(levels - L)`` rows and columns of tiles. Level 0 is the finest in the
    metadata, and ``levels - 1``, of 2 x 2 tiles, the coarsest. Only metadata are listed, for
    chunks may be countless; reading a key that names no document and no chunk gives None. A chunk
    is a tile, with all of its channels.

    The store may be used from any number of threads and event loops. It can be pickled if what a
    subclass adds to it can be. Stores are equal when they are of one class and have equal
    attributes.

    Parameters
    ----------
    levels : int
        Number of levels in the metadata, 1 to 1024.
    tilesize : int
        Side of a tile, pixels, 1 to 2**15.
    dtype : dtype-like
        Type of a pixel: a bool, integer or floating-point type.
    compressor : numcodecs codec, optional
        Encodes the chunks. Default: none.
    zarr_format : {2, 3}
        2 (default) is read as OME-Zarr 0.4, 3 as OME-Zarr 0.5.
    sampling : {"center", "corner"}
        Where in the area of its pixel a sample lies. This decides how levels align.
    name : str
        Name of the image.
    attributes : mapping, optional
        More attributes of the group: JSON-able, and not those of OME-Zarr.
    floor : int
        Finest level that has chunks, 0 or below: chunks of levels below 0 can be read but have no
        metadata. At most 12000 levels in all.
    channels : sequence of Channel, optional
        What the first axis of a tile holds. Default: a tile has no such axis.
    executor : concurrent.futures.Executor, optional
        Where tiles are computed and encoded: a pool of threads, a `ProcessPoolExecutor`, Dask's
        ``client.get_executor(pure=False)``, an `MPIPoolExecutor`. What is computed is the same
        everywhere; in other processes a computation that has begun is not stopped when nobody
        waits for it any more, and tells no progress. It is not pickled with the store, nor
        compared. Default: threads that all stores share, one per processor.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described.
    """

    # The executor stays where it is: a pickled store, and one in another process, has none.
    _derived = frozenset({"_documents", "_chunks", "_encode_constant", "_recipe", "_executor"})
    _executor: Executor | None = None

    def __init__(
        self,
        *,
        levels: int,
        tilesize: int,
        dtype: DTypeLike,
        compressor: Codec | None = None,
        zarr_format: ZarrFormat = 2,
        sampling: Sampling = "center",
        name: str = "",
        attributes: Mapping[str, JSON] | None = None,
        floor: int = 0,
        channels: Sequence[Channel] | None = None,
        executor: Executor | None = None,
    ) -> None:
        super().__init__()
        self._levels = integer("levels", levels, 1, MAX_LEVELS)
        self._tilesize = integer("tilesize", tilesize, 1, 2**15)
        self._floor = integer("floor", floor, self._levels - MAX_DEPTH, 0)
        self._dtype = pixel_type(dtype)
        self._zarr_format = choice("zarr_format", zarr_format, (2, 3))
        self._sampling = choice("sampling", sampling, ("center", "corner"))
        self._compressor = codec(compressor, self._dtype)
        self._name = text("name", name)
        self._attributes = group_attributes(
            {} if attributes is None else attributes, OME_KEYS[self._zarr_format]
        )
        self._channels = as_channels(channels)
        self._executor = _checked_executor(executor)
        self._prepare()

    def _prepare(self) -> None:
        self._recipe: bytes | None = None
        self._documents = pyramid_metadata(
            levels=self._levels,
            tilesize=self._tilesize,
            dtype=self._dtype,
            compressor=self._compressor,
            zarr_format=self._zarr_format,
            sampling=self._sampling,
            name=self._name,
            attributes=self._attributes,
            channels=self._channels,
        )
        self._chunks = SingleFlight(self._start)
        self._encode_constant = lru_cache(_CONSTANTS)(self._encode_constant_uncached)

    @property
    def levels(self) -> int:
        """Number of levels."""
        return self._levels

    @property
    def tilesize(self) -> int:
        """Side of a chunk, pixels."""
        return self._tilesize

    @property
    def channels(self) -> tuple[Channel, ...] | None:
        """The channels of a tile; None where tiles have no axis for them."""
        return self._channels

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of a tile: (tilesize, tilesize), after the number of channels where there are."""
        planes = () if self._channels is None else (len(self._channels),)
        return (*planes, self._tilesize, self._tilesize)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return self._dtype

    @property
    def zarr_format(self) -> ZarrFormat:
        """Zarr format of keys and metadata."""
        return self._zarr_format

    @abstractmethod
    def tile(self, level: int, row: int, column: int) -> NDArray[Any]:
        """Compute the pixels of a tile.

        Called from several threads at once, never twice at once for the same tile. It may look at
        `generative_zarr.current_cancellation` now and then, and raise
        `concurrent.futures.CancelledError` when nobody waits for the tile any more. Where it takes
        long, `generative_zarr.report_progress` tells those who wait how far it is. It must not
        wait for another tile of a generative store: all share one pool of threads.

        Parameters
        ----------
        level, row, column : int
            A tile inside the pyramid; row 0 is the top.

        Returns
        -------
        ndarray, shape (tilesize, tilesize), or (channels, tilesize, tilesize)
            That is `tile_shape`, and of the store's dtype. A constant tile is best returned as
            ``np.broadcast_to(value, shape)``: it is encoded once per value.
        """

    def chunk_key(self, level: int, row: int, column: int) -> str:
        """Return the key of a tile.

        ``"39/0.1"``, or ``"39/c/0/1"`` in Zarr format 3; with channels ``"39/0.0.1"``, or
        ``"39/c/0/0/1"``.
        """
        return chunk_key(level, row, column, self._zarr_format, channels=self._channels is not None)

    def _address(self, key: object) -> Address | None:
        return parse_chunk_key(
            key,
            levels=self._levels,
            floor=self._floor,
            zarr_format=self._zarr_format,
            channels=self._channels is not None,
        )

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return a copy of this store; it cannot be made writable."""
        copied = super().with_read_only(read_only)
        copied._executor = self._executor  # noqa: SLF001 - of the same class
        return copied

    def _start(self, address: Address, cancellation: Cancellation) -> Future[bytes]:
        executor = _pool if self._executor is None else self._executor
        if isinstance(executor, ThreadPoolExecutor):
            # In this context, so that what is reported in there is heard.
            compute = partial(cancellation.run, self.encoded_tile, address)
            return executor.submit(copy_context().run, compute)
        if self._recipe is None:
            self._recipe = elsewhere.recipe(self)
        return executor.submit(elsewhere.encoded_tile, self._recipe, address)

    def encoded_tile(self, address: Address) -> bytes:
        """Compute a tile in this thread and return the bytes of its chunk."""
        tile = self.tile(*address)
        returned = (
            f"{tile.dtype.newbyteorder('=')} of shape {tile.shape}"
            if isinstance(tile, np.ndarray)
            else f"{tile!r:.100}"
        )
        expected = f"{self._dtype.newbyteorder('=')} of shape {self.tile_shape}"
        if returned != expected:
            msg = (
                f"tile{address} returned {returned}, expected {expected}; "
                f"correct {type(self).__name__}.tile"
            )
            raise ValueError(msg)
        if any(tile.strides):
            return self._encode(tile)
        return self._encode_constant(tile.flat[0].astype(self._dtype).tobytes())

    def _encode_constant_uncached(self, value: bytes) -> bytes:
        pixel = np.frombuffer(value, self._dtype)
        return self._encode(np.broadcast_to(pixel, self.tile_shape))

    def _encode(self, tile: NDArray[Any]) -> bytes:
        chunk = np.ascontiguousarray(tile, self._dtype)
        if self._compressor is None:
            return chunk.tobytes()
        encoded = bytes(self._compressor.encode(chunk))
        heap.note_encoded(chunk.nbytes)
        return encoded

    def decode(self, chunk: bytes) -> NDArray[Any]:
        """Return the pixels of a chunk's bytes: the inverse of `encoded_tile`."""
        pixels = chunk if self._compressor is None else self._compressor.decode(chunk)
        return np.frombuffer(pixels, self._dtype).reshape(self.tile_shape)

    async def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        value = self._documents.get(key)
        if value is None:
            address = self._address(key)
            if address is None:
                return None
            value = await self._chunks.result(address)
        return value if byte_range is None else value[byte_slice(len(value), byte_range)]

    def __getitem__(self, key: str) -> bytes:
        if key in self._documents:
            return self._documents[key]
        address = self._address(key)
        if address is None:
            raise KeyError(key)
        return self._chunks.result_sync(address)

    def __contains__(self, key: object) -> bool:
        return key in self._documents or self._address(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    async def exists(self, key: str) -> bool:
        """Return whether there is such a document or chunk; nothing is computed."""
        return key in self

    async def list(self) -> AsyncIterator[str]:
        """Yield the metadata keys."""
        for key in self._documents:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the metadata keys that begin with `prefix`."""
        for key in self._documents:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names of metadata keys and levels right under `prefix`."""
        folder = prefix.rstrip("/") + "/" if prefix else ""
        for name in dict.fromkeys(
            key.removeprefix(folder).split("/")[0]
            for key in self._documents
            if key.startswith(folder)
        ):
            yield name

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self._levels} levels of {self._dtype} tiles, "
            f"{self._tilesize} px, Zarr format {self._zarr_format}>"
        )


def _checked_executor(executor: object) -> Executor | None:
    if executor is None or isinstance(executor, Executor):
        return executor
    msg = (
        f"executor is {executor!r}, expected a concurrent.futures.Executor; "
        "for a Dask client pass client.get_executor(pure=False)"
    )
    raise TypeError(msg)


def _make_pool() -> None:
    """Make the threads that compute the tiles of all stores, one per processor."""
    global _pool  # noqa: PLW0603 - the one pool of the process
    _pool = ThreadPoolExecutor(
        os.cpu_count(), thread_name_prefix="tile", initializer=_yield_to_others
    )


def _yield_to_others() -> None:
    """Let everything else go before this thread: whoever waits for a tile looks and types, too.

    Measured, another client's cells while two cores compute tiles and more: median 38 ms without,
    22 ms with; 22 ms when no tile is computed.
    """
    if sys.platform == "linux":  # where each thread has a niceness of its own
        os.nice(_NICE)


_NICE = 5
_pool: ThreadPoolExecutor
_make_pool()
if hasattr(os, "register_at_fork"):  # not on Windows
    # A forked child has none of its parent's threads.
    os.register_at_fork(after_in_child=_make_pool)
