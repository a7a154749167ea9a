"""Whether deep counts are right: ``python -m benchmarks.exactness [CASE …] [--samples N]``.

Two tiles of each location, "exact": the whole view, and a corner of it three levels deeper, which
has a reference orbit of its own. Pixels of them are iterated directly, by multiprecision numbers of
twice the digits that the depth needs, or of so many that more change nothing where those do not
agree with the tile: every fourth is one of those that differ most from their neighbours, the others
are chosen at random, the same ones every time. Any that differs from the tile is printed, and is a
bug. Processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.deep_zoom import LOCATIONS, TARGETS, view
from mandelbrot import render_tile
from tests.mandelbrot.oracle import exact_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mandelbrot import Pyramid
    from mandelbrot.plane import Tile
    from mandelbrot.render import Counts

CORNER = -3, 7, 0
"""The lower left corner of a view."""

LEAST = 32
"""Pixels of a tile that are compared however long that takes."""


def bits(pyramid: Pyramid, level: int) -> int:
    """Return twice the precision that the depth needs."""
    h = pyramid.pixel_size(level)
    return 2 * (h.denominator.bit_length() - h.numerator.bit_length()) + 64


def true_count(tile: Tile, j: int, i: int, maxiter: int, precision: int, claimed: int) -> int:
    """Return the count of a pixel; what is claimed only decides how many bits are taken.

    A long orbit may amplify errors by more than the depth: in one of 5 702 steps at a width of
    1e-10 150 bits are too few, and 200 are not.
    """
    re, im = tile.re[i], tile.im[j]
    true, before = exact_count(re, im, maxiter, bits=precision), -1
    while true not in (claimed, before):
        precision *= 2
        true, before = exact_count(re, im, maxiter, bits=precision), true
    return true


def contrast(counts: Counts) -> NDArray[np.int64]:
    """Return the most that each pixel differs from the pixels beside, above and below it."""
    most = np.zeros(counts.shape, np.int64)
    for axis in range(2):
        steps = np.abs(np.diff(counts.astype(np.int64), axis=axis))
        for side in ((1, 0), (0, 1)):
            width = [(0, 0), (0, 0)]
            width[axis] = side
            np.maximum(most, np.pad(steps, width), out=most)
    return most


def chosen(counts: Counts) -> Iterator[tuple[int, int]]:
    """Yield each pixel, as row and column, in the order in which they are to be compared."""
    mixed = np.random.default_rng(1).permutation(counts.size)
    # Mixed first, for what is equal to be spread over the tile.
    steepest = mixed[np.argsort(-contrast(counts).reshape(-1)[mixed], kind="stable")]
    known = set()
    for group in range(0, counts.size, 3):
        for pixel in chain(steepest[group // 3 : group // 3 + 1], mixed[group : group + 3]):
            if pixel not in known:
                known.add(pixel)
                row, column = divmod(int(pixel), counts.shape[1])
                yield row, column


def compare(
    name: str,
    pyramid: Pyramid,
    address: tuple[int, int, int],
    maxiter: int,
    most: int,
    seconds: float,
) -> int:
    """Compare a tile's pixels, print a line of the table; return how many differ."""
    begin = time.process_time()
    counts = render_tile(pyramid, *address, maxiter=maxiter)
    middle = time.process_time()
    tile, precision = pyramid.tile(*address), bits(pyramid, address[0])
    samples, wrong = 0, []
    for j, i in islice(chosen(counts), most):
        if samples >= LEAST and time.process_time() > middle + seconds:
            break
        true = true_count(tile, j, i, maxiter, precision, int(counts[j, i]))
        samples += 1
        if true != counts[j, i]:
            wrong.append(f"{name}: row {j}, column {i}: {counts[j, i]}, not {true}")
    level, row, column = address
    print(
        f"| {name} | {level}/{row}.{column} | {counts.min()}-{counts.max()} "
        f"| {middle - begin:.1f} | {samples} | {time.process_time() - middle:.0f} | {len(wrong)} |",
        *wrong,
        sep="\n",
        flush=True,
    )
    return len(wrong)


def main() -> None:
    """Print the table; fail where a pixel differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(TARGETS))
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--samples", type=int, default=512, help="pixels compared, of each tile")
    parser.add_argument("--seconds", type=float, default=150, help="after which fewer will do")
    options = parser.parse_args()
    os.nice(10)
    locations = json.loads(LOCATIONS.read_text())
    print("| case | tile | counts | s | samples | s | differing |")
    print("|---|---|---|--:|--:|--:|--:|")
    differing = 0
    for name in options.cases:
        pyramid, maxiter = view(locations[name], options.side), locations[name]["maxiter"]
        for address in ((0, 0, 0), CORNER):
            differing += compare(name, pyramid, address, maxiter, options.samples, options.seconds)
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
