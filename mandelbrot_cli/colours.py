"""Counts as colours: the viewer's palettes and its arithmetic."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot_cli.options import checked, finite

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

__all__ = [
    "SCALINGS",
    "Colouring",
    "add_colour_options",
    "colouring_of",
    "equalizer",
    "palette_names",
    "palette_table",
]

PALETTE_SIZE = 1024
EQUALIZER_SIZE = 2048
INTERIOR = (5, 6, 10)
SCALINGS = ("linear", "square root", "logarithmic", "histogram")

_HERE = Path(__file__).parent
_FILES = (_HERE / "palettes.json", _HERE.parent / "viewer/src/palettes/palettes.json")
"""Where the viewer's palettes are in an installed package, and in a clone."""


class Colouring(NamedTuple):
    """How the counts of a picture become colours.

    Attributes
    ----------
    palette : str
        Its name.
    scaling : str
        One of `SCALINGS`.
    limits : (float, float)
        The counts at the ends of the palette.
    shares : ndarray of float64, shape (EQUALIZER_SIZE,), or None
        For the scaling "histogram": what `equalizer` returned.
    interior : int
        The count from which on a point belongs to the interior.
    density, offset : float
        How often the palette is passed through, and where it begins.
    interior_color : (int, int, int)
        Red, green and blue of the interior, 0 to 255.
    """

    palette: str
    scaling: str
    limits: tuple[float, float]
    shares: NDArray[np.float64] | None
    interior: int
    density: float = 1.0
    offset: float = 0.0
    interior_color: tuple[int, int, int] = INTERIOR

    def colours(self, counts: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
        """Return colours, shape (..., 3), of counts."""
        low, high = self.limits
        span = max(high - low, 1e-6)
        above = np.clip(counts.astype(np.float64) - low, 0, span)
        if self.scaling == "linear":
            share = above / span
        elif self.scaling == "square root":
            share = np.sqrt(above / span)
        else:
            share = np.log1p(above) / np.log1p(span)
        if self.shares is not None:
            steps = np.arange(EQUALIZER_SIZE)
            share = np.interp(share * (EQUALIZER_SIZE - 1), steps, self.shares)
        table, cyclic = palette_table(self.palette)
        at = share * self.density + self.offset
        if cyclic:
            entry = (at - np.floor(at)) * PALETTE_SIZE
        else:
            entry = (1 - np.abs(1 - np.mod(at, 2))) * (PALETTE_SIZE - 1) + 0.5
        index = np.minimum(entry.astype(np.int64), PALETTE_SIZE - 1)
        colours = table[index]
        colours[counts >= self.interior] = self.interior_color
        return colours


def add_colour_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `colouring_of` reads."""
    group = parser.add_argument_group("the colours, as in the viewer")
    group.add_argument(
        "--palette",
        choices=palette_names(),
        default="vikO",
        metavar="NAME",
        help=f"one of {', '.join(palette_names())} (default: %(default)s)",
    )
    group.add_argument(
        "--scaling",
        choices=SCALINGS,
        default="histogram",
        help="how counts are spread over it (default: %(default)s)",
    )
    group.add_argument(
        "--limits",
        nargs=2,
        type=checked(finite),
        metavar=("LOW", "HIGH"),
        help="counts at its ends (default: those seen)",
    )
    group.add_argument(
        "--density",
        type=checked(finite),
        default=1.0,
        metavar="TIMES",
        help="how often it is passed through (default: %(default)s)",
    )
    group.add_argument(
        "--offset",
        type=checked(finite),
        default=0.0,
        metavar="SHARE",
        help="where in it the low limit lies (default: %(default)s)",
    )
    group.add_argument(
        "--interior",
        type=checked(_rgb),
        default=INTERIOR,
        metavar="RRGGBB",
        help=f"colour of the set itself (default: {bytes(INTERIOR).hex().upper()})",
    )


def colouring_of(options: argparse.Namespace, counts: NDArray[np.unsignedinteger]) -> Colouring:
    """Return the colouring that the options describe, for a picture with such counts."""
    from mandelbrot.render import iteration_cap  # noqa: PLC0415 - `--help` needs none of it

    interior = iteration_cap(options.maxiter)
    limits, shares = equalizer(counts, interior)
    histogram = options.scaling == "histogram" and options.limits is None
    return Colouring(
        options.palette,
        options.scaling,
        tuple(options.limits or limits),
        shares if histogram else None,
        interior,
        options.density,
        options.offset,
        tuple(options.interior),
    )


def _rgb(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", text):
        msg = f"{text!r}: expected six hexadecimal digits, such as 0A0B10"
        raise ValueError(msg)
    return tuple(bytes.fromhex(text.removeprefix("#")))


def equalizer(
    counts: NDArray[np.unsignedinteger], interior: int
) -> tuple[tuple[float, float], NDArray[np.float64]]:
    """Return the limits and shares by which each part of a palette colours the same area.

    Parameters
    ----------
    counts : ndarray
        A sample of the picture's.
    interior : int
        The count from which on they are left out.
    """
    sample = np.sort(counts[counts < interior].astype(np.float64).ravel())
    if not sample.size:
        sample = np.zeros(1)
    low, high = sample[0], sample[-1]
    log = np.log1p(max(high - low, 1e-6))
    values = low + np.expm1(np.arange(EQUALIZER_SIZE) / (EQUALIZER_SIZE - 1) * log)
    below = np.searchsorted(sample, values - 1e-9 * (1 + values), side="left")
    return (float(low), float(high)), below / sample.size


@cache
def _palettes() -> dict[str, tuple[NDArray[np.float64], bool]]:
    path = next(path for path in _FILES if path.exists())
    return {
        palette["name"]: (
            np.frombuffer(bytes.fromhex(palette["colors"]), np.uint8).reshape(-1, 3).astype(float),
            palette["cyclic"],
        )
        for palette in json.loads(path.read_text("utf-8"))
    }


def palette_names() -> list[str]:
    """Return the names of the palettes."""
    return list(_palettes())


@cache
def palette_table(name: str) -> tuple[NDArray[np.uint8], bool]:
    """Return a palette's colours, and whether it is cyclic.

    Returns
    -------
    ndarray of uint8, shape (PALETTE_SIZE, 3)
    bool
    """
    stops, cyclic = _palettes()[name]
    if cyclic:
        stops = np.vstack([stops, stops[:1]])
    at = np.arange(PALETTE_SIZE) / (PALETTE_SIZE if cyclic else PALETTE_SIZE - 1)
    grid = np.arange(len(stops))
    colours = [np.interp(at * (len(stops) - 1), grid, channel) for channel in stops.T]
    return np.floor(np.stack(colours, axis=1) + 0.5).astype(np.uint8), cyclic
