"""Fractalshades on the views of deep_zoom.py: ``PYTHON benchmarks/fractalshades_deep.py CASE …``.

For an interpreter that has Fractalshades 1.2 (and NumPy before 2.4), and none of this project.
Processor seconds of one thread at its usual accuracy, compilation excluded, as a line of JSON a
case; other lines are its own. Counts only: without the derivative that it computes for shading,
unless asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fractalshades as fs  # type: ignore[import-not-found]  # it has an environment of its own
from fractalshades.models import (  # type: ignore[import-not-found]  # likewise
    Perturbation_mandelbrot,
)

LOCATIONS = Path(__file__).parents[1] / "tests" / "data" / "deep_locations.json"
CALCULATION = "counts"
WARM_UP = 64
"""Pixels across the picture that is computed first, so that all is compiled."""


def digits(width: str, side: int) -> int:
    """Return the decimals that it is given: some more than the least that it takes."""
    return math.ceil(2 * math.log10(side)) - Decimal(width).adjusted() + 5


def forget_orbit(fractal: Any) -> None:  # noqa: ANN401 - it is untyped
    """Drop the reference orbit that is kept in memory; another is in the directory."""
    for kept in "_FP_params", "_Zn_path":
        vars(fractal).pop(kept, None)


def timed(
    fractal: Any,  # noqa: ANN401 - it is untyped
    where: dict[str, Any],
    side: int,
    precision: int,
    *,
    derivative: bool,
) -> dict[str, float]:
    """Compute a picture; return its seconds, least and largest count."""
    forget_orbit(fractal)
    with tempfile.TemporaryDirectory() as fractal.directory:
        begin = time.process_time()
        fractal.zoom(
            precision=precision,
            x=where["re"],
            y=where["im"],
            dx=where["width"],
            nx=side,
            xy_ratio=1.0,
            theta_deg=0.0,
        )
        fractal.calc_std_div(  # the orbit and its tables
            calc_name=CALCULATION,
            subset=None,
            max_iter=where["maxiter"],
            M_divergence=1000.0,
            epsilon_stationnary=0.001,
            calc_dzndc=derivative,
        )
        ready = time.process_time()
        fractal.calc_raw(CALCULATION)
        end = time.process_time()
        counts = fractal.get_data_memmap(CALCULATION, "stop_iter", mode="r")
        return {
            "set_up_s": ready - begin,
            "pixels_s": end - ready,
            "min": int(counts.min()),
            "max": int(counts.max()),
        }


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+", metavar="CASE")
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--derivative", action="store_true", help="of z by c, too")
    options = parser.parse_args()
    locations = json.loads(LOCATIONS.read_text())
    fs.settings.enable_multithreading = False
    fs.settings.inspect_calc = False
    for case in options.cases:
        where = locations[case]
        precision = digits(where["width"], max(options.side, WARM_UP))
        # It compiles for each object, and for its maxiter: both pictures are of one.
        fractal = Perturbation_mandelbrot("")
        for side in WARM_UP, options.side:
            result = timed(fractal, where, side, precision, derivative=options.derivative)
        print(json.dumps({"case": case, **result}), flush=True)


if __name__ == "__main__":
    main()
