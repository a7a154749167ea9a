"""``mandelbrot render``: a picture of any size, in little memory."""

from __future__ import annotations

import asyncio
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generative_zarr.keys import MAX_DEPTH
from mandelbrot.plane import exact, exact_text
from mandelbrot_cli.colours import add_colour_options, colouring_of
from mandelbrot_cli.errors import InputError, need
from mandelbrot_cli.location import WHOLE, location_text, parse_location
from mandelbrot_cli.options import add_count_options, checked, count
from mandelbrot_cli.parts import Parts
from mandelbrot_cli.pictures import TILE, WRITERS
from mandelbrot_cli.work import add_scheduler_option, chunk, computers, do_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from fractions import Fraction

    from numpy.typing import NDArray

    from mandelbrot_cli.colours import Colouring
    from mandelbrot_cli.location import Location
    from mandelbrot_store import MandelbrotStore

__all__ = ["add_parser", "run"]

PREVIEW = 256
"""Side of the sample from which limits and histogram are taken, pixels."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "render",
        help="draw a picture of any size, or a movie",
        description="Draw a place as a PNG, TIFF or OME-Zarr image, tile by tile, in little "
        "memory; or zoom to it in a movie.",
        epilog="What is interrupted goes on where it stopped when the same command is given "
        "again; until it is complete, its tiles are kept in OUT.part.",
    )
    parser.add_argument(
        "location",
        metavar="LOCATION",
        type=checked(parse_location),
        help="such as '-0.7436 + 0.1318i, 1e-5', or the lines of a .kfr file",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="a .png, .tif or .zarr file; with --zoom-movie a .mp4 file",
    )
    parser.add_argument(
        "--size",
        type=checked(_size),
        default=(1920, 1080),
        metavar="WxH",
        help="pixels (default: 1920x1080)",
    )
    parser.add_argument(
        "--supersampling",
        type=count(1, 8),
        default=2,
        metavar="N",
        help="N x N samples a pixel (default: %(default)s; a movie's frames have 2 to 4)",
    )
    movie = parser.add_argument_group("a movie")
    movie.add_argument("--zoom-movie", action="store_true", help="zoom to the place")
    movie.add_argument(
        "--from",
        dest="start",
        type=checked(_positive),
        metavar="WIDTH",
        help="of the first frame (default: the whole set)",
    )
    movie.add_argument(
        "--speed",
        type=checked(_positive),
        default=1,
        metavar="N",
        help="halvings of the width a second (default: %(default)s)",
    )
    movie.add_argument(
        "--fps",
        type=count(1, 240),
        default=30,
        metavar="N",
        help="frames a second (default: %(default)s)",
    )
    add_colour_options(parser)
    add_scheduler_option(parser)
    add_count_options(parser)
    parser.set_defaults(run=run, goes_on=True)


def run(options: argparse.Namespace) -> int:
    """Draw it."""
    out: Path = options.out
    suffixes = [".mp4"] if options.zoom_movie else list(WRITERS)
    if out.suffix.lower() not in suffixes:
        msg = f"{out} ends in {out.suffix!r}, expected {' or '.join(suffixes)}; rename it"
        if out.suffix.lower() == ".mp4":
            msg += ", or ask for a movie with --zoom-movie"
        raise InputError(msg)
    return _movie(options) if options.zoom_movie else _picture(options)


def _picture(options: argparse.Namespace) -> int:
    need("render", "tqdm", "tifffile")
    from tqdm import tqdm  # noqa: PLC0415 - an optional part

    location = options.location.on(*options.size)
    text = location_text(location)
    with computers(options.scheduler) as (executor, at_a_time):
        store = _samples(location, options, executor)
        colouring = colouring_of(options, _preview(location, options))
        described = colouring._asdict() | {"shares": None}  # they follow from the rest
        parts = Parts(
            options.out,
            [text, options.size, options.supersampling, options.precision, described],
        )
        drawing = _Drawing(store, options, colouring, parts)
        with tqdm(total=drawing.tiles, unit="tile", desc=str(options.out)) as bar:
            asyncio.run(drawing.draw(bar, at_a_time))
    write = WRITERS[options.out.suffix.lower()]
    with tqdm(total=drawing.rows, unit="row", desc=f"writing {options.out}") as bar:
        write(parts.unfinished, options.size, drawing.stripes(bar), text)
    parts.finish()
    return 0


def _movie(options: argparse.Namespace) -> int:
    need("movie", "tqdm", "av", "PIL")
    from tqdm import tqdm  # noqa: PLC0415 - an optional part

    from mandelbrot_cli.movie import KeyFrames, compute, pyramid_of, write_movie  # noqa: PLC0415

    width, height = options.size
    if width % 2 or height % 2:
        msg = f"--size is {width}x{height}, expected even numbers for a movie; add a pixel"
        raise InputError(msg)
    location = options.location.on(width, height)
    start = options.start or exact(WHOLE, "width") * width / min(width, height)
    if start <= location.width:
        msg = (
            f"the movie would begin at a width of {exact_text(start):.30}, expected more than the "
            "place's own, at which it ends; choose another with --from"
        )
        raise InputError(msg)
    text = location_text(location)
    keys = KeyFrames(start, location.width, options.size)
    if keys.levels - keys.finest > MAX_DEPTH:
        msg = (
            f"the movie would go {keys.halvings:.0f} halvings deep, more than a pyramid has "
            f"({MAX_DEPTH}, less those of a frame); begin further in with --from"
        )
        raise InputError(msg)
    parts = Parts(
        options.out, [text, exact_text(start), options.size, options.maxiter, options.precision]
    )
    with computers(options.scheduler) as (executor, at_a_time):
        store = pyramid_of(
            keys,
            location,
            maxiter=options.maxiter,
            precision=options.precision,
            executor=executor,
        )
        with tqdm(total=keys.tile_count, unit="tile", desc="key frames") as bar:
            asyncio.run(compute(keys, store, parts, bar, at_a_time))
    # One for all frames: what has a count has its colour from the first frame to the last.
    colouring = colouring_of(options, keys.sample(parts))
    number = max(2, round(keys.halvings / float(options.speed) * options.fps) + 1)
    frames = tqdm(
        keys.frames(number, parts, colouring), total=number, unit="frame", desc=str(options.out)
    )
    write_movie(parts.unfinished, frames, options.fps, text)
    parts.finish()
    return 0


def _positive(text: str) -> Fraction:
    try:
        number = exact(text, "number")
    except ValueError:
        number = None
    if number is None or number <= 0:
        msg = f"{text!r}: expected a number above 0"
        raise ValueError(msg)
    return number


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9][0-9]{0,6})[x×]([1-9][0-9]{0,6})", text.strip().lower())
    if match is None:
        msg = f"{text!r}: expected width and height in pixels, such as 1920x1080"
        raise ValueError(msg)
    return int(match[1]), int(match[2])


def _samples(
    location: Location, options: argparse.Namespace, executor: Executor | None
) -> MandelbrotStore:
    """Return a store whose level 0 has the picture's samples, the first ones in its corner."""
    from mandelbrot_store import MandelbrotStore  # noqa: PLC0415 - `--help` needs none of it

    width, height = options.size
    tiles = math.ceil(max(width, height) / TILE)
    levels = max(1, (tiles - 1).bit_length())
    pixel = location.width / width
    side = pixel * TILE * 2**levels
    left = location.center[0] - location.width / 2
    top = location.center[1] + pixel * height / 2
    return MandelbrotStore(
        levels,
        TILE * options.supersampling,
        options.maxiter,
        center=(left + side / 2, top - side / 2),
        width=side,
        precision=options.precision,
        executor=executor,
    )


