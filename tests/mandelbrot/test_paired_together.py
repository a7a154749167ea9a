"""Eight differences of 106 bits together: where they drop out, and their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import deep, paired, paired_together, series
from mandelbrot.jit import kernel
from tests.mandelbrot.test_deep import orbit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.paired import Entries
    from mandelbrot.paired_together import Group
    from mandelbrot.pairs import Four, Pair
    from mandelbrot.perturbation import Frame

    Floats = NDArray[np.float64]

put, walk, left = paired_together.put, paired_together.walk, paired_together.left
SIZE, NEAR_FROM = paired_together.SIZE, paired_together.NEAR_FROM


@kernel(entry=True, allocates=False)
def puts(group: Group, lane: int, d: Four, error: float, square: float, dc: Four, n: int) -> None:
    put(group, lane, d, error, square, dc, n)


@kernel(entry=True, allocates=False)
def walks(
    group: Group, size: int, scale: int, dc_e: int, maxiter: int, frame: Frame, table: Entries,
    cancel: NDArray[np.uint8],
) -> None:  # fmt: skip
    walk(group, size, 0, scale, dc_e, maxiter, frame, table, cancel)


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
        walks(group, size, e if scale is None else scale, e, maxiter, frame, entries, cancel)
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
