"""Deep tiles against the clock: ``python -m benchmarks.deep_zoom [CASE …] [--side 1024]``.

One tile that is the whole view of each location, one thread, its reference orbit included and
compilation not; then its right-hand neighbour, whose orbit is there. Processor seconds.
``--fractalshades PYTHON``, an interpreter that has it, adds its seconds for the same view
(fractalshades_deep.py), ours divided by them, and the same of what is aimed at.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from mandelbrot import Pyramid, deep, preload, render_tile

if TYPE_CHECKING:
    from mandelbrot.render import Counts, Precision

LOCATIONS = Path(__file__).parents[1] / "tests" / "data" / "deep_locations.json"
FRACTALSHADES = Path(__file__).with_name("fractalshades_deep.py")
TARGETS = {
    "sea1e-10": (1.5, 0.35),
    "e14": (0.4, 0.15),
    "E21_julia": (2.0, 0.8),
    "e50": (3.0, 0.8),
    "e113": (1.2, 0.4),
    "e533": (6.0, 2.0),
    "e1000": (2.0, 0.5),
    "e227": (12.0, 3.0),
    "e1086": (15.0, 4.0),
}
"""Seconds that are aimed at: exact, fast."""
FRACTALSHADES_S = {
    "sea1e-10": 6.5, "e14": 3.0, "E21_julia": 8.4, "e50": 16.7, "e113": 4.8, "e533": 31,
    "e1000": 15, "e227": 50, "e1086": 62,
}  # fmt: skip
"""What Fractalshades takes on the machine that those are aimed at on (a Zen 4 with AVX-512)."""


def view(where: dict[str, str], side: int) -> Pyramid:
    """Return a pyramid whose level 0 has, at 0/0.0, a tile as wide as the view around its centre.

    Tile (0, 0) of a pyramid of one level is the upper left quarter of its square.
    """
    half = Fraction(where["width"]) / 2
    center = Fraction(where["re"]) + half, Fraction(where["im"]) - half
    return Pyramid(levels=1, tilesize=side, center=center, width=4 * half)


def timed(
    pyramid: Pyramid, column: int, maxiter: int, precision: Precision
) -> tuple[float, Counts]:
    """Return the processor seconds of a tile, and the tile."""
    begin = time.process_time()
    counts = render_tile(pyramid, 0, 0, column, maxiter=maxiter, precision=precision)
    return time.process_time() - begin, counts


def forget_orbits() -> None:
    """Empty the cache of reference orbits."""
    deep._cache = deep._Cache(deep.CACHE_BYTES)  # noqa: SLF001 - a benchmark may look inside


def fractalshades_s(python: str, case: str, side: int) -> float:
    """Return the processor seconds of Fractalshades for a view."""
    command = [python, str(FRACTALSHADES), case, f"--side={side}"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - ours
    figures = json.loads(printed.splitlines()[-1])
    return float(figures["set_up_s"] + figures["pixels_s"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(TARGETS))
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--fractalshades", metavar="PYTHON", help="compare with it")
    options = parser.parse_args()
    locations = json.loads(LOCATIONS.read_text())
    for precision in ("exact", "fast"):
        for sample in preload.ALL:  # compile, or load
            preload.render(sample, precision)
    columns = ["case", "counts", "exact s", "aim", "fast s", "aim", "differing", "neighbour s"]
    if options.fractalshades:
        columns += ["Fractalshades s", "exact ÷ it", "aim ÷ it"]
    print("|", " | ".join(columns), "|\n|---|---|" + "--:|" * (len(columns) - 2))
    for name in options.cases:
        pyramid, maxiter = view(locations[name], options.side), locations[name]["maxiter"]
        forget_orbits()
        exact_s, exact = timed(pyramid, 0, maxiter, "exact")
        forget_orbits()
        fast_s, fast = timed(pyramid, 0, maxiter, "fast")
        neighbour_s, _ = timed(pyramid, 1, maxiter, "fast")
        aims = TARGETS[name]
        figures = [name, f"{exact.min()}-{exact.max()}", f"{exact_s:.2f}", str(aims[0])]
        figures += [f"{fast_s:.2f}", str(aims[1]), f"{(exact != fast).mean():.2%}"]
        figures += [f"{neighbour_s:.2f}"]
        if options.fractalshades:
            other_s = fractalshades_s(options.fractalshades, name, options.side)
            aim = aims[0] / FRACTALSHADES_S[name]
            figures += [f"{other_s:.2f}", f"{exact_s / other_s:.3f}", f"{aim:.3f}"]
        print("|", " | ".join(figures), "|", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of the process: {peak:.0f} MiB.")


if __name__ == "__main__":
    main()
