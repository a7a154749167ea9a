# /// script
# requires-python = ">=3.11"
# dependencies = ["cmap>=0.8", "colorspacious>=1.1"]
# ///
"""Write palettes.json: the palettes for escape time, as data for any language.

Run it with ``uv run generate.py``, or in an environment with the packages above. The colours are
facts from the `cmap` package, sampled at `STOPS` equal steps (a cyclic palette's last step is its
first); linear interpolation between them is within `TOLERANCE` of the original. Each palette
carries its origin and licence, and whether people with red-green colour blindness can tell its
colours apart, as measured here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cmap
import numpy as np
from colorspacious import cspace_convert

STOPS = 64
TOLERANCE = 4  # of 255
APART = 1 / 8
"""Positions at least this far apart have to look different."""
DISTINCT = 6.0
"""Distance in CAM02-UCS between colours that differ at a glance; 1 is just noticeable."""

PALETTES = {
    # cyclic: no seam however often they repeat
    "vikO": "crameri:vikO",
    "romaO": "crameri:romaO",
    "brocO": "crameri:brocO",
    "corkO": "crameri:corkO",
    "bamO": "crameri:bamO",
    "twilight": "matplotlib:twilight",
    "phase": "cmocean:phase",
    "CET_C6": "colorcet:CET_C6",
    "CET_CBC1": "colorcet:CET_CBC1",
    "CET_CBC2": "colorcet:CET_CBC2",
    # sequential: dark to light, repeated there and back
    "batlow": "crameri:batlow",
    "lapaz": "crameri:lapaz",
    "lajolla": "crameri:lajolla",
    "viridis": "bids:viridis",
    "magma": "bids:magma",
    "inferno": "bids:inferno",
    "cividis": "cividis",
    "ice": "cmocean:ice",
    "thermal": "cmocean:thermal",
}


def sample(colormap: cmap.Colormap, positions: np.ndarray) -> np.ndarray:
    """Return colours, 0 to 255, shape (len(positions), 3), linear between the map's own stops."""
    stops = np.array([stop for stop, _ in colormap.color_stops])
    colors = np.array([list(color)[:3] for _, color in colormap.color_stops]) * 255
    return np.stack([np.interp(positions, stops, channel) for channel in colors.T], axis=1)


def describe(name: str, source: str) -> dict[str, Any]:
    """Return a palette's entry in the file."""
    colormap = cmap.Colormap(source)
    cyclic = colormap.category == "cyclic"
    stops = np.linspace(0, 1, STOPS, endpoint=not cyclic)
    colors = np.round(sample(colormap, stops)).astype(int)
    check_interpolation(name, colormap, colors, cyclic=cyclic)
    return {
        "name": name,
        "cyclic": cyclic,
        "colorBlindSafe": bool(least_distance(colors, cyclic=cyclic) >= DISTINCT),
        "origin": f"{colormap.info.source} ({source})",
        "license": colormap.info.license,
        "colors": "".join(f"{r:02x}{g:02x}{b:02x}" for r, g, b in colors),
    }


def check_interpolation(
    name: str, colormap: cmap.Colormap, colors: np.ndarray, *, cyclic: bool
) -> None:
    """Stop when the stops are too few for this palette."""
    if cyclic:
        colors = np.vstack([colors, colors[:1]])
    positions = np.linspace(0, 1, 4097)
    grid = np.linspace(0, 1, len(colors))
    interpolated = np.stack([np.interp(positions, grid, channel) for channel in colors.T], axis=1)
    error = np.abs(interpolated - sample(colormap, positions)).max()
    if error > TOLERANCE:
        msg = f"{name}: off by {error:.1f}, expected at most {TOLERANCE}; raise STOPS"
        raise ValueError(msg)


def least_distance(colors: np.ndarray, *, cyclic: bool) -> float:
    """Smallest difference between colours `APART`, to protanopes and deuteranopes."""
    least = np.inf
    for kind in ("protanomaly", "deuteranomaly"):
        space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
        seen = cspace_convert(
            np.clip(cspace_convert(colors / 255, space, "sRGB1"), 0, 1), "sRGB1", "CAM02-UCS"
        )
        distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        steps = np.abs(np.subtract.outer(np.arange(len(colors)), np.arange(len(colors))))
        apart = (np.minimum(steps, len(colors) - steps) if cyclic else steps) >= APART * len(colors)
        least = min(least, distance[apart].min())
    return float(least)


if __name__ == "__main__":
    palettes = [describe(name, source) for name, source in PALETTES.items()]
    text = json.dumps(palettes, indent=2)
    Path(__file__).with_name("palettes.json").write_text(f"{text}\n", "utf-8")
