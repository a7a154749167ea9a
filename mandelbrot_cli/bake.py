"""``mandelbrot bake``: a part of the plane as files that need no computing any more."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mandelbrot_cli.errors import CommandError, InputError, need
from mandelbrot_cli.location import parse_location
from mandelbrot_cli.options import add_store_options, checked, count, make_store
from mandelbrot_cli.work import add_scheduler_option, chunk, computers, do_all

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from zarr.abc.store import Store

    from mandelbrot_store import MandelbrotStore

__all__ = ["Baking", "add_parser", "run"]

ROOTS = (".zgroup", ".zarray", "zarr.json")
"""Where one of them is, something begins: of this bake, or of another format or kind."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "bake",
        help="write a part of the plane as static OME-Zarr",
        description="Compute all levels of a square of the plane and write them as OME-Zarr 0.4 "
        "(or 0.5, optionally in shards), which any web server or object store can serve.",
        epilog="An interrupted bake goes on where it stopped when the same command is given "
        "again: what is there is read and checked, not computed.",
    )
    parser.add_argument("out", metavar="OUT", help="a folder, or a URL that fsspec can write")
    parser.add_argument(
        "location",
        metavar="LOCATION",
        nargs="?",
        type=checked(parse_location),
        help="the square: centre and width, such as '-0.747, 0.1, 0.03' (default: --center and "
        "--width)",
    )
    parser.add_argument(
        "--shards",
        type=count(1, 64),
        metavar="N",
        help="keep N x N tiles in one file; needs --zarr-format 3",
    )
    add_scheduler_option(parser)
    add_store_options(parser, levels=4, tilesize=512)
    parser.set_defaults(run=run, goes_on=True)


def run(options: argparse.Namespace) -> int:
    """Bake, and say what was done."""
    need("render", "tqdm")
    from tqdm import tqdm  # noqa: PLC0415 - an optional part

    if options.shards and options.zarr_format == 2:  # noqa: PLR2004 - the format's number
        msg = "--shards needs --zarr-format 3: Zarr format 2 has no shards"
        raise InputError(msg)
    if options.location is not None:
        location = options.location.on(1, 1)
        options.center, options.width = location.center, location.width
    with computers(options.scheduler) as (executor, at_a_time):
        source = make_store(options, executor=executor)
        baking = Baking(source, options.out, options.shards)
        with tqdm(total=baking.tiles, unit="tile", desc=str(options.out)) as bar:
            asyncio.run(baking.bake(bar, at_a_time))
    print(
        f"{options.out}: {baking.computed} tiles computed and read again, "
        f"{baking.tiles - baking.computed} were there."
    )
    return 0


class _Part(NamedTuple):
    """What one file holds: a square of tiles, clipped to its level."""

    level: int
    row: int
    column: int
    side: int


