"""Numbers of 184 bits with an exponent keep their bounds, whatever their signs and sizes."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import triples
from mandelbrot.extended_exponent import ZERO
from mandelbrot.jit import kernel
from mandelbrot.triples import LAST, UNIT, Triple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mandelbrot.extended_exponent import Number

_normal, _product, _total, _high = triples.normal, triples.product, triples.total, triples.high
_left, _right = triples._shift_left, triples._shift_right

ONE = 1 << UNIT


@kernel(entry=True)
def normals(a: Triple) -> Triple:
    return _normal(a)


@kernel(entry=True)
def products(a: Triple, b: Triple) -> Triple:
    return _product(a, b)


@kernel(entry=True)
def totals(a: Triple, b: Triple) -> Triple:
    return _total(a, b)


@kernel(entry=True)
def highs(a: Triple) -> Number:
    return _high(a)


@kernel(entry=True)
def shifted(a: Triple, left: int, right: int) -> Triple:
    return _left(a[0], left), _right(a[1], right), a[2]


def triple(x: int, y: int, e: int = 0) -> Triple:
    """Return a number of two integers in units of 2^(e - UNIT)."""
    words = [np.frombuffer(v.to_bytes(24, "little", signed=True), "<u8") for v in (x, y)]
    return tuple(words[0]), tuple(words[1]), e


def integers(a: Triple) -> tuple[int, int]:
    real, imaginary = (
        int.from_bytes(np.array(part, "<u8").tobytes(), "little", signed=True) for part in a[:2]
    )
    return real, imaginary


def again(a: Triple) -> Triple:
    """Return what a kernel returned as it takes it: of uint64, not of int."""
    return triple(*integers(a), a[2])


def size_of(x: Fraction, y: Fraction) -> gmpy2.mpfr:
    return gmpy2.hypot(gmpy2.mpq(x), gmpy2.mpq(y))


def error_of(found: Triple, x: Fraction, y: Fraction, e: int) -> float:
    """Return the distance from (x + iy) 2^e, in units of 2^e."""
    unit = Fraction(2) ** (found[2] - e) / ONE
    real, imaginary = integers(found)
    return float(size_of(real * unit - x, imaginary * unit - y))


def random_part(rng: random.Random, top: int) -> int:
    """Return an integer of up to UNIT + `top` bits: of any size, or where carries are longest."""
    bits = rng.choice([UNIT + top, UNIT + top, rng.randrange(UNIT + top + 1)])
    size = rng.getrandbits(bits)
    if rng.random() < 0.3:
        size = min((1 << bits) + rng.choice([-1, 0, 1]), (1 << (UNIT + top)) - 1)
    if rng.random() < 0.1:
        size = 0
    return rng.choice([-1, 1]) * max(size, 0)


def samples(count: int, top: int) -> Iterator[tuple[int, int]]:
    rng = random.Random(top)  # noqa: S311 - a repeatable sample
    for _ in range(count):
        yield random_part(rng, top), random_part(rng, top)


def test_shifts_round_down() -> None:
    for k, (x, y) in enumerate(samples(2000, 7)):
        left, right = k % 186, k * 5 % 193
        found = integers(shifted(triple(x, y), left, right))
        wrapped = (x << left) & (2**192 - 1)
        assert found == (wrapped - ((wrapped >> 191) << 192), y >> right)


def test_normal_numbers_have_a_larger_part_of_at_least_one() -> None:
    exact = rounded = 0
    for x, y in samples(4000, 5):
        found = normals(triple(x, y, -70))
        largest = max(abs(part) for part in integers(found))
        if not x and not y:
            assert largest == 0
            continue
        assert ONE <= largest < 2 * ONE or (largest == 2 * ONE and -largest in integers(found))
        error = error_of(found, Fraction(x, ONE), Fraction(y, ONE), -70)
        assert error <= LAST * 2.0 ** (found[2] + 70)
        if max(abs(x), abs(y)) < 2 * ONE:
            assert error == 0
            exact += 1
        rounded += error > LAST * 2.0 ** (found[2] + 70) / 16
    assert exact > 100
    assert rounded > 100


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (ONE, 0, (ONE, 0, 0)),
        (-ONE, 0, (-2 * ONE, 0, -1)),
        (-ONE - 1, 0, (-ONE - 1, 0, 0)),
        (1 - ONE, ONE - 1, (2 - 2 * ONE, 2 * ONE - 2, -1)),
        (1, 0, (ONE, 0, -UNIT)),
        (0, -1, (0, -2 * ONE, -UNIT - 1)),
        (-1, -1, (-2 * ONE, -2 * ONE, -UNIT - 1)),
        (-3, 0, (-3 << (UNIT - 1), 0, 1 - UNIT)),
        (8 * ONE - 1, -1, (2 * ONE - 1, -1, 2)),  # rounded down, both
        (24 * ONE, 3 - 24 * ONE, (24 * ONE >> 4, -24 * ONE >> 4, 4)),
    ],
)
def test_single_normal_numbers(x: int, y: int, expected: tuple[int, int, int]) -> None:
    found = normals(triple(x, y))
    assert (*integers(found), found[2]) == expected


def test_nothing_has_an_exponent_that_its_error_fits() -> None:
    # A difference that cancels is 0 give or take its rounding, which is then relative to 2^e.
    found = normals(again(totals(triple(ONE, 5, 7), triple(-ONE, -5, 7))))
    assert integers(found) == (0, 0)
    assert -200 < found[2] < -100
    assert ZERO - 400 < normals(triple(0, 0, ZERO))[2] <= ZERO


def test_products_keep_their_bound() -> None:
    tight = signs = 0
    sample = samples(8000, 2)
    for (ax, ay), (bx, by) in zip(sample, sample, strict=True):
        a, b = (Fraction(ax, ONE), Fraction(ay, ONE)), (Fraction(bx, ONE), Fraction(by, ONE))
        if size_of(*a) * size_of(*b) >= 32:
            continue
        found = products(triple(ax, ay, 9), triple(bx, by, -1200))
        assert found[2] == 9 - 1200
        true = a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
        error = error_of(found, *true, 9 - 1200)
        assert error <= 2 * LAST
        if all((part * ONE).denominator == 1 for part in true) and not ay and not by:
            assert error == 0
        tight += error > LAST / 8
        signs |= 1 << (4 * (ax < 0) + 2 * (by < 0) + (ay < 0))
    assert tight > 1000
    assert signs == 2**8 - 1


def test_products_of_few_bits_are_exact() -> None:
    rng = random.Random(4)  # noqa: S311 - a repeatable sample
    for _ in range(500):
        ax, ay, bx, by = (rng.randrange(-(2**90), 2**90) for _ in range(4))
        unit = 1 << (UNIT - 89)
        found = products(triple(ax * unit, ay * unit), triple(bx * unit, by * unit))
        scale = Fraction(1, 2**178)
        assert error_of(found, (ax * bx - ay * by) * scale, (ax * by + ay * bx) * scale, 0) == 0


def test_sums_keep_their_bound() -> None:
    tight = dropped = 0
    sample = samples(8000, 2)
    rng = random.Random(6)  # noqa: S311 - a repeatable sample
    for (ax, ay), (bx, by) in zip(sample, sample, strict=True):
        down = rng.choice([0, 1, 63, 64, 65, 128, 183, 184, 191, 192, 193, 200, 5000, 2**30])
        down = rng.choice([down, rng.randrange(220)])
        a, b = triple(ax, ay, -30), triple(bx, by, -30 - down)
        found, turned = totals(a, b), totals(b, a)
        assert found[2] == turned[2] == -30
        unit = Fraction(1, 2 ** min(down, 1000)) / ONE  # smaller ones are 0 in all that is asked
        x, y = Fraction(ax, ONE) + bx * unit, Fraction(ay, ONE) + by * unit
        error = error_of(found, x, y, -30)
        assert error <= LAST
        assert error_of(turned, x, y, -30) == error
        lost = (bx | by) & ((1 << min(down, 400)) - 1)
        if not lost:
            assert error == 0
        tight += error > LAST / 4
        dropped += integers(found) == (ax, ay)
    assert tight > 1000
    assert dropped > 500


def test_what_is_beyond_the_last_digit_is_dropped_within_the_bound() -> None:
    # The largest that a product may be, right where sums no longer look at it.
    for down in range(185, 195):
        for x, y in [(24, 24), (-24, -24), (24, -1), (-1, 24)]:
            small = triple(x * ONE, y * ONE, -down)
            found = totals(triple(ONE, -ONE), small)
            scale = Fraction(1, 2**down)
            assert error_of(found, 1 + x * scale, -1 + y * scale, 0) <= LAST


def test_opposites_cancel_exactly() -> None:
    for x, y in samples(300, 2):
        assert integers(totals(triple(x, y, 3), triple(-x, -y, 3))) == (0, 0)
        # All but the last digits.
        near = totals(triple(x, y, 3), triple(1 - x, -1 - y, 3))
        assert integers(near) == (1, -1)


@pytest.mark.parametrize("is_normal", [False, True])
def test_the_high_part_keeps_its_bound(is_normal: bool) -> None:  # noqa: FBT001 - a parameter
    for x, y in samples(3000, 5):
        a = triple(x, y, 40)
        a = again(normals(a)) if is_normal else a
        found = highs(a)
        assert found[2] == a[2]
        true = [Fraction(part, ONE) for part in integers(a)]
        error = size_of(Fraction(found[0]) - true[0], Fraction(found[1]) - true[1])
        assert error <= size_of(*true) * 2.0**-51 + LAST
        for part, value in zip(true, found[:2], strict=True):
            assert (part < 0) == (np.signbit(value))
