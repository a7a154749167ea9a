"""``mandelbrot render``: a picture of any size, in little memory."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mandelbrot_cli.colours import SCALINGS, Colouring, equalizer, palette_names
from mandelbrot_cli.errors import CommandError, need
from mandelbrot_cli.location import location_text, parse_location
from mandelbrot_cli.options import add_count_options, checked, count
from mandelbrot_cli.pictures import TILE, WRITERS
from mandelbrot_cli.work import add_scheduler_option, computers, do_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from mandelbrot_cli.location import Location
    from mandelbrot_store import MandelbrotStore

__all__ = ["add_parser", "run"]

PREVIEW = 256
"""Side of the sample from which limits and histogram are taken, pixels."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "render",
        help="draw a picture of any size",
        description="Draw a place as a PNG or TIFF file, tile by tile, in little memory.",
        epilog="An interrupted picture goes on where it stopped when the same command is given "
        "again; until it is complete, its tiles are kept in OUT.part.",
    )
    parser.add_argument(
        "location",
        metavar="LOCATION",
        type=checked(parse_location),
        help="such as '-0.7436 + 0.1318i, 1e-5', or the lines of a .kfr file",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="a .png or .tif file")
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
        help="N x N samples a pixel (default: %(default)s)",
    )
    colours = parser.add_argument_group("the colours, as in the viewer")
    colours.add_argument(
        "--palette",
        choices=palette_names(),
        default="vikO",
        metavar="NAME",
        help=f"one of {', '.join(palette_names())} (default: %(default)s)",
    )
    colours.add_argument(
        "--scaling",
        choices=SCALINGS,
        default="histogram",
        help="how counts are spread over it (default: %(default)s)",
    )
    colours.add_argument(
        "--limits",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="counts at its ends (default: those seen in the picture)",
    )
    colours.add_argument(
        "--density",
        type=float,
        default=1.0,
        metavar="TIMES",
        help="how often it is passed through (default: %(default)s)",
    )
    colours.add_argument(
        "--offset",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="where in it the low limit lies (default: %(default)s)",
    )
    add_scheduler_option(parser)
    add_count_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw it."""
    need("render", "tqdm")
    from tqdm import tqdm  # noqa: PLC0415 - an optional part

    out: Path = options.out
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        msg = f"{out} ends in {out.suffix!r}, expected one of {', '.join(WRITERS)}; rename it"
        raise CommandError(msg)
    location = options.location.on(*options.size)
    with computers(options.scheduler) as (executor, at_a_time):
        store = _samples(location, options, executor)
        colouring = _colouring(location, options)
        drawing = _Drawing(store, options, colouring, Path(f"{out}.part"))
        drawing.check(location_text(location))
        with tqdm(total=drawing.tiles, unit="tile", desc=str(out)) as bar:
            asyncio.run(drawing.draw(bar, at_a_time))
    unfinished = out.with_name(f"{out.name}.part") / out.name
    write(unfinished, options.size, drawing.stripes(), location_text(location))
    unfinished.replace(out)
    shutil.rmtree(f"{out}.part")
    return 0


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


def _colouring(location: Location, options: argparse.Namespace) -> Colouring:
    from mandelbrot import Pyramid, render_tile  # noqa: PLC0415 - `--help` needs none of it
    from mandelbrot.render import iteration_cap  # noqa: PLC0415 - see above

    width, height = options.size
    interior = iteration_cap(options.maxiter)
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
    limits, shares = equalizer(counts[top : top + rows, first : first + columns], interior)
    histogram = options.scaling == "histogram" and options.limits is None
    return Colouring(
        options.palette,
        options.scaling,
        tuple(options.limits or limits),
        shares if histogram else None,
        interior,
        options.density,
        options.offset,
    )


class _Drawing:
    """The coloured tiles of a picture, in a folder until all are there."""

    def __init__(
        self,
        store: MandelbrotStore,
        options: argparse.Namespace,
        colouring: Colouring,
        folder: Path,
    ) -> None:
        self._store = store
        self._size: tuple[int, int] = options.size
        self._fold: int = options.supersampling
        self._colouring = colouring
        self._folder = folder
        self._columns, self._rows = (math.ceil(side / TILE) for side in self._size)
        self.tiles = self._rows * self._columns

    def check(self, location: str) -> None:
        """Make the folder; forget what is in it of another picture."""
        colouring = self._colouring._asdict()
        colouring["shares"] = None  # they follow from the rest
        wanted = json.dumps([location, self._size, self._fold, colouring])
        note = self._folder / "picture.json"
        if not note.exists() or note.read_text("utf-8") != wanted:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            note.write_text(wanted, "utf-8")

    async def draw(self, bar: Any, at_a_time: int) -> None:  # noqa: ANN401 - tqdm has no types
        """Compute and colour the tiles that are not there yet."""

        async def work(tile: tuple[int, int]) -> None:
            if not self._path(*tile).exists():
                await self._draw_tile(*tile)
            bar.update()

        tiles = ((row, column) for row in range(self._rows) for column in range(self._columns))
        await do_all(tiles, work, at_a_time)

    async def _draw_tile(self, row: int, column: int) -> None:
        from zarr.core.buffer import default_buffer_prototype  # noqa: PLC0415 - as above

        key = self._store.chunk_key(0, row, column)
        buffer = await self._store.get(key, default_buffer_prototype())
        if buffer is None:
            raise AssertionError(key)  # unreachable: the tile is inside the pyramid
        counts = self._store.decode(buffer.to_bytes())
        await asyncio.to_thread(self._keep, row, column, counts)

    def _keep(self, row: int, column: int, counts: NDArray[Any]) -> None:
        colours = self._colouring.colours(counts)
        folded = colours.reshape(TILE, self._fold, TILE, self._fold, 3).mean((1, 3))
        path = self._path(row, column)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, np.rint(folded).astype(np.uint8))
        unfinished.replace(path)

    def _path(self, row: int, column: int) -> Path:
        return self._folder / f"{row}.{column}.npz"

    def stripes(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the rows of tiles, clipped to the picture."""
        width, height = self._size
        for row in range(self._rows):
            tiles = []
            for column in range(self._columns):
                with np.load(self._path(row, column)) as kept:
                    tiles.append(kept["arr_0"])
            yield np.hstack(tiles)[: height - row * TILE, :width]
