"""Deep places, and what they need."""

from __future__ import annotations

import json
from pathlib import Path

from mandelbrot import Pyramid
from mandelbrot.plane import exact
from mandelbrot.reference_orbit import ReferenceOrbit, reference_orbit

LOCATIONS = json.loads((Path(__file__).parents[1] / "data" / "deep_locations.json").read_text())
"""Real and imaginary part, width and maxiter by name; whose they are is said in the file."""


def location(name: str, **parameters: object) -> tuple[Pyramid, int]:
    where = LOCATIONS[name]
    pyramid = Pyramid(center=(where["re"], where["im"]), width=where["width"], **parameters)  # type: ignore[arg-type]
    return pyramid, where["maxiter"]


def bits(pyramid: Pyramid, level: int) -> int:
    """Twice the precision that the depth needs."""
    h = pyramid.pixel_size(level)
    return 2 * (h.denominator.bit_length() - h.numerator.bit_length()) + 64


def orbit_of(name: str, digits: int = 0) -> tuple[ReferenceOrbit, int]:
    where = LOCATIONS[name]
    re, im, width = (exact(where[key], key) for key in ("re", "im", "width"))
    return reference_orbit(re, im, width / 10**digits), where["maxiter"]