class Baking:
    """Copies a pyramid's chunks from the store that computes them to one that keeps them.

    Each file is read again after it was written. A file that is there already is kept if it can
    be read and decoded whole.

    Parameters
    ----------
    source : MandelbrotStore
        Computes the chunks.
    out : str
        A path, or a URL for fsspec.
    shards : int, optional
        Tiles along the side of a shard. Default: no shards, the source's own chunks as they are.

    Attributes
    ----------
    tiles : int
        How many there are.
    computed : int
        How many of them were computed.
    """

    def __init__(self, source: MandelbrotStore, out: str, shards: int | None = None) -> None:
        self.source = source
        self.tiles = sum(4 ** (source.levels - level) for level in range(source.levels))
        self.computed = 0
        self._out = out
        self._shards = shards
        self._decode = source.decode

    async def bake(self, bar: Any, at_a_time: int) -> None:  # noqa: ANN401 - tqdm has no types
        """Write everything that is not there yet; `bar` is told how many tiles are done.

        Raises
        ------
        CommandError
            Something else is there, or cannot be written or read again.
        """
        import zarr  # noqa: PLC0415 - `--help` needs none of it

        self._target = _open_for_writing(self._out)
        with _writing(self._out):
            await self._write_documents()
        group: Any = await zarr.api.asynchronous.open_group(
            self._target, mode="r+", zarr_format=self.source.zarr_format, use_consolidated=False
        )
        self._arrays: list[Any] = [
            (await group.getitem(str(level))).with_config({"write_empty_chunks": True})
            for level in range(self.source.levels)
        ]
        self._room = asyncio.Semaphore(at_a_time)

        async def work(part: _Part) -> None:
            await self._bake_part(part)
            bar.update(part.side**2)

        most = max(1, at_a_time // (self._shards or 1) ** 2) + 1
        await do_all(self._parts(), work, most)

    def _parts(self) -> Iterator[_Part]:
        """Yield the parts, the coarsest level's first: there is something to look at early."""
        for level in reversed(range(self.source.levels)):
            tiles = 2 ** (self.source.levels - level)
            side = min(self._shards or 1, tiles)
            for row in range(0, tiles, side):
                for column in range(0, tiles, side):
                    yield _Part(level, row, column, side)

    async def _bake_part(self, part: _Part) -> None:
        key = self.source.chunk_key(part.level, part.row // part.side, part.column // part.side)
        if await self._target.exists(key) and await self._values(part) is not None:
            return
        if self._shards is None:
            values = await self._copy(part, key)
        else:
            values = await self._computed_values(part)
            with _writing(self._out):
                await self._target.delete(key)  # zarr would read what is broken there
                await self._arrays[part.level].setitem(self._region(part), values)
        again = await self._values(part)
        if again is None or not np.array_equal(again, values):
            msg = f"{key} was written to {self._out}, but reads otherwise; is the disk full?"
            raise CommandError(msg)
        self.computed += part.side**2

    async def _copy(self, part: _Part, key: str) -> NDArray[Any]:
        value = await self._chunk(part.level, part.row, part.column)
        with _writing(self._out):
            await self._target.set(key, _buffer(value))
        return self._decode(value)

    async def _computed_values(self, part: _Part) -> NDArray[Any]:
        rows = range(part.row, part.row + part.side)
        columns = range(part.column, part.column + part.side)

        async def tile(row: int, column: int) -> NDArray[Any]:
            return self._decode(await self._chunk(part.level, row, column))

        blocks = await asyncio.gather(
            *(asyncio.gather(*(tile(row, column) for column in columns)) for row in rows)
        )
        return np.block([list(row) for row in blocks])

    async def _chunk(self, level: int, row: int, column: int) -> bytes:
        async with self._room:
            return await chunk(self.source, level, row, column)

    async def _values(self, part: _Part) -> NDArray[Any] | None:
        """Read a part from the target; None where it cannot be decoded."""
        try:
            return np.asarray(await self._arrays[part.level].getitem(self._region(part)))
        except Exception:  # noqa: BLE001 - codecs raise what they like for broken bytes
            return None

    def _region(self, part: _Part) -> tuple[slice, slice]:
        size, side = self.source.tilesize, part.side * self.source.tilesize
        top, left = part.row * size, part.column * size
        return slice(top, top + side), slice(left, left + side)

    async def _write_documents(self) -> None:
        documents = {key: self.source[key] for key in self.source}
        if self._shards is not None:
            documents = {
                key: json.dumps(_sharded(json.loads(value), self._shards)).encode()
                for key, value in documents.items()
            }
        from zarr.core.buffer import default_buffer_prototype  # noqa: PLC0415 - as above

        for key in dict.fromkeys((*ROOTS, *documents)):
            there = await self._target.get(key, default_buffer_prototype())
            expected = documents.get(key)
            if there is not None and _parsed(there.to_bytes()) != _parsed(expected):
                msg = (
                    f"{self._out} holds something else: its {key} differs from what this command "
                    "would write; choose another place, or remove it"
                )
                raise CommandError(msg)
        for key, value in documents.items():
            await self._target.set(key, _buffer(value))


def _parsed(document: bytes | None) -> Any:  # noqa: ANN401 - JSON
    """Return what a document says; None where there is none, or it is none."""
    try:
        return None if document is None else json.loads(document)
    except ValueError:
        return None


@contextmanager
def _writing(out: str) -> Iterator[None]:
    """Turn what file systems and object stores raise, of which there is no end, into a sentence."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        remedy = "choose another place, or see to its permissions and room"
        msg = f"{out} cannot be written ({error}); {remedy}"
        raise CommandError(msg) from error


def _sharded(document: dict[str, Any], shards: int) -> dict[str, Any]:
    """Return a format 3 document of chunks as one of shards of up to `shards` chunks a side."""
    if document["node_type"] == "group":
        arrays = document["consolidated_metadata"]["metadata"]
        for path, array in arrays.items():
            arrays[path] = _sharded(array, shards)
        return document
    grid = document["chunk_grid"]["configuration"]
    chunks = grid["chunk_shape"]
    grid["chunk_shape"] = [
        min(shards, side // chunk) * chunk
        for side, chunk in zip(document["shape"], chunks, strict=True)
    ]
    inner = {
        "chunk_shape": chunks,
        "codecs": document["codecs"],
        "index_codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "crc32c"},
        ],
        "index_location": "end",
    }
    document["codecs"] = [{"name": "sharding_indexed", "configuration": inner}]
    return document


def _open_for_writing(out: str) -> Store:
    from zarr.storage import FsspecStore, LocalStore  # noqa: PLC0415 - `--help` needs none of it

    if "://" not in out:
        return LocalStore(out)
    try:
        from fsspec import get_filesystem_class, url_to_fs  # noqa: PLC0415 - as above

        system, path = url_to_fs(out)
        if isinstance(system, get_filesystem_class("file")):  # in zarr's hands it makes no folders
            return LocalStore(path)
        return FsspecStore.from_url(out)
    except (ImportError, ValueError) as error:
        msg = f"{out} cannot be written ({error}); expected a folder, or a URL that fsspec knows"
        raise CommandError(msg) from error


def _buffer(value: bytes) -> Any:  # noqa: ANN401 - zarr's Buffer
    from zarr.core.buffer import default_buffer_prototype  # noqa: PLC0415 - as above

    return default_buffer_prototype().buffer.from_bytes(value)
