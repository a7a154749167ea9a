"""The error bounds hold, and are not so wide as to be useless; the arithmetic is what it says."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from mandelbrot import discs, double_double, fixed_point, float64, lanes, vectors
from mandelbrot.plane import Axis
from tests.mandelbrot.oracle import exact_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Inner kernels are callable from compiled code only.


@njit
def advance_float64(state: NDArray[np.float64], n: float, maxiter: int) -> float:
    error2 = discs.ROUNDING * discs.ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    scale = growth**float64.CERTIFIED_STEPS
    e2 = kappa * (growth / 4) ** float64.CERTIFIED_STEPS
    parameters = e2 * n, scale, float(maxiter), error2
    for lane in range(0, lanes.LANES, float64.lanes_at_once_certified()):
        float64.advance_certified(state, lane, 1, parameters)
    return error2


@njit
def advance_double_double(state: NDArray[np.float64], n: float, maxiter: int) -> float:
    error2 = double_double.ROUNDING * double_double.ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    for lane in range(0, lanes.LANES, double_double.lanes_at_once()):
        double_double.advance(state, lane, 1, (growth, kappa * n, float(maxiter), error2))
    return error2


_is_certain = vectors.scalar(
    lambda *values: [values[0].constant(1).where(lanes.is_certain(*values), values[0].constant(0))],
    1,
)


@njit
def is_certain(values: tuple[float, ...]) -> bool:
    return bool(_is_certain(values)[0])


_float64_step = vectors.scalar(float64._certified_step, 2)


@njit
def float64_step(z: tuple[float, ...]) -> tuple[float, float]:
    return _float64_step(z)


@njit
def double_double_step(z: tuple[float, ...]) -> tuple[float, float, float, float]:
    return double_double.step(z)


@njit
def double_double_count(cx: float, cy: float, maxiter: int) -> int:
    return double_double.count_point(cx, cy, maxiter)


@njit
def disc_count(cx: float, cy: float, radius: float, maxiter: int) -> int:
    return discs.disc_count(cx, cy, radius, maxiter)


@njit
def multiply(a: NDArray[np.uint64], b: NDArray[np.uint64], out: NDArray[np.uint64]) -> bool:
    a2, b2 = np.empty_like(a), np.empty_like(b)
    fixed_point._magnitude(a, a2)
    fixed_point._magnitude(b, b2)
    return fixed_point._multiply(a2, b2, out)


@njit
def add_and_subtract(
    a: NDArray[np.uint64], b: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    total, difference = np.empty_like(a), np.empty_like(a)
    fixed_point._add(a, b, total)
    fixed_point._subtract(a, b, difference)
    return total, difference


@njit
def to_float(a: NDArray[np.uint64]) -> float:
    return fixed_point._to_float(a)


def points(count: int) -> Iterator[tuple[Fraction, Fraction]]:
    """Points whose orbits stay for a while: beside the boundary of the main cardioid."""
    rng = random.Random(7)  # noqa: S311 - a repeatable sample
    while count:
        c = complex(rng.uniform(-2, 0.5), rng.uniform(0, 1.2))
        near = Fraction(c.real) + Fraction(1, rng.randrange(3, 10**9)), Fraction(c.imag)
        if 60 < exact_count(*near, 400, bits=256) < 400 or rng.random() < 0.01:
            count -= 1
            yield near


@pytest.mark.parametrize("rung", ["float64", "double-double"])
def test_the_running_bound_holds(rung: str) -> None:
    sample = list(points(lanes.LANES))
    state = np.zeros(lanes.STATE)
    for i, (re, im) in enumerate(sample):
        state[lanes.CX + i], state[lanes.CY + i] = float(re), float(im)
    advance, steps = advance_float64, float64.CERTIFIED_STEPS
    if rung == "double-double":
        advance, steps = advance_double_double, double_double.STEPS
        for i, (re, im) in enumerate(sample):
            state[lanes.CXL + i] = float(re - Fraction(float(re)))
            state[lanes.CYL + i] = float(im - Fraction(float(im)))
    slack = []
    with gmpy2.context(precision=2000):
        c = [(gmpy2.mpfr(gmpy2.mpq(re)), gmpy2.mpfr(gmpy2.mpq(im))) for re, im in sample]
        true = [(gmpy2.mpfr(0), gmpy2.mpfr(0))] * len(sample)
        for n in range(steps, 121, steps):
            error2 = advance(state, float(n), 400)
            assert state[lanes.N] == n
            for i, (cx, cy) in enumerate(c):
                x, y = true[i]
                for _ in range(steps):
                    x, y = x * x - y * y + cx, 2 * x * y + cy
                    if x * x + y * y > 4:
                        x = y = gmpy2.nan()
                true[i] = x, y
                bound = float(gmpy2.sqrt(gmpy2.mpfr(error2) * n * state[lanes.S + i]))
                if gmpy2.is_nan(x) or not bound < 0.25:
                    continue
                dx, dy = state[lanes.X + i] - x, state[lanes.Y + i] - y
                if rung == "double-double":
                    dx, dy = dx + state[lanes.XL + i], dy + state[lanes.YL + i]
                error = float(gmpy2.hypot(dx, dy))
                assert error <= bound, (n, sample[i])
                slack.append(bound / max(error, 1e-40))
    assert len(slack) > 4000 / steps
    assert np.median(slack) < 30_000


@pytest.mark.parametrize(
    ("inside", "outside", "error", "n", "certain"),
    [
        (1.9, 2.1, 1e-6, 50, True),
        (1.9, 2.1, 0.12, 50, False),
        (2 - 1e-7, 2.1, 1e-6, 50, False),  # the last one inside may be outside
        (1.9, 2 + 1e-7, 1e-6, 50, False),  # the first one outside may be inside
        (1.9, 0.0, 1e-6, 100, True),  # still inside at maxiter
        (2 - 1e-7, 0.0, 1e-6, 100, False),
        (1.9, 0.0, 1e-6, 50, False),  # neither
        (1.9, 2.1, float("nan"), 50, False),
        (1.9, float("inf"), 1e-6, 50, True),
    ],
)
def test_a_count_is_certain_only_when_both_sides_are(
    inside: float,
    outside: float,
    error: float,
    n: int,
    certain: bool,  # noqa: FBT001 - parametrized
) -> None:
    values = inside**2, outside**2, error**2, error**2, float(n), 100.0
    assert is_certain(values) is certain


def test_a_float64_step_is_within_its_bound() -> None:
    rng = random.Random(1)  # noqa: S311 - a repeatable sample
    worst = 0.0
    for _ in range(20_000):
        x, y, p, q = (rng.uniform(-2, 2) for _ in range(4))
        if max(x * x + y * y, p * p + q * q) > 4:
            continue
        plain = x * x - y * y + p, 2 * x * y + q
        reordered = (p - y * y) + x * x, 2 * x * y + q
        for a, b in (plain, reordered, float64_step((x, y, p, q))):
            dx = Fraction(a) - (Fraction(x) ** 2 - Fraction(y) ** 2 + Fraction(p))
            dy = Fraction(b) - (2 * Fraction(x) * Fraction(y) + Fraction(q))
            worst = max(worst, float(dx * dx + dy * dy) ** 0.5)
    # c itself is rounded too: by up to √2 units of 2^-53.
    worst += 2**0.5 * 2.0**-53
    assert discs.ROUNDING / 6 < worst < discs.ROUNDING


def test_a_double_double_step_is_within_its_bound() -> None:
    rng = random.Random(2)  # noqa: S311 - a repeatable sample
    worst = 0.0
    for _ in range(20_000):
        high = [rng.uniform(-2, 2) for _ in range(4)]
        if max(high[0] ** 2 + high[1] ** 2, high[2] ** 2 + high[3] ** 2) > 4:
            continue
        low = [rng.uniform(-0.5, 0.5) * float(np.spacing(abs(h))) for h in high]
        x, y, p, q = (Fraction(h) + Fraction(e) for h, e in zip(high, low, strict=True))
        a, al, b, bl = double_double_step(
            (high[0], low[0], high[1], low[1], high[2], low[2], high[3], low[3])
        )
        dx = Fraction(a) + Fraction(al) - (x * x - y * y + p)
        dy = Fraction(b) + Fraction(bl) - (2 * x * y + q)
        assert abs(al) <= np.spacing(abs(a))
        assert abs(bl) <= np.spacing(abs(b))
        worst = max(worst, float(dx * dx + dy * dy) ** 0.5)
    assert double_double.ROUNDING / 100 < worst < double_double.ROUNDING


def test_a_proven_disc_holds_for_its_points() -> None:
    rng = random.Random(3)  # noqa: S311 - a repeatable sample
    proven = 0
    for _ in range(3000):
        cx, cy = rng.uniform(-2.2, 0.7), rng.uniform(-1.3, 1.3)
        radius = 10 ** rng.uniform(-9, -0.5)
        count = disc_count(cx, cy, radius, 300)
        if count < 0:
            continue
        proven += 1
        for _ in range(3):
            turn = np.exp(2j * np.pi * rng.random()) * radius * (1 - 1e-12)
            re, im = Fraction(cx) + Fraction(turn.real), Fraction(cy) + Fraction(turn.imag)
            assert exact_count(re, im, 300, bits=256) == count
    assert proven > 500


def fixed_point_counts(
    sample: list[tuple[Fraction, Fraction]], size: int, maxiter: int
) -> list[int]:
    axes = [
        Axis(int(part * d), 0, d, 1)
        for point in sample
        for part, d in zip(point, [part.denominator for part in point], strict=True)
    ]
    first = np.zeros(1, np.intp)
    found = [fixed_point.limbs(axis, size, first) for axis in axes]
    re, im = (np.concatenate([w for w, _ in found[k::2]]) for k in (0, 1))
    re_exact, im_exact = (np.concatenate([e for _, e in found[k::2]]) for k in (0, 1))
    index, counts = np.arange(len(sample)), np.empty(len(sample), np.int64)
    cancel = np.zeros(1, np.uint8)
    fixed_point.count_points(index, index, re, im, re_exact, im_exact, maxiter, cancel, counts)
    return counts.tolist()


@pytest.mark.parametrize("size", [1, 2])
def test_fixed_point_counts_are_right_or_uncertain(size: int) -> None:
    # So few digits that most of these orbits are lost in rounding: the bound must notice.
    sample = list(points(600))
    expected = [exact_count(*point, 400) for point in sample]
    found = fixed_point_counts(sample, size, 400)
    certain = [k for k, count in enumerate(found) if count >= 0]
    assert [found[k] for k in certain] == [expected[k] for k in certain]
    assert 0 < len(certain) < len(sample) or size > 1


def test_fixed_point_does_not_decide_what_it_cannot_tell_from_2() -> None:
    # |c| > 2 by less than a unit of one limb: z₁ may be in or out, although z₂ is surely out.
    beside = [(2 + Fraction(1, 2**60), Fraction(0))]
    assert exact_count(*beside[0], 10) == 0
    assert fixed_point_counts(beside, 1, 10) == [-1]
    assert fixed_point_counts(beside, 1, 1) == [-1]
    assert fixed_point_counts(beside, 2, 10) == fixed_point_counts(beside, 2, 1) == [0]


def test_double_double_counts_of_single_points_are_right_or_uncertain() -> None:
    sample = [(float(re), float(im)) for re, im in points(300)]
    found = [double_double_count(re, im, 400) for re, im in sample]
    certain = [k for k, count in enumerate(found) if count >= 0]
    assert len(certain) > 290
    for k in certain:
        re, im = sample[k]
        assert exact_count(Fraction(re), Fraction(im), 400) == found[k]
    # Escapes at 1649, of which 106 bits lose sight.
    assert double_double_count(-0.72509765625, 0.21240234375, 20_000) == -1
    # |c| > 2 by the least that float64 has: less than the comparison's own rounding.
    assert double_double_count(2 + 2.0**-51, 0.0, 10) == -1
    assert double_double_count(2 + 2.0**-51, 0.0, 1) == -1
    assert double_double_count(1.2, 1.7, 10) == 0


def test_a_slow_orbit_is_not_taken_for_a_cycle() -> None:
    # Beside parabolic points orbits nearly stand still for thousands of steps, and then leave.
    slow = [("0.25001", "0"), ("0.250001", "1e-9"), ("-0.75", "0.001")]
    sample = [(Fraction(re), Fraction(im)) for re, im in slow]
    expected = [exact_count(*point, 20_000) for point in sample]
    assert max(expected) < 20_000
    assert fixed_point_counts(sample, 3, 20_000) == expected


numbers = st.integers(-6 * 2**184, 6 * 2**184)


def words(value: int) -> NDArray[np.uint64]:
    return np.frombuffer((value % 2**192).to_bytes(24, "little"), "<u8").astype(np.uint64)


def signed(a: NDArray[np.uint64]) -> int:
    return int.from_bytes(a.astype("<u8").tobytes(), "little", signed=True)


@settings(deadline=None)  # the first example compiles
@given(numbers, numbers)
def test_fixed_point_arithmetic(a: int, b: int) -> None:
    total, difference = add_and_subtract(words(a), words(b))
    assert signed(total) == a + b
    assert signed(difference) == a - b
    assert to_float(words(a)) == pytest.approx(a / 2**184, rel=1e-14, abs=2**-183)


@settings(deadline=None)  # the first example compiles
@given(
    st.integers(-2 * 2**184, 2 * 2**184),
    st.integers(-2 * 2**184, 2 * 2**184),
    st.integers(0, 184),
)
def test_fixed_point_products_are_rounded_down_and_know_whether_exact(
    a: int, b: int, zeros: int
) -> None:
    a, b = a >> zeros << zeros, b >> zeros << zeros
    out = np.empty(3, np.uint64)
    exact = multiply(words(a), words(b), out)
    quotient, rest = divmod(abs(a) * abs(b), 2**184)
    assert signed(out) == quotient
    assert exact == (rest == 0)
