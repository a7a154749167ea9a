"""Byte ranges, as HTTP writes them (RFC 9110, section 14) and as Zarr does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest

__all__ = ["content_range", "parse_range"]

_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*")


def parse_range(header: str | None) -> ByteRequest | None:
    """Return the range that a ``Range`` header asks for.

    Returns
    -------
    ByteRequest or None
        None where the whole is to be sent: there is no header, it is not understood, or it asks
        for several ranges.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if first and last:
        start, end = int(first), int(last) + 1
        return RangeByteRequest(start, end) if start < end else None
    if first:
        return OffsetByteRequest(int(first))
    return SuffixByteRequest(int(last)) if last else None


def content_range(wanted: ByteRequest, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last of a range in a value of `size` bytes.

    Returns
    -------
    (int, int) or None
        None where the value has no byte of the range.
    """
    if isinstance(wanted, SuffixByteRequest):
        start, end = max(0, size - wanted.suffix), size
    elif isinstance(wanted, RangeByteRequest):
        start, end = wanted.start, min(wanted.end, size)
    else:
        start, end = wanted.offset, size
    return (start, end) if start < end else None
