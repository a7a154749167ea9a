"""The phases of single deep orbits: moves by a reference, and lanes of plain iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import bla, direct, far, perturbation, rim
from mandelbrot.extended_exponent import normal, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.perturbation import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Steps = Callable[[NDArray[np.float64], int, NDArray[np.float64], Frame], int]


def test_the_longest_entry_is_found_wherever_the_search_begins() -> None:
    find = perturbation.find

    @kernel(entry=True, allocates=False)
    def found(
        offsets: NDArray[np.int64], radii: NDArray[np.float64], m: int, last: int, steps: int,
        size: float, hint: int,
    ) -> tuple[int, int]:  # fmt: skip
        return find(offsets, radii, m, last, steps, size, bla.SHORTEST, hint)

    rng, last = np.random.default_rng(5), 1000
    counts = [0] * bla.SHORTEST + [(last - 1) >> level for level in range(bla.SHORTEST, 10)]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    radii = rng.uniform(0, 2, offsets[-1])
    for level in range(bla.SHORTEST + 1, 10):  # no entry reaches farther than its first part
        for k in range(counts[level]):
            at = offsets[level] + k
            radii[at] = min(radii[at], radii[offsets[level - 1] + 2 * k])
    lengths = set()
    for _ in range(3000):
        level = int(rng.integers(0, 10))
        m = 1 + (int(rng.integers(0, last)) >> level << level)
        steps, size = int(2 ** rng.uniform(0, 11)), float(rng.uniform(0, 1))
        valid = [
            (int(offsets[level]) + (m - 1 >> level), level)
            for level in range(bla.SHORTEST, 10)
            if (m - 1) % 2**level == 0
            and m + 2**level <= last
            and 2**level <= steps
            and size < radii[offsets[level] + (m - 1 >> level)]
        ]
        for hint in (0, 3, 6, 12):
            assert found(offsets, radii, m, last, steps, size, hint) == (
                valid[-1] if valid else (-1, 0)
            )
        lengths.add(valid[-1][1] if valid else 0)
    assert len(lengths) > 6


def with_follow() -> Steps:
    """Return what takes a step of each orbit within float64's range."""
    follow = far.follow

    @kernel(entry=True, allocates=False)
    def steps(state: NDArray[np.float64], m: int, memory: NDArray[np.float64], frame: Frame) -> int:
        certain = 0
        for i in range(state.shape[0]):
            status, x, y, error, to, _ = follow(
                state[i, 0], state[i, 1], state[i, 2], (1.0, 0.0, -90), m + i, 0, 1, memory, 0,
                frame,
            )  # fmt: skip
            certain += status == perturbation.CERTAIN
            state[i, 0], state[i, 1], state[i, 2], state[i, 3] = x, y, error, to
        return certain

    return steps


def with_move() -> Steps:
    """Return the same for orbits below it."""
    move = perturbation.move

    @kernel(entry=True, allocates=False)
    def steps(state: NDArray[np.float64], m: int, _: NDArray[np.float64], frame: Frame) -> int:
        certain = 0
        for i in range(state.shape[0]):
            d = normal(state[i, 0], state[i, 1], 0)
            error = state[i, 2] * power_of_two(-d[2])
            d, error, to, _steps, known, _rebased = move(
                d, error, (1.0, 0.0, -90), m + i, 1, frame
            )  # fmt: skip
            f = power_of_two(d[2])
            certain += known > 0
            if known == 2:  # else the orbit is not followed
                state[i, 0], state[i, 1], state[i, 2] = d[0] * f, d[1] * f, error * f
                state[i, 3] = to
            else:
                state[i, 3] = m + i
        return certain

    return steps


