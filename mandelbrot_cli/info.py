"""``mandelbrot info``: what a place, or a store, is."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mandelbrot_cli.errors import CommandError, InputError
from mandelbrot_cli.location import (
    WHOLE,
    Location,
    halvings_of,
    location_text,
    parse_location,
    plain_numbers,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    import zarr

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "info",
        help="tell what a place or a store is",
        description="Tell where a place lies and how deep, or what is in a Zarr store.",
    )
    parser.add_argument(
        "what",
        metavar="LOCATION|STORE",
        help="a place such as '-0.7436 + 0.1318i, 1e-5' or the lines of a .kfr file; or the path "
        "or address of a Zarr store",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print it."""
    what: str = options.what
    if "://" in what or Path(what).is_dir():
        lines = _store(what)
    else:
        try:
            written = parse_location(plain_numbers(what))
        except ValueError as error:
            msg = f"{error} No folder of that name is a Zarr store, either."
            raise InputError(msg) from error
        lines = _location(written.on(1, 1))
    for line in lines:
        print(line)
    return 0


def _location(location: Location) -> Iterator[str]:
    """Describe a place."""
    from mandelbrot.plane import Pyramid, exact  # noqa: PLC0415 - `--help` needs none of it

    yield location_text(location)
    zoom = exact(WHOLE, "width") / location.width
    halvings = halvings_of(zoom)
    digits = max(0, ceil(halvings * 0.30103 - 0.7))
    yield f"zoom: {halvings:.1f} halvings of the whole set's view, 10^{halvings * 0.30103:.1f}"
    yield f"digits after the point that tell its pixels apart: {digits + 4}"
    pyramid = Pyramid()
    side = max(1, round(halvings))
    level = pyramid.levels - side
    column, row = (
        int(offset * pyramid.tiles(level) / pyramid.width)
        for offset in (
            location.center[0] - pyramid.center[0] + pyramid.width / 2,
            pyramid.center[1] + pyramid.width / 2 - location.center[1],
        )
    )
    if 0 <= column < pyramid.tiles(level) and 0 <= row < pyramid.tiles(level):
        yield f"tile of the default pyramid: level {level}, row {row}, column {column}"
    else:
        yield "tile of the default pyramid: none, it lies outside"


def _store(address: str) -> Iterator[str]:
    """Describe a store."""
    import zarr  # noqa: PLC0415 - `--help` needs none of it

    try:
        node = zarr.open(address, mode="r")
    except Exception as error:
        msg = f"{address} cannot be opened as a Zarr store ({error}); expected a path or URL of one"
        raise CommandError(msg) from error
    if isinstance(node, zarr.Array):
        yield _array("array", node)
        return
    yield f"Zarr group, format {node.metadata.zarr_format}"
    attributes: dict[str, Any] = node.attrs.asdict()
    image = attributes.get("ome", attributes)
    arrays: dict[str, zarr.Array[Any]] = dict(node.arrays())
    for multiscale in image.get("multiscales", []):
        axes = "".join(axis["name"] for axis in multiscale.get("axes", []))
        version = image.get("version") or multiscale.get("version")
        yield f"OME-Zarr {version} image {multiscale.get('name', '')!r}, axes {axes}"
        for dataset in multiscale["datasets"]:
            yield _array(f"level {dataset['path']}", arrays[dataset["path"]])
    for name, value in attributes.get("mandelbrot", {}).items():
        yield f"mandelbrot {name}: {value}"


def _array(name: str, array: zarr.Array[Any]) -> str:
    shape, chunks = (" x ".join(map(str, sizes)) for sizes in (array.shape, array.chunks))
    return f"{name}: {shape} {array.dtype}, chunks {chunks}"