def _preview(location: Location, options: argparse.Namespace) -> NDArray[Any]:
    """Return some counts of the picture, to choose its colours by."""
    from mandelbrot import Pyramid, render_tile  # noqa: PLC0415 - `--help` needs none of it

    width, height = options.size
    longer = location.width * max(width, height) / width
    pyramid = Pyramid(1, PREVIEW // 2, location.center, longer)
    quarters = [
        [
            render_tile(pyramid, 0, row, column, maxiter=options.maxiter, precision="fast")
            for column in (0, 1)
        ]
        for row in (0, 1)
    ]
    counts = np.block(quarters)
    rows, columns = (max(1, PREVIEW * side // max(width, height)) for side in (height, width))
    top, first = (PREVIEW - rows) // 2, (PREVIEW - columns) // 2
    return counts[top : top + rows, first : first + columns]


class _Drawing:
    """The coloured tiles of a picture."""

    def __init__(
        self,
        store: MandelbrotStore,
        options: argparse.Namespace,
        colouring: Colouring,
        parts: Parts,
    ) -> None:
        self._store = store
        self._size: tuple[int, int] = options.size
        self._fold: int = options.supersampling
        self._colouring = colouring
        self._parts = parts
        self._columns, self.rows = (math.ceil(side / TILE) for side in self._size)
        self.tiles = self.rows * self._columns

    async def draw(self, bar: Any, at_a_time: int) -> None:  # noqa: ANN401 - tqdm has no types
        """Compute and colour the tiles that are not there yet."""
        room = asyncio.Semaphore(os.cpu_count() or 1)  # colouring takes memory

        async def work(tile: tuple[int, int]) -> None:
            if _name(*tile) not in self._parts:
                counts = self._store.decode(await chunk(self._store, 0, *tile))
                async with room:
                    await asyncio.to_thread(self._keep, tile, counts)
            bar.update()

        tiles = ((row, column) for row in range(self.rows) for column in range(self._columns))
        await do_all(tiles, work, at_a_time)

    def _keep(self, tile: tuple[int, int], counts: NDArray[Any]) -> None:
        colours = self._colouring.colours(counts)
        folded = colours.reshape(TILE, self._fold, TILE, self._fold, 3).mean((1, 3))
        self._parts.keep(_name(*tile), np.rint(folded).astype(np.uint8))

    def stripes(self, bar: Any) -> Iterator[NDArray[np.uint8]]:  # noqa: ANN401 - tqdm has no types
        """Yield the rows of tiles, clipped to the picture."""
        width, height = self._size
        for row in range(self.rows):
            tiles = [self._parts.read(_name(row, column)) for column in range(self._columns)]
            bar.update()
            yield np.hstack(tiles)[: height - row * TILE, :width]


def _name(row: int, column: int) -> str:
    return f"{row}.{column}"
