"""A zoom to a place as a movie. Its key frames are levels of one pyramid, each computed once."""

from __future__ import annotations

import asyncio
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from generative_zarr.store import MAX_LEVELS
from mandelbrot_cli.location import halvings_of
from mandelbrot_cli.pictures import TILE
from mandelbrot_cli.work import chunk, do_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from mandelbrot_cli.colours import Colouring
    from mandelbrot_cli.location import Location
    from mandelbrot_cli.parts import Parts
    from mandelbrot_store import MandelbrotStore

__all__ = ["KeyFrames", "compute", "pyramid_of", "write_movie"]

SAMPLE_STEP = 8
"""Of a key frame's counts every 8th, across and down, takes part in choosing the colours."""


class KeyFrames:
    """The key frames of a zoom.

    Key frame k is as wide as the last frame of the movie times 2**k, and has twice its pixels
    across and down. A frame of any width between two key frames is a part of the wider one,
    reduced, in whose middle the narrower one appears.

    Parameters
    ----------
    start, end : Fraction
        Widths of the first and last frame.
    size : (int, int)
        Of a frame, pixels.
    """

    def __init__(self, start: Fraction, end: Fraction, size: tuple[int, int]) -> None:
        self.size = size
        self.halvings = halvings_of(start / end)
        self.count = math.ceil(self.halvings) + 1
        width, height = size
        # Tiles from the middle of a key frame to its border: it is 2 width by 2 height pixels.
        self._reach = math.ceil(width / TILE), math.ceil(height / TILE)
        deepest = self.count + math.ceil(math.log2(max(self._reach)))
        self.levels = min(deepest, MAX_LEVELS)
        self.finest = self.levels - deepest
        self.side = end / (2 * width) * TILE * 2**deepest

    def tiles(self) -> Iterator[tuple[int, int, int]]:
        """Yield the tiles of all key frames, the widest's first: key frame, row, column.

        Rows and columns are counted from the middle, where four tiles meet.
        """
        across, down = self._reach
        for key in reversed(range(self.count)):
            for row in range(-down, down):
                for column in range(-across, across):
                    yield key, row, column

    @property
    def tile_count(self) -> int:
        """How many tiles there are."""
        across, down = self._reach
        return self.count * 4 * across * down

    def address(self, key: int, row: int, column: int) -> tuple[int, int, int]:
        """Return the level, row and column of a tile in the pyramid."""
        level = self.finest + key
        middle = 2 ** (self.levels - level) // 2
        return level, middle + row, middle + column

    def counts(self, key: int, parts: Parts) -> NDArray[Any]:
        """Put the counts of a key frame together: shape (2 height, 2 width)."""
        across, down = self._reach
        tiles = [
            [parts.read(_name(key, row, column)) for column in range(-across, across)]
            for row in range(-down, down)
        ]
        width, height = self.size
        left, top = across * TILE - width, down * TILE - height
        return np.block(tiles)[top : top + 2 * height, left : left + 2 * width]

    def sample(self, parts: Parts) -> NDArray[Any]:
        """Return some counts of every key frame."""
        return np.stack(
            [self.counts(key, parts)[::SAMPLE_STEP, ::SAMPLE_STEP] for key in range(self.count)]
        )

    def frames(self, number: int, parts: Parts, colouring: Colouring) -> Iterator[Image.Image]:
        """Yield the frames of the movie: each is narrower than the one before by one factor."""
        from PIL import Image  # noqa: PLC0415 - an optional part

        @lru_cache(2)
        def picture(key: int) -> Image.Image:
            return Image.fromarray(colouring.colours(self.counts(key, parts)))

        for index in range(number):
            halvings = self.halvings * (1 - index / (number - 1))
            key = math.ceil(halvings)
            frame = _part(picture(key), self.size, key - halvings, (0, 0, *self.size))
            if key > halvings:
                finer = key - 1 - halvings
                area = _inside(self.size, finer)
                middle = _part(picture(key - 1), self.size, finer, area)
                place = area[:2]
                below = frame.crop(area)
                frame.paste(Image.blend(below, middle, _smooth(key - halvings)), place)
            yield frame


def pyramid_of(
    keys: KeyFrames,
    location: Location,
    **parameters: Any,  # noqa: ANN401 - the store's own
) -> MandelbrotStore:
    """Return the store that has the key frames as the middles of its levels."""
    from mandelbrot_store import MandelbrotStore  # noqa: PLC0415 - `--help` needs none of it

    return MandelbrotStore(
        keys.levels, TILE, center=location.center, width=keys.side, floor=keys.finest, **parameters
    )


async def compute(
    keys: KeyFrames,
    store: MandelbrotStore,
    parts: Parts,
    bar: Any,  # noqa: ANN401 - tqdm has no types
    at_a_time: int,
) -> None:
    """Compute the tiles of all key frames that are not there yet."""

    async def work(tile: tuple[int, int, int]) -> None:
        name = _name(*tile)
        if name not in parts:
            counts = store.decode(await chunk(store, *keys.address(*tile)))
            await asyncio.to_thread(parts.keep, name, counts)
        bar.update()

    await do_all(keys.tiles(), work, at_a_time)


def _name(key: int, row: int, column: int) -> str:
    return f"{key}.{row}.{column}"


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)


def _inside(size: tuple[int, int], halvings: float) -> tuple[int, int, int, int]:
    """Return the pixels of a frame that a picture covers which is narrower by so many halvings."""
    left, top = (math.ceil(side / 2 * (1 - 2.0**halvings)) for side in size)
    return left, top, size[0] - left, size[1] - top


def _part(
    picture: Image.Image, size: tuple[int, int], halvings: float, area: tuple[int, int, int, int]
) -> Image.Image:
    """Draw an area of a frame that is narrower than a key frame by so many halvings."""
    from PIL import Image  # noqa: PLC0415 - an optional part

    # Pixels of the key frame, which has twice as many, per pixel of the frame.
    scale = 2 * 2.0**-halvings
    middles = [side / 2 for side in size]
    box = [
        side + (edge - middle) * scale
        for edge, side, middle in zip(area, [*size] * 2, middles * 2, strict=True)
    ]
    left, top, right, bottom = area
    return picture.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box=tuple(box))


def write_movie(path: Path, frames: Iterable[Image.Image], rate: int, location: str) -> None:
    """Write frames as an MP4 file (H.264), with the location as its comment.

    Parameters
    ----------
    path : Path
    frames : iterable of PIL.Image.Image
        All of one size, of even sides.
    rate : int
        Frames per second.
    location : str
        Where it ends.
    """
    import av  # noqa: PLC0415 - an optional part

    with av.open(path, "w", format="mp4") as container:
        container.metadata["comment"] = location
        stream = None
        for image in frames:
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
                stream.width, stream.height, stream.pix_fmt = *image.size, "yuv420p"
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
