"""What all stores of this package share: they are read-only, and they are also mappings."""

from __future__ import annotations

import asyncio
import copy
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, overload

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Self

__all__ = ["ReadOnlyStore", "byte_slice"]

T = TypeVar("T")


def byte_slice(nbytes: int, byte_range: ByteRequest | None) -> slice:
    """Return the part of a value of `nbytes` bytes that a byte range asks for."""
    match byte_range:
        case None:
            return slice(0, nbytes)
        case RangeByteRequest():
            return slice(byte_range.start, byte_range.end)
        case OffsetByteRequest():
            return slice(byte_range.offset, nbytes)
        case SuffixByteRequest():
            return slice(max(0, nbytes - byte_range.suffix), nbytes)
    msg = (
        f"Unexpected byte_range, got {byte_range!r}; expected None, "
        "RangeByteRequest, OffsetByteRequest or SuffixByteRequest"
    )
    raise TypeError(msg)


class ReadOnlyStore(Store, Mapping[str, bytes]):
    """A Zarr store that is also a read-only mapping of keys to bytes.

    As a `zarr.abc.store.Store` it is asynchronous: ``await store.get(key, prototype)``. As a
    `Mapping` it is synchronous, and may be used from any thread, inside a running event loop too:
    ``store[key]``, ``key in store``, ``list(store)``, and ``store.get(key, default=None)``, which
    is what `get` means when it is called without a buffer prototype.

    Writing and deleting raise the `ValueError` of every read-only Zarr store.
    """

    # Like zarr's own stores: equal by parameters, hence not hashable.
    __hash__ = None  # type: ignore[assignment]

    _derived: ClassVar[frozenset[str]]
    """Names of the attributes that `_prepare` sets."""

    def __init__(self) -> None:
        super().__init__(read_only=True)

    @abstractmethod
    def _prepare(self) -> None:
        """Set up the attributes that follow from the others: not pickled, not compared."""

    @abstractmethod
    async def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        """Return the value of `key`, or a range of it; None when there is none."""

    @overload
    def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Coroutine[Any, Any, Buffer | None]: ...
    @overload
    def get(self, key: str) -> bytes | None: ...
    @overload
    def get(self, key: str, default: bytes | T, /) -> bytes | T: ...
    @overload
    def get(self, key: str, *, default: bytes | T) -> bytes | T: ...
    def get(
        self,
        key: str,
        prototype: object = None,
        byte_range: ByteRequest | None = None,
        *,
        default: object = None,
    ) -> object:
        """Return the value of a key.

        ``get(key, prototype, byte_range=None)`` is `Store.get`: a coroutine of a buffer or None.
        ``get(key, default=None)`` is `Mapping.get`: bytes, at once.
        """
        if isinstance(prototype, BufferPrototype):
            return self._get_buffer(key, prototype, byte_range)
        return super(Store, self).get(key, default if prototype is None else prototype)

    async def _get_buffer(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer | None:
        value = await self._read(key, byte_range)
        return None if value is None else prototype.buffer.from_bytes(value)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return values or ranges of values, read concurrently, in the order asked for."""
        reads = (self.get(key, prototype, byte_range) for key, byte_range in key_ranges)
        return await asyncio.gather(*reads)

    def with_read_only(self, read_only: bool = False) -> Self:  # noqa: FBT001, FBT002 - zarr's signature
        """Return a copy of this store; it cannot be made writable."""
        if not read_only:
            super().with_read_only(read_only)  # raises zarr's own NotImplementedError
        return copy.copy(self)

    async def _ensure_open(self) -> None:
        # Not the inherited one, which fails when two threads open the store at once.
        self._is_open = True

    def __getstate__(self) -> dict[str, Any]:
        derived = {"_is_open", *self._derived}
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _is_open=False)
        self._prepare()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__getstate__() == self.__getstate__()

    @property
    def supports_writes(self) -> bool:
        """False."""
        return False

    @property
    def supports_deletes(self) -> bool:
        """False."""
        return False

    @property
    def supports_listing(self) -> bool:
        """True."""
        return True

    def _refuse(self) -> NoReturn:
        self._check_writable()
        raise AssertionError  # unreachable: the store is read-only

    async def set(self, key: str, value: Buffer) -> NoReturn:  # noqa: ARG002 - refused
        """Raise `ValueError`: the store is read-only."""
        self._refuse()

    async def set_if_not_exists(self, key: str, value: Buffer) -> NoReturn:  # noqa: ARG002 - refused
        """Raise `ValueError`: the store is read-only."""
        self._refuse()

    async def delete(self, key: str) -> NoReturn:  # noqa: ARG002 - refused
        """Raise `ValueError`: the store is read-only."""
        self._refuse()

    async def delete_dir(self, prefix: str) -> NoReturn:  # noqa: ARG002 - refused
        """Raise `ValueError`: the store is read-only."""
        self._refuse()

    async def clear(self) -> None:
        """Raise `ValueError`: the store is read-only."""
        self._refuse()
