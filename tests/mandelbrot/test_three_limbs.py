"""Orbits of three limbs in registers: right or uncertain, whatever becomes of their digits."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mandelbrot import three_limbs
from mandelbrot.jit import kernel
from tests.mandelbrot.oracle import exact_count

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT = 184

_count_point = three_limbs.count_point


@kernel(entry=True)
def _counted(  # type: ignore[no-untyped-def] # numba finds them
    words,
    e: float,
    maxiter: int,
    cancel,
) -> int:
    cx, cy = (words[0], words[1], words[2]), (words[3], words[4], words[5])
    return _count_point(cx, cy, e, maxiter, cancel)


def count(re: Fraction, im: Fraction, maxiter: int, *, cancelled: bool = False) -> int:
    """Return the count that is certain, or -1."""
    parts = [(part * 2**UNIT).__floor__() for part in (re, im)]
    words = b"".join(part.to_bytes(24, "little", signed=True) for part in parts)
    exact = all(Fraction(p, 2**UNIT) == c for p, c in zip(parts, (re, im), strict=True))
    cancel = np.full(1, cancelled, np.uint8)
    return int(_counted(np.frombuffer(words, "<u8"), 0.0 if exact else 4.0, maxiter, cancel))


def hard_points(size: int) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield points beside the needle, and anywhere; float64 or finer than three limbs."""
    rng = random.Random(7)  # noqa: S311 - a repeatable sample
    for k in range(size):
        re = Fraction(rng.uniform(-2, -1.4 if k % 2 else 0.4))
        im = Fraction(rng.uniform(0, 0.7)) / 10 ** (rng.randrange(9, 90) if k % 2 else 0)
        yield (re, im) if k % 3 else (re + Fraction(1, 3**130), im - Fraction(1, 7**80))


def test_counts_are_right_or_uncertain() -> None:
    sample = list(hard_points(300))
    expected = [exact_count(*point, 1500) for point in sample]
    found = [count(*point, 1500) for point in sample]
    certain = [k for k, n in enumerate(found) if n >= 0]
    assert [found[k] for k in certain] == [expected[k] for k in certain]
    assert len(sample) / 2 < len(certain) < len(sample)
    assert any(found[k] > 100 for k in certain)
    assert any(found[k] == 1500 for k in certain)


def test_rounding_is_not_taken_for_the_orbit() -> None:
    # Points that are exact, so near the needle that the last digits of z decide when they leave.
    rng = random.Random(8)  # noqa: S311 - a repeatable sample
    for _ in range(100):
        point = Fraction(rng.uniform(-2, -1.5)), Fraction(rng.randrange(1, 999), 2**UNIT)
        assert count(*point, 1500) in {-1, exact_count(*point, 1500)}


@pytest.mark.parametrize(
    ("re", "im", "expected"),
    [
        (Fraction(-2), Fraction(0), -1),  # |z| is 2, always
        (Fraction(6, 5), Fraction(8, 5), -1),
        (2 + Fraction(1, 2**60), Fraction(0), -1),
        (2 + Fraction(1, 2**20), Fraction(0), 0),
        (2 - Fraction(1, 2**20), Fraction(0), 1),
        (Fraction(-4), Fraction(-4), 0),
        (Fraction(0), Fraction(0), 500),
        (Fraction(0), Fraction(1), -1),  # it repeats, which is not looked at
        (Fraction(-1), Fraction(0), 500),
        (Fraction(-1, 2**100), Fraction(-1, 2**150), 500),
    ],
)
def test_single_points(re: Fraction, im: Fraction, expected: int) -> None:
    assert count(re, im, 500) == expected


def test_long_orbits_can_be_abandoned() -> None:
    assert count(Fraction(0), Fraction(0), 8192) == 8192
    assert count(Fraction(0), Fraction(0), 8192, cancelled=True) == -1
