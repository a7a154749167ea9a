"""Options that several commands share."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from mandelbrot_cli.errors import InputError
from mandelbrot_cli.location import plain_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import TypeVar

    from mandelbrot_store import MandelbrotStore

    T = TypeVar("T")

__all__ = ["add_store_options", "checked", "count", "finite", "make_store"]

MAXITER = 1000
"""Enough for most famous places; `MandelbrotStore` itself keeps the seed's 255."""


def checked(convert: Callable[[str], T]) -> Callable[[str], T]:
    """Return `convert` for argparse, which then shows the sentence of its ValueError."""

    def conversion(text: str) -> T:
        try:
            return convert(plain_numbers(text))
        except (ValueError, TypeError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return conversion


def count(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return a conversion to an integer between `low` and `high`."""

    def convert(text: str) -> int:
        wanted = f"at least {low}" if high is None else f"from {low} to {high}"
        number = int(text) if text.removeprefix("-").isdecimal() else None
        if number is None or number < low or (high is not None and number > high):
            msg = f"{text!r}: expected an integer {wanted}"
            raise ValueError(msg)
        return number

    return checked(convert)


def finite(text: str) -> float:
    """Convert to a finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        msg = f"{text!r}: expected a number, such as 0.5"
        raise ValueError(msg)
    return number


def add_store_options(
    parser: argparse.ArgumentParser, *, levels: int = 40, tilesize: int = 1024
) -> None:
    """Add the options that `make_store` reads, with these defaults."""
    group = parser.add_argument_group("the pyramid")
    group.add_argument(
        "--levels",
        type=count(1, 1024),
        default=levels,
        metavar="N",
        help="number of levels (default: %(default)s)",
    )
    group.add_argument(
        "--tilesize",
        type=count(1, 2**15),
        default=tilesize,
        metavar="PX",
        help="side of a tile (default: %(default)s)",
    )
    group.add_argument(
        "--center",
        nargs=2,
        type=checked(str),
        default=("0", "0"),
        metavar=("RE", "IM"),
        help="its middle (default: 0 0)",
    )
    group.add_argument(
        "--width", type=checked(str), default="5", help="its side (default: %(default)s)"
    )
    group.add_argument(
        "--zarr-format",
        type=int,
        choices=(2, 3),
        default=2,
        help="2: OME-Zarr 0.4, 3: 0.5 (default: %(default)s)",
    )
    add_count_options(parser)


def add_count_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how pixels are counted."""
    group = parser.add_argument_group("the counts")
    group.add_argument(
        "--maxiter",
        type=checked(_maxiter),
        default=MAXITER,
        metavar="N|auto",
        help="cap of the count, or 'auto' (default: %(default)s)",
    )
    group.add_argument(
        "--precision",
        choices=("exact", "fast"),
        default="exact",
        help="certified counts, or those of plain float64 (default: %(default)s)",
    )


def make_store(options: argparse.Namespace, *, executor: Executor | None = None) -> MandelbrotStore:
    """Return the store that the options describe.

    Raises
    ------
    InputError
        They do not go together.
    """
    from numcodecs import Blosc  # noqa: PLC0415 - `--help` needs none of it

    from mandelbrot_store import MandelbrotStore  # noqa: PLC0415 - see above

    try:
        return MandelbrotStore(
            options.levels,
            options.tilesize,
            options.maxiter,
            Blosc(),
            zarr_format=options.zarr_format,
            center=tuple(options.center),
            width=options.width,
            precision=options.precision,
            executor=executor,
        )
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error


def _maxiter(text: str) -> int | str:
    if text == "auto":
        return text
    number = int(text) if text.isdecimal() and len(text) <= 10 else 0  # noqa: PLR2004 - digits of 2**32
    if not 1 <= number < 2**32:
        msg = f"{text!r}: expected an integer from 1 to {2**32 - 1}, or 'auto'"
        raise ValueError(msg)
    return number
