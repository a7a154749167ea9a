"""Exactness at places nobody chose: ``python -m benchmarks.exactness_walk [--seed 1]``.

Walks into the boundary of the set at random, by 4 to 2^24 times a step, from the whole set or from
places where orbits are pre-periodic, parabolic or real, and compares 20 pixels of a small tile at
each step with direct iteration: those that differ most from their neighbours, and some at random.
Tiles are of any size and sampling, at levels 0 to -3, and off the centre of their cell. Any pixel
that differs is printed with what is needed to see it again, and is a bug.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.exactness import bits, contrast, true_count
from mandelbrot import Pyramid, render_tile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    Place = tuple[Fraction, Fraction, Fraction]

STARTS = (-2, 0), (0, 1), (-1, 0), (0.25, 0), (-0.75, 0), (-1.75, 0), (-0.125, 0.75)
"""Tip, Misiurewicz point i, centre, cusp, parabolic points."""

ODDS = 0.4
"""Of beginning with the whole set, and of staying in one of those places."""

STEEPEST, ANY = 12, 8
"""Pixels of a tile that are compared."""


def begin(rng: Generator) -> tuple[Place, bool]:
    """Return where to begin, and whether to stay there: centre and width."""
    if rng.random() < ODDS:
        return (Fraction(0), Fraction(0), Fraction(4)), False
    re, im = STARTS[rng.integers(len(STARTS))]
    width = Fraction(1, 2 ** int(rng.integers(2, 30)))
    return (Fraction(re), Fraction(im), width), bool(rng.random() < ODDS)


def walk(rng: Generator, narrowest: int, most: int) -> Iterator[tuple[int, list[str]]]:
    """Yield how many pixels of each tile were compared, and what differed; down to 2^-narrowest."""
    (re, im, width), stays = begin(rng)
    while width * 2**narrowest > 1:
        side = int(rng.choice([32, 48, 64, 96]))
        level = -int(rng.choice([0, 0, 1, 3]))
        sampling = str(rng.choice(["center", "corner"]))
        row, column = ((1 << -level) - rng.integers(2, size=2)).tolist()
        pyramid = Pyramid(1, side, center=(re, im), width=2 * width, sampling=sampling)
        depth = max(1, width.denominator.bit_length() - width.numerator.bit_length())
        maxiter = min(most, 200 + depth * int(rng.choice([20, 60, 200])))
        counts = render_tile(pyramid, level, row, column, maxiter=maxiter)
        where = f"{re}, {im}, {width}: {side} {sampling}, {level}/{row}.{column}, {maxiter}"
        tile, steep = pyramid.tile(level, row, column), contrast(counts).reshape(-1)
        steepest = np.argsort(-steep, kind="stable")
        wrong = []
        for pixel in (*steepest[:STEEPEST], *rng.integers(side * side, size=ANY)):
            j, i = divmod(int(pixel), side)
            true = true_count(tile, j, i, maxiter, bits(pyramid, level), int(counts[j, i]))
            if true != counts[j, i]:
                wrong.append(f"{where}: row {j}, column {i}: {counts[j, i]}, not {true}")
        yield STEEPEST + ANY, wrong
        if steep.max() == 0 or counts.min() >= most:
            return
        if not stays:
            j, i = divmod(int(rng.choice(steepest[: rng.choice([1, 5, 40])])), side)
            aside = Fraction(int(rng.integers(-100, 100)), 300) * width / side
            re, im = tile.re[i] + aside, tile.im[j]
        width /= 2 ** int(rng.choice([2, 5, 9, 16, 24]))


def main() -> None:
    """Print how many were compared; fail where a pixel differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--narrowest", type=int, default=400, help="-log2 of the least width")
    parser.add_argument("--maxiter", type=int, default=30_000, help="the largest")
    options = parser.parse_args()
    os.nice(10)
    rng, end = np.random.default_rng(options.seed), time.monotonic() + options.seconds
    tiles = samples = differing = 0
    while time.monotonic() < end:
        for compared, wrong in walk(rng, options.narrowest, options.maxiter):
            tiles, samples, differing = tiles + 1, samples + compared, differing + len(wrong)
            print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
    print(f"{tiles} tiles, {samples} pixels, {differing} differing")
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
