"""Picture files, written a stripe at a time."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from mandelbrot_cli.errors import need

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray

    Stripes = Iterable[NDArray[np.uint8]]

__all__ = ["WRITERS"]

TILE = 256


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


WRITERS = {".png": write_png, ".tif": write_tiff, ".tiff": write_tiff}
