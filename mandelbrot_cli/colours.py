"""Counts as colours: the viewer's palettes and its arithmetic."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SCALINGS", "Colouring", "equalizer", "palette_names", "palette_table"]

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
    """

    palette: str
    scaling: str
    limits: tuple[float, float]
    shares: NDArray[np.float64] | None
    interior: int
    density: float = 1.0
    offset: float = 0.0

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
        index[counts >= self.interior] = PALETTE_SIZE
        return table[index]


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
    """Return a palette's colours, the interior's last, and whether it is cyclic.

    Returns
    -------
    ndarray of uint8, shape (PALETTE_SIZE + 1, 3)
    bool
    """
    stops, cyclic = _palettes()[name]
    if cyclic:
        stops = np.vstack([stops, stops[:1]])
    at = np.arange(PALETTE_SIZE) / (PALETTE_SIZE if cyclic else PALETTE_SIZE - 1)
    grid = np.arange(len(stops))
    colours = [np.interp(at * (len(stops) - 1), grid, channel) for channel in stops.T]
    table = np.floor(np.stack(colours, axis=1) + 0.5).astype(np.uint8)
    return np.vstack([table, np.array([INTERIOR], np.uint8)]), cyclic
