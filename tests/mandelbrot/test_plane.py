from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mandelbrot import Pyramid
from mandelbrot.plane import Axis, exact, exact_text

fractions = st.fractions(max_denominator=10**40)


def test_level_covers_the_square_from_the_top_left() -> None:
    pyramid = Pyramid(levels=3, tilesize=4, center=("1/3", "-0.25"), width="0.75")
    assert [pyramid.tiles(level) for level in (2, 1, 0, -1)] == [2, 4, 8, 16]
    h = pyramid.pixel_size(0)
    assert h == Fraction(3, 4) / 32
    first, last = pyramid.tile(0, 0, 0), pyramid.tile(0, 7, 7)
    assert first.re[0] - h / 2 == Fraction(1, 3) - Fraction(3, 8)
    assert first.im[0] + h / 2 == Fraction(-1, 4) + Fraction(3, 8)
    assert last.re[3] + h / 2 == Fraction(1, 3) + Fraction(3, 8)
    assert last.im[3] - h / 2 == Fraction(-1, 4) - Fraction(3, 8)


def test_corner_samples_are_among_those_of_the_finer_level() -> None:
    pyramid = Pyramid(levels=40, tilesize=10, sampling="corner")
    coarse, fine = pyramid.tile(5, 3, 7), pyramid.tile(4, 6, 14)
    assert [coarse.re[k] for k in range(5)] == [fine.re[2 * k] for k in range(5)]
    assert [coarse.im[k] for k in range(5)] == [fine.im[2 * k] for k in range(5)]


def test_neighbouring_tiles_continue_each_other_at_any_depth() -> None:
    pyramid = Pyramid(levels=3, tilesize=4, width="1e-1000", center=("-0.75", "1e-999"))
    row = 2**5000 + 17
    left, right = pyramid.tile(-6000, row, row), pyramid.tile(-6000, row + 1, row + 1)
    assert right.re[0] - left.re[3] == pyramid.pixel_size(-6000)
    assert left.im[3] - right.im[0] == pyramid.pixel_size(-6000)


@given(st.integers(-(2**70), 2**70), st.integers(1, 2**70), st.integers(1, 2**90))
def test_axis_values_are_rounded_once_and_the_rest_is_kept(
    first: int, step: int, denominator: int
) -> None:
    axis = Axis(first, step, denominator, size=3)
    far = Fraction(2**64)
    for k, (high, low) in enumerate(
        zip(axis.float64().tolist(), axis.low(np.arange(3)).tolist(), strict=True)
    ):
        if abs(axis[k]) <= far:
            assert high == float(axis[k])
            assert abs(Fraction(high) + Fraction(low) - axis[k]) <= abs(axis[k]) / 2**106
        else:
            assert abs(high) == far


def test_axis_knows_its_ends() -> None:
    axis = Axis(0, 1, 1, size=3)
    with pytest.raises(IndexError, match="sample 3 of an axis with 3 samples"):
        axis[3]


@given(fractions)
def test_exact_text_is_exact(value: Fraction) -> None:
    assert exact(exact_text(value), "value") == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("-0.75", Fraction(-3, 4)),
        ("-.75", Fraction(-3, 4)),
        ("5.", Fraction(5)),
        (" 1e-3 ", Fraction(1, 1000)),
        ("1/3", Fraction(1, 3)),
        (0.1, Fraction(0.1)),
        (Decimal("0.1"), Fraction(1, 10)),
        (np.float64(0.5), Fraction(1, 2)),
        (np.int32(-3), Fraction(-3)),
        ("3" * 9000 + "e-9000", Fraction(1, 3) * (1 - Fraction(1, 10**9000))),
    ],
)
def test_numbers_are_taken_exactly(written: object, value: Fraction) -> None:
    assert exact(written, "x") == value


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"levels": 0}, ValueError, "levels=0: expected an integer of at least 1"),
        ({"levels": True}, TypeError, "levels=True: expected an integer"),
        ({"levels": 1.5}, TypeError, "not float"),
        ({"tilesize": 0}, ValueError, "tilesize=0"),
        ({"tilesize": "8"}, TypeError, "tilesize='8'"),
        ({"width": 0}, ValueError, "width=0: expected a positive number"),
        ({"width": "-1e-3"}, ValueError, "expected a positive number"),
        ({"width": float("nan")}, ValueError, "width='nan': expected a finite number"),
        ({"width": float("inf")}, ValueError, "expected a finite number"),
        ({"width": Decimal("NaN")}, ValueError, "expected a finite number"),
        ({"width": "1e9999999999"}, ValueError, "expected a finite number"),
        ({"width": "1e2000000"}, ValueError, "at most 1000000 digits"),
        ({"width": "1/0"}, ValueError, "expected a finite number"),
        ({"width": "\u0661"}, ValueError, "expected a finite number"),
        ({"width": ""}, ValueError, "expected a finite number"),
        ({"width": "0x10"}, ValueError, "expected a finite number"),
        ({"width": True}, TypeError, "width=True"),
        ({"width": None}, TypeError, "not NoneType"),
        ({"width": 1j}, TypeError, "not complex"),
        ({"center": 3}, TypeError, "center=3: expected a pair"),
        ({"center": (1, 2, 3)}, TypeError, "expected a pair"),
        ({"center": ("x", 1)}, ValueError, r"center\[0\]='x'"),
        ({"sampling": "middle"}, ValueError, "sampling='middle': expected 'center' or 'corner'"),
    ],
)
def test_bad_parameters(parameters: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Pyramid(**parameters)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ((0, -1, 0), ValueError),
        ((0, 0, 8), ValueError),
        ((4, 0, 0), ValueError),
        ((0, 1.0, 0), TypeError),
        (("0", 0, 0), TypeError),
        ((-10_000, 2**10_003, 0), ValueError),
    ],
)
def test_bad_addresses(address: tuple[int, int, int], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected an integer"):
        Pyramid(levels=3).tile(*address)


def test_pyramids_are_values() -> None:
    pyramid = Pyramid(center=("0.5", 0), width=Fraction(1, 3))
    assert pickle.loads(pickle.dumps(pyramid)) == pyramid  # noqa: S301 - our own bytes
    assert hash(pyramid) == hash(Pyramid(center=(0.5, 0.0), width="1/3"))
    assert "1e-" in repr(Pyramid(width="1e-9000"))


@pytest.mark.parametrize("denominator", [3, 2**20 * 5, 2**53 - 1, 2**53 + 1, 3**40])
@pytest.mark.parametrize("first", [-7, 1 - 2**53, 2**60 + 1])
def test_points_are_rounded_once(first: int, denominator: int) -> None:
    axis = Axis(first, 2**50 + 3, denominator, 9)
    assert axis.float64().tolist() == [float(axis[k]) for k in range(9)]
