"""Eight differences of 106 bits together: where they drop out, and their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import deep, paired, paired_together, rim, series
from mandelbrot.jit import kernel
from mandelbrot.perturbation import Frame
from tests.mandelbrot.places import orbit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.paired import Entries
    from mandelbrot.paired_together import Group
    from mandelbrot.pairs import Four, Pair

    Floats = NDArray[np.float64]

put, walk, left = paired_together.put, paired_together.walk, paired_together.left
SIZE, NEAR_FROM = paired_together.SIZE, paired_together.NEAR_FROM


@kernel(entry=True, allocates=False)
def puts(group: Group, lane: int, d: Four, error: float, square: float, dc: Four, n: int) -> None:
    put(group, lane, d, error, square, dc, n)


@kernel(entry=True, allocates=False)
def walks(
    group: Group, size: int, m: int, scale: int, dc_e: int, maxiter: int, frame: Frame,
    table: Entries, cancel: NDArray[np.uint8],
) -> None:  # fmt: skip
    walk(group, size, m, scale, dc_e, maxiter, frame, table, cancel)


@kernel(entry=True, allocates=False)
def lefts(group: Group, lane: int) -> Pair:
    return left(group, lane)


def some_pairs(sizes: Floats, seed: int) -> Floats:
    """Return complex numbers of these sizes, of 106 bits: shape (n, 4)."""
    rng = np.random.default_rng(seed)
    turns = np.exp(2j * np.pi * rng.random(sizes.size))
    lows = rng.uniform(-1, 1, (2, sizes.size)) * 2.0**-55 * sizes
    return np.array([sizes * turns.real, lows[0], sizes * turns.imag, lows[1]]).T


def value(pair: Floats) -> gmpy2.mpc:
    x, xl, y, yl = (gmpy2.mpfr(float(p)) for p in pair)
    return gmpy2.mpc(x + xl, y + yl)


class Walk:
    """Eight orbits from Z_0 at a location, and where they drop out."""

    def __init__(
        self, name: str, d: Floats, scale: int | None, maxiter: int, error: float = 0.0
    ) -> None:
        self.orbit, cap = orbit_of(name)
        cancel, size = np.zeros(1, np.uint8), len(d)
        self.orbit.extend(cap, cancel)
        cell = self.orbit.re, self.orbit.im, self.orbit.re
        frame = deep._frame(cell, self.orbit, cap, 2.0**-42, True, np.inf, cancel)  # noqa: FBT003
        table = series.Table.build(self.orbit, self.orbit.last - 1, cancel)
        assert frame is not None
        assert table is not None
        entries = paired.Entries(table.offsets, table.entries, table.radii, table.last)
        self.dc, group = some_pairs(np.linspace(0.4, 0.9, size), 3), paired_together.group()
        group.state[:] = np.nan  # what was there before must not matter
        e = self.orbit.radius_e
        for lane in range(size):
            square = float(d[lane, 0] ** 2 + d[lane, 2] ** 2) if scale == 0 else 0.0
            puts(group, lane, tuple(d[lane]), error, square, tuple(self.dc[lane]), 0)
        unit = e if scale is None else scale
        walks(group, size, 0, unit, e, maxiter, frame, entries, cancel)
        self.m, self.n = group.m[:size], group.n[:size]
        self.left = [lefts(group, lane) for lane in range(size)]
        row = paired_together.LEFT_E
        self.error = [
            gmpy2.mpfr(float(error)) * gmpy2.exp2(int(unit))
            for error, unit in zip(group.state[row : row + size], group.scale, strict=False)
        ]

    def after(self, z: gmpy2.mpc, lane: int | None, steps: int) -> gmpy2.mpc:
        """Return z after some steps with a lane's c, or the reference's, with many digits."""
        re, im = gmpy2.mpfr(gmpy2.mpq(self.orbit.re)), gmpy2.mpfr(gmpy2.mpq(self.orbit.im))
        c = gmpy2.mpc(re, im)
        if lane is not None:
            c += value(self.dc[lane]) * gmpy2.exp2(self.orbit.radius_e)
        for _ in range(steps):
            z = z * z + c
        return z

    def off(self, lane: int, begin: gmpy2.mpc) -> tuple[gmpy2.mpfr, gmpy2.mpc]:
        """Return the error of a lane, and z where it dropped out."""
        assert self.m[lane] == self.n[lane]
        z = self.after(begin, lane, int(self.n[lane]))
        d = value(np.array(self.left[lane][:4])) * gmpy2.exp2(self.left[lane][4])
        return abs(self.after(gmpy2.mpc(0), None, int(self.m[lane])) + d - z), z


@pytest.mark.parametrize(
    ("name", "maxiter"), [("E21_julia", 3000), ("e50", 4000), ("e113", 4000), ("e1000", 1500)]
)
def test_new_orbits_keep_their_bounds_at_any_depth(name: str, maxiter: int) -> None:
    at = Walk(name, np.zeros((SIZE, 4)), None, maxiter)
    tight = 0
    with gmpy2.context(precision=64 * at.orbit.size + 2000):
        for lane in range(SIZE):
            off, _ = at.off(lane, gmpy2.mpc(0))
            assert off <= at.error[lane]
            assert at.error[lane] <= 2.0**-75 * gmpy2.exp2(at.left[lane][4])
            tight += off > at.error[lane] * 2.0**-15
    assert at.n.min() >= min(maxiter, at.orbit.last - 1)
    assert tight >= SIZE / 2


@pytest.mark.parametrize("name", ["E21_julia", "e50"])
@pytest.mark.parametrize("error", [0.0, 2.0**-90])
def test_rebased_orbits_keep_their_bounds_until_they_are_near(name: str, error: float) -> None:
    begin = some_pairs(2.0 ** -np.linspace(9, 14, SIZE), 8)
    at = Walk(name, begin, 0, 10**5, error)
    near = tight = 0
    with gmpy2.context(precision=1000):
        for lane in range(SIZE):
            off, z = at.off(lane, value(begin[lane]) + error)
            assert off <= at.error[lane]
            tight += off > at.error[lane] * 2.0**-12
            size = np.hypot(*at.left[lane][0:3:2]) * 2.0 ** at.left[lane][4]
            near += size >= NEAR_FROM and gmpy2.norm(z) >= NEAR_FROM
    assert near >= SIZE / 2
    assert tight >= SIZE / 2
    assert at.n.sum() > 300


def test_a_step_counts_only_where_it_is_like_the_others() -> None:
    rng, scale = np.random.default_rng(6), -9
    whole, none, nothing = np.zeros(1, np.int64), np.zeros(0), np.zeros((0, 1))
    entries = paired.Entries(whole, nothing, none, 0)
    held = moved = 0
    for _ in range(100):
        orbit = np.zeros((9, 4))
        orbit[:, :2] = rng.uniform(-1.4, 1.4, (9, 2))
        orbit[1] *= 2.0 ** -rng.integers(0, 20)
        orbit[2] *= rng.choice([1, 2.0**-20, 1.9 / np.hypot(*orbit[2, :2])])
        frame = Frame(
            orbit, np.zeros((1, 2)), np.zeros((1, 2), np.int64), 1, 10**9, 0.0, 0, whole, none,
            nothing, np.zeros((0, 1), np.int32), none, nothing, 0.0, 0, 0, np.inf, 1.0,
        rim.rim(0),
        )  # fmt: skip
        group = paired_together.group()
        with gmpy2.context(precision=300):
            first, second = (gmpy2.mpc(complex(*row)) for row in orbit[1:3, :2].tolist())
            begin = some_pairs(2.0 ** (9.0 - rng.integers(0, 20, SIZE)), int(rng.integers(99)))
            error = float(rng.choice([0.3, 2.0**-30, 2.0**-60])) * 2.0**-scale
            for lane, d in enumerate(begin):
                square = float(gmpy2.norm(first + value(d) * 2.0**scale))
                puts(group, lane, tuple(d), error, square, (0.0, 0.0, 0.0, 0.0), 0)
            walks(group, SIZE, 1, scale, -60, 1, frame, entries, np.zeros(1, np.uint8))
            for lane, begun in enumerate(begin):
                end = lefts(group, lane)
                found, d = value(np.array(end[:4])) * gmpy2.exp2(end[4]), value(begun) * 2.0**scale
                after = group.state[paired_together.LEFT_E + lane] * 2.0 ** int(group.scale[lane])
                z, true = first + d, (2 * first + d) * d
                off = error * 2.0**scale
                bound = (2 * abs(z) + off) * off + paired.ROUNDING * abs(z) * abs(d) * 0.9
                leaves = abs(second + true) ** 2 + 4 * bound > 3.999
                if group.n[lane]:
                    moved += 1
                    assert abs(second + found) <= 2.0001 - after
                    assert abs(found) <= abs(second + found) * 1.0001
                    assert abs(found - true) <= after
                    assert after >= bound
                else:
                    held += 1
                    assert (found, after) == (d, off)
                    assert leaves or abs(true) > abs(second + true)
    assert min(held, moved) > 80


def test_who_is_far_below_the_others_goes_alone() -> None:
    begin = some_pairs(2.0 ** -np.linspace(9, 12, SIZE), 8)
    begin[4] = 0.0  # then it is dc, 1e-1000, where the others are z²
    at = Walk("e1000", begin, 0, 1000)
    assert at.n[4] == 0
    assert np.delete(at.n, 4).min() > 1


def test_one_orbit_does_not_go_together() -> None:
    begin = some_pairs(np.array([2.0**-10]), 8)
    at = Walk("E21_julia", begin, 0, 1000, 2.0**-90)
    assert at.n.tolist() == [0]
    assert at.error == [2.0**-90]
    assert value(np.array(at.left[0][:4])) * gmpy2.exp2(at.left[0][4]) == value(begin[0])