@pytest.mark.parametrize("way", [with_follow, with_move])
def test_orbits_are_rebased_before_their_bound_stops_holding(way: Callable[[], Steps]) -> None:
    steps = way()
    rng, size = np.random.default_rng(11), 200
    orbit = rng.uniform(-0.9, 0.9, (size + 2, 4)) * 10.0 ** -rng.integers(0, 5, (size + 2, 1))
    state = np.zeros((size, 4))
    state[:, :2] = rng.uniform(-0.4, 0.4, (size, 2)) * np.abs(orbit[1:-1, :2])
    state[:, 2] = 1e-15
    nothing, integers = np.zeros((1, bla.REST + 1)), np.zeros(1, np.int64)
    frame = Frame(
        orbit, np.zeros((1, 2)), np.zeros((1, 2), np.int64), 1, 10**9, 0.0, 0, integers, nothing[0],
        nothing, np.zeros((1, bla.ET + 1), np.int32), nothing[0], nothing, 0.0, 0, 0, np.inf, 1.0,
        rim.rim(0),
    )  # fmt: skip
    before = state.copy()
    assert steps(state, 1, np.zeros((1, 7)), frame) > size / 2
    moved = state[:, 3] != np.arange(1, size + 1)
    rebased = state[:, 3] == 0
    d = np.hypot(state[:, 0], state[:, 1])
    z = np.where(rebased, d, np.hypot(*(orbit[2:, :2] + state[:, :2]).T))
    assert moved.sum() > size / 2
    assert 10 < rebased.sum() < moved.sum() - 10
    # What the bound of a step's rounding takes for granted.
    assert (d <= z * (1 + 1e-12))[moved].all()
    first = np.hypot(*(orbit[1:-1, :2] + before[:, :2]).T)
    assert (state[:, 2] >= 2 * first * before[:, 2])[moved].all()


def test_lanes_keep_their_bounds_and_stay_within_theirs() -> None:
    advance, leave = direct.advance, direct.leave

    @kernel(entry=True, allocates=False)
    def rounds(
        state: NDArray[np.float64], width: int, count: int, small: float, chosen: NDArray[np.int32]
    ) -> int:
        for _ in range(count):
            stopped = advance(state, width, small, direct.FLOOR, 10**9, chosen)
        return stopped

    @kernel(entry=True, allocates=False)
    def end(state: NDArray[np.float64], lane: int, cap: int, small: float) -> tuple[float, ...]:
        return leave(state, lane, cap, small, direct.FLOOR)

    rng, width, small = np.random.default_rng(7), direct.LANES, 2.0**-5
    state = np.zeros(direct.STATE)

    def row(at: int) -> NDArray[np.float64]:
        return state[at : at + width]

    row(direct.X)[:], row(direct.Y)[:] = rng.uniform(-0.5, 0.5, (2, width))
    turn = np.exp(2j * np.pi * rng.random(width))
    c = turn / 2 - turn**2 / 4  # the cardioid, where orbits stay long
    row(direct.CX)[:], row(direct.CY)[:] = c.real + 1e-3, c.imag
    row(direct.T)[:] = 1e-24
    with gmpy2.context(precision=400):
        true = [
            (gmpy2.mpc(x + 5e-13, y), gmpy2.mpc(cx, cy))
            for x, y, cx, cy in zip(
                *(row(at) for at in (direct.X, direct.Y, direct.CX, direct.CY)), strict=True
            )
        ]
        taken, chosen = 7 * direct.ROUND * direct.STEPS, np.zeros(width, np.int32)
        stopped = chosen[: rounds(state, width, 7, small, chosen)].tolist()
        assert 10 < len(stopped) < width - 10
        assert stopped == np.flatnonzero(row(direct.N) < taken).tolist()
        tight = 0
        for i, (begin, at) in enumerate(true):
            x, y, t, n = (
                float(row(place)[i]) for place in (direct.X, direct.Y, direct.T, direct.N)
            )
            if i in stopped:
                last = end(state, i, 10**9, small)
                assert n <= last[3] < n + direct.STEPS
                assert end(state, i, int(n), small)[:4] == (x, y, t, n)
                x, y, t, n, u, v, after = last
            z = begin
            for _ in range(int(n)):
                z = z * z + at
                assert gmpy2.norm(z) >= small * 0.999
            found = gmpy2.mpc(x, y)
            assert small * 0.999 <= gmpy2.norm(found) <= 4
            bound = gmpy2.sqrt(gmpy2.mpfr(t))
            assert abs(found - z) <= bound
            tight += abs(found - z) > bound / 100
            if i in stopped:
                left = gmpy2.norm(found * found + at)
                assert left > 3.999 or left < small * 1.001
                assert abs(gmpy2.mpc(u, v) - (z * z + at)) <= gmpy2.sqrt(gmpy2.mpfr(after))
        assert tight > width / 4
