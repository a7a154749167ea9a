"""Blocks as polynomials, and entries of the table, against what they stand for: each bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import bla, blocks, deep, perturbation, render, render_tile, taylor
from mandelbrot.jit import kernel
from tests.mandelbrot.places import location

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.bla import Entry
    from mandelbrot.extended_exponent import Number, Real
    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid

    Floats = NDArray[np.float64]
    Followed = tuple[int, float, int, int, int]

step, leap, divide = taylor.step, taylor.leap, taylor.divide
follow, write, leap_of_one = blocks._follow, bla.write, perturbation.leap
SIZE = taylor.DEGREE + 1
evaluation = bla.ROUNDING[3]


@kernel(entry=True, allocates=False)
def steps(
    b: Floats, e: int, error: float, dc: Floats, dc_e: int, z: Number, out: Floats
) -> tuple[int, float, float]:
    return step(b, e, error, dc, dc_e, z, out)


@kernel(entry=True, allocates=False)
def leaps(
    b: Floats, e: int, error: float, dc: Floats, dc_e: int, row: Floats, powers: NDArray[np.int32],
    out: Floats,
) -> tuple[int, float, float]:  # fmt: skip
    return leap(b, e, error, dc, dc_e, 0, row, powers, out)


@kernel(entry=True, allocates=False)
def divided(b: Floats, x: float, y: float, scale: float, out: Floats) -> float:
    return divide(b, x, y, scale, out)


@kernel(entry=True, allocates=False)
def followed(
    b: Floats, work: Floats, dc: Floats, dc_e: int, maxiter: int, frame: Frame,
    cancel: NDArray[np.uint8],
) -> Followed:  # fmt: skip
    return follow(b, work, -(2**39), 0.0, 0, 0, dc, dc_e, maxiter, frame, cancel)


@kernel(entry=True, allocates=False)
def written(
    entry: Entry, widest: Real, row: Floats, powers: NDArray[np.int32], radii: Floats
) -> None:
    write(entry, 0, widest, 2.0**-53, evaluation, row, powers, radii)


@kernel(entry=True, allocates=False)
def leaps_of_one(
    d: Number, error: float, dc: Number, row: Floats, powers: NDArray[np.int32]
) -> tuple[Number, float]:
    return leap_of_one(d, error, dc, 0, row, powers)


def turn(angle: float) -> complex:
    return complex(np.cos(angle), np.sin(angle))


def power(e: float) -> gmpy2.mpfr:
    return gmpy2.exp2(gmpy2.mpfr(int(e)))


def number(x: complex) -> gmpy2.mpc:
    return gmpy2.mpc(complex(x))


def polynomial(coefficients: list[complex]) -> Floats:
    c = np.array(coefficients)
    return np.array([c.real, c.imag, np.abs(c) * (1 + 2.0**-45)])


def value(b: Floats, e: int, s: gmpy2.mpc) -> gmpy2.mpc:
    total = gmpy2.mpc(0)
    for k in range(SIZE - 1, -1, -1):
        total = total * s + number(complex(b[0, k], b[1, k]))
    return total * power(e)


def block(rng: np.random.Generator, decay: float) -> tuple[Floats, list[gmpy2.mpc]]:
    """Return a polynomial and places: at the first of these all of its terms have one direction."""
    first, along = rng.uniform(0, 2 * np.pi, 2)
    b = polynomial([0.9 * decay**k * turn(first + k * along) for k in range(SIZE)])
    places = [0.999 * turn(-along), turn(rng.uniform(0, 6)) * 0.999, 0.3 * turn(rng.uniform(0, 6))]
    return b, [number(s) for s in places]


@pytest.mark.parametrize(
    ("column", "decay", "tightness"),
    [  # what is largest of the error: for each, that alone has to make the bound
        (bla.CX, 0.9, 0.5),
        (bla.GX, 0.9, 0.5),
        (bla.REST, 0.01, 0.5),
        (bla.ERROR_A, 0.01, 0.5),
        (bla.ERROR_B, 0.01, 0.5),
        (bla.LIPSCHITZ, 0.01, 0.5),
        (bla.AX, 2.0**-11, 2.0**-7),  # rounding
    ],
)
def test_a_block_keeps_its_bound_in_a_leap(column: int, decay: float, tightness: float) -> None:
    rng = np.random.default_rng(4)
    out, worst = np.zeros((3, SIZE)), 0.0
    with gmpy2.context(precision=600):
        for _ in range(50):
            b, places = block(rng, decay)
            e, a_e, dc_e = (int(k) for k in rng.integers(-800, 3, 3))
            # All terms are about as large as A d.
            powers = np.array([[a_e, a_e + e - dc_e, a_e - e, a_e - 2 * e, a_e - 3 * e]], np.int32)
            row = np.zeros((1, bla.REST + 1))
            for k in (bla.AX, bla.BX, bla.CX, bla.GX):
                part = (1.0 if k in (column, bla.AX) else 0.1) * turn(rng.uniform(0, 6))
                if column not in (bla.CX, bla.GX) and k > bla.BX:
                    part *= 1e-3
                row[0, k], row[0, k + 1] = part.real, part.imag
            dc, error = rng.uniform(0.1, 0.3, 3), 0.0
            if column in (bla.REST, bla.ERROR_A, bla.ERROR_B):
                row[0, column] = 1e-8
            if column == bla.LIPSCHITZ:
                error = 1e-8
            a, by_dc, square, cube = (
                number(complex(row[0, k], row[0, k + 1])) * power(powers[0, k // 2])
                for k in (bla.AX, bla.BX, bla.CX, bla.GX)
            )
            reach = (0.9 / (1 - decay) + error) * power(e) if decay < 1 else SIZE * power(e)
            slope = abs(a) + 2 * abs(square) * reach + 3 * abs(cube) * reach**2
            row[0, bla.LIPSCHITZ] = slope / power(a_e) * (1 + 2.0**-40)
            to, bound, _ = leaps(b, e, error, dc, dc_e, row, powers, out)
            for s in places:
                d = value(b, e, s)
                d += number(error * (1 - 1e-9) * turn(rng.uniform(0, 6))) * power(e)
                at = (number(complex(dc[0], dc[1])) + s * dc[2]) * power(dc_e)
                true = ((cube * d + square) * d + a) * d + by_dc * at
                # As much as the entry allows the true orbit to be elsewhere.
                true += row[0, bla.ERROR_A] * abs(d) * power(a_e)
                true += row[0, bla.ERROR_B] * abs(at) * power(powers[0, bla.EB])
                true += row[0, bla.REST] * abs(d) ** 4 * power(powers[0, bla.ET])
                wrong = float(abs(true - value(out, to, s)) / power(to))
                assert wrong <= bound
                worst = max(worst, wrong / bound)
    assert worst > tightness


@pytest.mark.parametrize(("decay", "error"), [(0.9, 0.0), (0.1, 1e-5), (2.0**-11, 0.0)])
def test_a_block_keeps_its_bound_in_a_step(decay: float, error: float) -> None:
    rng = np.random.default_rng(5)
    out, worst = np.zeros((3, SIZE)), 0.0
    with gmpy2.context(precision=600):
        for _ in range(100):
            b, places = block(rng, decay)
            e = int(rng.integers(-600, 0))
            z_e = e + int(rng.integers(0, 4))
            x, y = rng.uniform(-1, 1, 2)
            dc, dc_e = rng.uniform(-1, 1, 3), e + z_e - int(rng.integers(0, 60))
            dc[2] = abs(dc[2])
            to, bound, _ = steps(b, e, error, dc, dc_e, (x, y, z_e), out)
            z = number(complex(x, y)) * power(z_e)
            for s in places:
                d = value(b, e, s)
                way = (z + d) / abs(z + d)  # in which d² grows most
                d += way * error * (1 - 1e-9) * power(e)
                at = (number(complex(dc[0], dc[1])) + s * dc[2]) * power(dc_e)
                wrong = float(abs((2 * z + d) * d + at - value(out, to, s)) / power(to))
                assert wrong <= bound
                worst = max(worst, wrong / bound)
    assert worst > (0.5 if decay > 0.01 else 2.0**-7)


def test_a_divided_block_keeps_its_bound() -> None:
    rng = np.random.default_rng(6)
    out, worst = np.zeros((3, SIZE)), 0.0
    with gmpy2.context(precision=300):
        for _ in range(100):
            b, places = block(rng, float(rng.choice([0.01, 0.5, 1.0])))
            x, y = rng.uniform(-0.7, 0.7, 2)
            scale = float(rng.uniform(0.2, 0.5))
            bound = divided(b, x, y, scale, out)
            for s in places:
                true = value(b, 0, number(complex(x, y)) + scale * s)
                wrong = float(abs(true - value(out, 0, s)))
                assert wrong <= bound
                worst = max(worst, wrong / bound)
    assert worst > 2.0**-12


@pytest.mark.parametrize("name", ["e14", "E21_julia", "e113", "e1000"])
def test_a_tile_as_one_block_keeps_its_bound(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(render, "DEEP", dict.fromkeys(render.DEEP, 1.0))
    results: list[tuple[Floats, Floats, int, Followed]] = []

    def one_block(grid: Grid, maxiter: int, frame: Frame, *_: object) -> bool:
        dc, b = np.zeros(3), np.zeros((3, SIZE))
        dc[0] = 0.5 * (grid.dc_re[0] + grid.dc_re[-1])
        dc[1] = 0.5 * (grid.dc_im[0] + grid.dc_im[-1])
        dc[2] = grid.radius
        cancel = np.zeros(1, np.uint8)
        state = followed(b, np.zeros_like(b), dc, grid.dc_e, maxiter, frame, cancel)
        results.append((b, dc, grid.dc_e, state))
        return True

    monkeypatch.setattr(blocks, "count_tile", one_block)
    pyramid, maxiter = location(name, levels=3, tilesize=32)
    address = -2, 9, 17
    render_tile(pyramid, *address, maxiter=maxiter)
    b, dc, dc_e, (e, error, m, n, _) = results[0]
    orbit = deep._orbit(*deep._cell(pyramid, *address), maxiter, np.zeros(1, np.uint8), None)
    assert orbit is not None
    assert n > 100
    size = float(b[2].sum())
    assert 0 < error < 2.0**-30 * size  # a bound that says something
    worst = 0.0
    with gmpy2.context(precision=64 * orbit.size + 600):
        c = gmpy2.mpc(gmpy2.mpfr(gmpy2.mpq(orbit.re)), gmpy2.mpfr(gmpy2.mpq(orbit.im)))
        for s in map(number, (0j, 0.99 + 0j, -0.99j, -0.6 + 0.6j)):
            at = c + (number(complex(dc[0], dc[1])) + s * dc[2]) * power(dc_e)
            z = reference = gmpy2.mpc(0)
            for _ in range(n):
                z = z * z + at
            for _ in range(m):
                reference = reference * reference + c
            wrong = float(abs(z - reference - value(b, e, s)) / power(e))
            assert wrong <= error, (s, n, m)
            worst = max(worst, wrong / error)
    assert worst > 2.0**-12


def test_an_entry_is_evaluated_within_its_bound() -> None:
    rng = np.random.default_rng(8)
    row, powers = np.zeros((1, bla.REST + 1)), np.zeros((1, bla.ET + 1), np.int32)
    worst, far = 0.0, np.zeros(1)
    with gmpy2.context(precision=600):
        for _ in range(400):
            a_e, b_e, d_e = (int(k) for k in rng.integers(-300, 300, 3))
            parts = [complex(*rng.uniform(-2, 2, 2)) for _ in range(5)]
            low = rng.uniform(-1, 1, 4) * 2.0**-54
            (a, b, square, cube, d) = parts
            d /= 2 * abs(d)
            # As large as they may be: 2^-6 of A d.
            square *= 2.0**-6 * abs(a) / abs(square)
            cube *= 2.0**-6 * abs(a) / abs(cube)
            entry = (
                (a.real, a.real * low[0], a.imag, a.imag * low[1], a_e),
                (b.real, b.real * low[2], b.imag, b.imag * low[3], b_e),
                (square.real, square.imag, a_e - d_e),
                (cube.real, cube.imag, a_e - 2 * d_e),
                (abs(b), b_e), (abs(square), a_e - d_e), (abs(cube), a_e - 2 * d_e),
                (0.0, -(2**40)), 0.0, 0.0, (1.0, d_e),
            )  # fmt: skip
            # B dc takes away most of the rest.
            dc = -a * d / b * (1 + rng.uniform(-1, 1) * 2.0**-20)
            dc_e = a_e + d_e - b_e
            written(entry, (2.0 * abs(dc), dc_e), row, powers, far)
            found, bound = leaps_of_one(
                (d.real, d.imag, d_e), 0.0, (dc.real, dc.imag, dc_e), row, powers
            )
            terms = [
                gmpy2.mpc(gmpy2.mpfr(p[0]) + p[1], gmpy2.mpfr(p[2]) + p[3]) * power(p[4])
                for p in entry[:2]
            ]
            w = number(d) * power(d_e)
            true = terms[0] * w + terms[1] * number(dc) * power(dc_e)
            true += number(square) * power(a_e - d_e) * w**2
            true += number(cube) * power(a_e - 2 * d_e) * w**3
            got = number(complex(found[0], found[1])) * power(found[2])
            wrong = float(abs(got - true) / power(found[2]))
            assert wrong <= bound
            worst = max(worst, wrong / bound)
    assert worst > 2.0**-6
