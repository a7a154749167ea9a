"""What NumPy counts while the kernels are being compiled has the bytes of the kernels."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mandelbrot import Pyramid, meanwhile, render_tile
from tests.mandelbrot.oracle import exact_count

PLACES = {
    "whole": (("0", "0"), "5"),
    "seahorse": (("-0.743643887037151", "0.131825904205330"), "1e-6"),
    "needle": (("-1.9400001", "1e-9"), "1e-3"),
    "tip": (("-2", "0"), "1e-9"),
    "cusp": (("0.25", "0"), "1e-3"),
    "i": (("0", "1"), "1e-5"),
    "|z| is 2": (("1.2", "1.6"), "1e-10"),
    "beyond float64": (("0", "0"), "1e200"),
}


def never() -> bool:
    return False


@pytest.mark.parametrize("sampling", ["center", "corner"])
@pytest.mark.parametrize("maxiter", [1, 255, 1000])
@pytest.mark.parametrize("place", PLACES)
def test_tiles_are_those_of_the_kernels(
    place: str, maxiter: int, sampling: Literal["center", "corner"]
) -> None:
    center, width = PLACES[place]
    pyramid = Pyramid(1, 96, center, width, sampling)
    expected = render_tile(pyramid, 0, 1, 1, maxiter=maxiter)
    out, unsure = np.empty(expected.shape, np.uint16), np.zeros(expected.shape, np.bool_)
    assert meanwhile.count(pyramid.tile(0, 1, 1), maxiter, out, unsure, never)
    assert np.count_nonzero(unsure) <= (unsure.size if place == "seahorse" else 8)
    np.testing.assert_array_equal(np.where(unsure, expected, out), expected)


@settings(max_examples=30)
@given(st.floats(-2, 1), st.floats(-1.3, 1.3), st.integers(-40, 0), st.integers(1, 400))
def test_random_tiles_are_those_of_exact_arithmetic(
    re: float, im: float, exponent: int, maxiter: int
) -> None:
    tile = Pyramid(1, 4, (re, im), Fraction(2) ** exponent).tile(0, 0, 0)
    out, unsure = np.empty((4, 4), np.uint16), np.zeros((4, 4), np.bool_)
    assert meanwhile.count(tile, maxiter, out, unsure, never)
    for j, i in np.argwhere(~unsure).tolist():
        assert out[j, i] == exact_count(tile.re[i], tile.im[j], maxiter)


@pytest.mark.parametrize("maxiter", [100, 1000])
def test_integers_are_certain_when_they_have_the_digits(maxiter: int) -> None:
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, 40)
    cusp = (2 * np.exp(1j * angles) - np.exp(2j * angles)) / 4 * (1 + 1e-3)
    counts = []
    for c in cusp:
        re, im = Fraction(float(c.real)), Fraction(float(c.imag))
        expected = exact_count(re, im, maxiter, bits=4096)
        for bits in (16, 32, 64, 128, 2048):
            counts.append(meanwhile.integer_count(re, im, maxiter, bits))
            assert counts[-1] in {None, expected}
        assert counts[-1] == expected
    assert None in counts


def test_it_stops_when_told() -> None:
    tile = Pyramid(1, 64).tile(0, 0, 0)
    out, unsure = np.empty((64, 64), np.uint8), np.zeros((64, 64), np.bool_)
    calls = iter(range(100))
    assert not meanwhile.count(tile, 255, out, unsure, lambda: next(calls) > 5)
    assert next(calls) < 15
