"""Chunk keys and the tiles they name."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

__all__ = ["MAX_DEPTH", "Address", "ZarrFormat", "chunk_key", "parse_chunk_key"]

Address: TypeAlias = tuple[int, int, int]
"""(level, row, column) of a tile."""

ZarrFormat: TypeAlias = Literal[2, 3]

MAX_DEPTH = 12_000
"""Most halvings between the whole image and its finest level.

Python reads decimal integers of up to 4300 digits by default; a row number at this depth has up to
3613 of them.
"""

_NUMBER = "(0|[1-9][0-9]*)"
_LEVEL = "(0|-?[1-9][0-9]{0,5})"
_PATTERNS = {
    2: re.compile(rf"{_LEVEL}/{_NUMBER}\.{_NUMBER}"),
    3: re.compile(rf"{_LEVEL}/c/{_NUMBER}/{_NUMBER}"),
}
_TEMPLATES = {2: "{}/{}.{}", 3: "{}/c/{}/{}"}
# One chunk holds all channels: its index along their axis, the first, is 0.
_CHANNEL_PATTERNS = {
    2: re.compile(rf"{_LEVEL}/0\.{_NUMBER}\.{_NUMBER}"),
    3: re.compile(rf"{_LEVEL}/c/0/{_NUMBER}/{_NUMBER}"),
}
_CHANNEL_TEMPLATES = {2: "{}/0.{}.{}", 3: "{}/c/0/{}/{}"}
_MAX_KEY_LENGTH = 10_000


def chunk_key(
    level: int, row: int, column: int, zarr_format: ZarrFormat, *, channels: bool = False
) -> str:
    """Return the key of a tile: ``"39/0.1"`` in Zarr format 2, ``"39/c/0/1"`` in format 3.

    With an axis of `channels` before those of rows and columns: ``"39/0.0.1"``, ``"39/c/0/0/1"``.
    """
    templates = _CHANNEL_TEMPLATES if channels else _TEMPLATES
    return templates[zarr_format].format(level, row, column)


def parse_chunk_key(
    key: object, *, levels: int, floor: int, zarr_format: ZarrFormat, channels: bool = False
) -> Address | None:
    """Return the tile that a key names.

    Parameters
    ----------
    key : object
        Whatever somebody asked for.
    levels, floor : int
        Levels run from `floor` (finest) to ``levels - 1``; level L has ``2**(levels - L)`` rows
        and columns of tiles.
    zarr_format : {2, 3}
    channels : bool
        Whether there is an axis of channels, all of which are in each chunk.

    Returns
    -------
    (level, row, column) or None
        None when `key` is not exactly what `chunk_key` writes for a tile of the pyramid. The
        time this takes is bounded, whatever the key.
    """
    if not isinstance(key, str) or len(key) > _MAX_KEY_LENGTH:
        return None
    patterns = _CHANNEL_PATTERNS if channels else _PATTERNS
    match = patterns[zarr_format].fullmatch(key)
    if match is None:
        return None
    level = int(match[1])
    if not floor <= level < levels:
        return None
    depth = levels - level  # a row number is below 2**depth, so it has at most this many bits
    # Each decimal digit after the first carries more than 3 bits: no oversized number is parsed.
    if 3 * (max(len(match[2]), len(match[3])) - 1) > depth:
        return None
    row, column = int(match[2]), int(match[3])
    if max(row.bit_length(), column.bit_length()) > depth:
        return None
    return level, row, column
