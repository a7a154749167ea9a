"""Picture files, written a stripe at a time."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mandelbrot_cli.errors import need

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    Stripes = Iterable[NDArray[np.uint8]]

__all__ = ["WRITERS"]

TILE = 256
"""Side of the squares in which pictures are computed and tiled, and rows of a stripe."""

CHUNK = 2 * TILE
"""Side of the chunks of an OME-Zarr image."""

SOME_CHUNKS = 8
SOME_ROWS = 64


def write_png(path: Path, size: tuple[int, int], stripes: Stripes, location: str) -> None:
    """Write a PNG file (third edition), its text "Location" as the viewer's screenshots have it.

    Parameters
    ----------
    path : Path
    size : (int, int)
        Width and height, pixels.
    stripes : iterable of ndarray of uint8, shape (rows, width, 3)
        From the top.
    location : str
        Where it is.
    """
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
        _chunk(file, b"iTXt", b"Location" + bytes(5) + location.encode())
        deflate = zlib.compressobj(6)
        for stripe in stripes:
            # Each row differenced from the one above it: filter 2, "up", except a stripe's first.
            rows = stripe.reshape(len(stripe), -1)
            filtered = rows.copy()
            filtered[1:] -= rows[:-1]
            for index, row in enumerate(filtered):
                data = deflate.compress((b"\x02" if index else b"\x00") + row.tobytes())
                if data:
                    _chunk(file, b"IDAT", data)
        _chunk(file, b"IDAT", deflate.flush())
        _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    body = kind + data
    file.write(struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body)))


def write_tiff(path: Path, size: tuple[int, int], stripes: Stripes, location: str) -> None:
    """Write a tiled TIFF file, BigTIFF where it may exceed 4 GB; as `write_png`."""
    need("render", "tifffile")
    import tifffile  # noqa: PLC0415 - an optional part

    def tiles() -> Any:  # noqa: ANN401 - of arrays, which its own types forget
        for stripe in stripes:
            for left in range(0, stripe.shape[1], TILE):
                yield stripe[:, left : left + TILE]

    width, height = size
    tifffile.imwrite(
        path,
        tiles(),
        shape=(height, width, 3),
        dtype="uint8",
        photometric="rgb",
        tile=(TILE, TILE),
        compression="zlib",
        description=f"Location\n{location}",
        metadata=None,
        bigtiff=width * height * 3 > 2**31,
    )


def write_zarr(path: Path, size: tuple[int, int], stripes: Stripes, location: str) -> None:
    """Write an OME-Zarr 0.4 image of the channels red, green and blue; as `write_png`.

    Its levels are halved until one is no larger than a chunk.
    """
    import zarr  # noqa: PLC0415 - `--help` needs none of it

    from generative_zarr.channels import Channel, omero  # noqa: PLC0415
    from generative_zarr.metadata import CHANNEL_AXES, multiscale  # noqa: PLC0415

    channels = Channel("red", "FF0000"), Channel("green", "00FF00"), Channel("blue", "0000FF")
    group = zarr.create_group(path, zarr_format=2)
    level = _Level(group, 0, *size)
    for stripe in stripes:
        level.add(stripe)
    description = multiscale(level.close(), "center", path.stem, CHANNEL_AXES)
    group.attrs.update(
        {
            "multiscales": [{"version": "0.4", **description}],
            "omero": omero(channels, np.dtype(np.uint8)),
            "location": location,
        }
    )
    zarr.consolidate_metadata(group.store)


class _Level:
    """A level of a picture, written a row of chunks at a time; it halves what it gets for the next.

    Of a whole picture no more is in memory than two rows of chunks, and halves of such.
    """

    def __init__(self, group: Any, index: int, width: int, height: int) -> None:  # noqa: ANN401 - a zarr.Group
        self._array = group.create_array(
            str(index),
            shape=(3, height, width),
            chunks=(3, CHUNK, CHUNK),
            dtype="uint8",
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        smaller = group, index + 1, (width + 1) // 2, (height + 1) // 2
        self._next = _Level(*smaller) if max(width, height) > CHUNK else None
        self._rows = np.empty((CHUNK, width, 3), np.uint8)
        self._filled = 0
        self._written = 0

    def add(self, rows: NDArray[np.uint8]) -> None:
        """Take the next rows, shape (rows, width, 3); all but the last of a picture fill chunks."""
        self._rows[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)
        if self._filled == CHUNK:
            self._write()

    def close(self) -> int:
        """Write what is left, and return the number of levels from here on."""
        if self._filled:
            self._write()
        return 1 if self._next is None else 1 + self._next.close()

    def _write(self) -> None:
        rows = self._rows[: self._filled]
        bottom = self._written + len(rows)
        # Some chunks at a time, for zarr makes copies of them.
        for left in range(0, rows.shape[1], SOME_CHUNKS * CHUNK):
            part = slice(left, left + SOME_CHUNKS * CHUNK)
            self._array[:, self._written : bottom, part] = np.moveaxis(rows[:, part], -1, 0)
        self._written, self._filled = bottom, 0
        if self._next is not None:
            for top in range(0, len(rows), SOME_ROWS):
                self._next.add(_halved(rows[top : top + SOME_ROWS]))


def _halved(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the means of 2 x 2 pixels; those at an odd border stand for their neighbours, too."""
    height, width, _ = rows.shape
    padded = np.pad(rows, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    means = padded.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, 3).mean((1, 3))
    halved: NDArray[np.uint8] = np.rint(means).astype(np.uint8)
    return halved


WRITERS = {".png": write_png, ".tif": write_tiff, ".tiff": write_tiff, ".zarr": write_zarr}
