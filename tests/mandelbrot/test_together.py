"""Eight orbits together: where they drop out, and their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import deep, rim, together
from mandelbrot.jit import kernel
from mandelbrot.perturbation import Frame
from tests.mandelbrot.places import orbit_of

if TYPE_CHECKING:
    from mandelbrot.together import Group

    Pair = tuple[float, float]

put, walk, SIZE = together.put, together.walk, together.SIZE
NEAR = 2.0**-18


@kernel(entry=True, allocates=False)
def puts(group: Group, lane: int, d: Pair, error: float, z: Pair, p: Pair, q: Pair, n: int) -> None:
    put(group, lane, d, error, z, p, q, n)


@kernel(entry=True, allocates=False)
def walks(group: Group, size: int, m: int, maxiter: int, frame: Frame) -> int:
    return walk(group, size, m, maxiter, frame)


class Walk:
    """Eight orbits at one place of a location's reference, and where they drop out."""

    def __init__(
        self, name: str, d: list[complex], m: int, *, n: int = 0, maxiter: int = 10**6,
        error: float = 0.0, strict: bool = True,
    ) -> None:  # fmt: skip
        self.orbit, cap = orbit_of(name)
        cancel = np.zeros(1, np.uint8)
        self.orbit.extend(cap, cancel)
        self.unit = 2.0**self.orbit.radius_e
        cell = self.orbit.re, self.orbit.im, self.orbit.re
        precision = "exact" if strict else "fast"
        frame = deep._frame(cell, self.orbit, cap, deep.EPSILON[precision], strict, NEAR, cancel)
        assert frame is not None
        self.frame, self.m, group = frame, m, together.group()
        group.state[:] = np.nan  # what was there before must not matter
        rng = np.random.default_rng(len(d))
        self.dc = [complex(*rng.uniform(-0.7, 0.7, 2)) for _ in d]
        for lane, (x, c) in enumerate(zip(d, self.dc, strict=True)):
            z = complex(*frame.orbit[m, :2]) + x
            p = c * self.unit
            puts(
                group, lane, (x.real, x.imag), error, (z.real, z.imag), (p.real, p.imag),
                (c.real, c.imag), n,
            )  # fmt: skip
        self.near = walks(group, len(d), m, maxiter, frame)
        state = group.state.reshape(-1, SIZE)[:, : len(d)]
        rows = (place // SIZE for place in (together.LEFT_X, together.LEFT_Y, together.LEFT_E))
        x, y, self.error = (state[row] for row in rows)
        self.d, self.to, self.n = x + 1j * y, group.m[: len(d)], group.n[: len(d)]

    def reference(self, m: int) -> gmpy2.mpc:
        """Return Z_m with many digits."""
        return self.after(gmpy2.mpc(0), gmpy2.mpc(0), m)

    def after(self, z: gmpy2.mpc, dc: gmpy2.mpc, steps: int) -> gmpy2.mpc:
        """Return z after some steps, with many digits."""
        re, im = gmpy2.mpfr(gmpy2.mpq(self.orbit.re)), gmpy2.mpfr(gmpy2.mpq(self.orbit.im))
        c = gmpy2.mpc(re, im) + dc
        for _ in range(steps):
            z = z * z + c
        return z


def spread(smallest: float, largest: float) -> list[complex]:
    """Return eight numbers of these sizes."""
    rng = np.random.default_rng(8)
    sizes = 2.0 ** rng.uniform(smallest, largest, SIZE)
    return (sizes * np.exp(2j * np.pi * rng.random(SIZE))).tolist()


@pytest.mark.parametrize("name", ["E21_julia", "e113"])
@pytest.mark.parametrize(
    ("m", "smallest", "largest"), [(0, -16, -12), (1, -40, -20), (9, -60, -50)]
)
@pytest.mark.parametrize("error", [0.0, 2.0**-20])
def test_orbits_keep_their_bounds_until_they_drop_out(
    name: str, m: int, smallest: float, largest: float, error: float
) -> None:
    begin, error = spread(smallest, largest), error * 2.0**smallest
    at = Walk(name, begin, m, error=error)
    tight = 0
    with gmpy2.context(precision=1500):
        for lane, d in enumerate(begin):
            steps, to, dc = int(at.n[lane]), int(at.to[lane]), gmpy2.mpc(at.dc[lane]) * at.unit
            assert to == m + steps
            z = at.after(at.reference(m) + d + error, dc, steps)
            found = gmpy2.mpc(complex(at.d[lane]))
            off, bound = abs(at.reference(to) + found - z), at.error[lane]
            assert off <= bound
            tight += off > bound / 2000
            is_near = abs(found) >= NEAR and gmpy2.norm(z) >= NEAR
            assert is_near == bool(at.near >> lane & 1)
            if not is_near and (at.n > steps).sum() >= together.FEWEST:
                assert leaves_or_is_rebased(at, z, to, dc)
    assert at.n.sum() > 100
    assert tight >= SIZE / 2


def leaves_or_is_rebased(at: Walk, z: gmpy2.mpc, m: int, dc: gmpy2.mpc) -> bool:
    """Whether an orbit does so within an entry's length."""
    for k in range(1, 129):
        z, reference = at.after(z, dc, 1), at.reference(m + k)
        if abs(z) > 2 or abs(z - reference) > abs(z):
            return True
    return False


def test_a_step_counts_only_where_it_is_like_the_others() -> None:
    rng, u = np.random.default_rng(6), 2.0**-53
    whole, none, nothing = np.zeros(1, np.int64), np.zeros(0), np.zeros((0, 1))
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
        group, zero = together.group(), complex(*orbit[1, :2])
        sizes = 2.0 ** -rng.integers(0, 20, SIZE)
        begin = sizes * np.exp(2j * np.pi * rng.random(SIZE))
        begin[0] = -2 * zero  # d' = 0
        error = float(rng.choice([0.3, 2.0**-30, 2.0**-60]))
        for lane, d in enumerate(begin.tolist()):
            z = zero + d
            puts(group, lane, (d.real, d.imag), error, (z.real, z.imag), (0, 0), (0, 0), 0)
        assert walks(group, SIZE, 1, 1, frame) == 0
        rows = (place // SIZE for place in (together.LEFT_X, together.LEFT_Y, together.LEFT_E))
        x, y, after = (group.state.reshape(-1, SIZE)[row] for row in rows)
        assert group.n[0] == 0
        for lane, d in enumerate(begin.tolist()):
            found, z, after_z = complex(x[lane], y[lane]), zero + d, complex(*orbit[2, :2])
            true = (zero + z) * d
            bound = (2 * abs(z) + error) * error + 20 * u * abs(z) * abs(d)
            leaves = abs(after_z + true) ** 2 + 4 * bound > 3.999
            fits = not leaves and abs(true) <= abs(after_z + true)
            if group.n[lane]:
                moved += 1
                assert abs(after_z + found) <= 2.0001 - after[lane]
                assert abs(found) <= abs(after_z + found) * 1.0001
                assert abs(found - true) <= after[lane]
                assert after[lane] >= bound
            else:
                held += 1
                assert (found, after[lane]) == (d, error)
                assert not fits or abs(true) < 2.0**-440
    assert min(held, moved) > 150


def test_without_bounds_orbits_are_the_same() -> None:
    begin = spread(-40, -20)
    at = Walk("E21_julia", begin, 1, strict=False)
    with gmpy2.context(precision=1500):
        for lane, d in enumerate(begin):
            dc = gmpy2.mpc(at.dc[lane]) * at.unit
            z = at.after(at.reference(1) + d, dc, int(at.n[lane]))
            off = at.reference(int(at.to[lane])) + gmpy2.mpc(complex(at.d[lane])) - z
            assert abs(off) < abs(at.d[lane]) * 2.0**-24
    assert at.n.sum() > 100
    assert not at.error.any()


def test_no_orbit_goes_beyond_maxiter() -> None:
    at = Walk("E21_julia", spread(-40, -30), 1, n=1000, maxiter=1050)
    assert at.n.tolist() == [1050] * SIZE


def test_orbits_below_the_range_of_float64_do_not_go_along() -> None:
    begin = spread(-40, -30)
    begin[2], begin[5] = 2.0**-460 * (1 + 1j), 0j
    at = Walk("E21_julia", begin, 1)
    for lane, d in enumerate(begin):
        assert (at.n[lane] == 0) == (lane in (2, 5))
        assert (at.d[lane] == d) == (lane in (2, 5))


def test_two_orbits_do_not_go_together() -> None:
    begin = spread(-40, -30)[: together.FEWEST - 1]
    at = Walk("E21_julia", begin, 1, error=1e-30)
    assert at.d.tolist() == begin
    assert at.n.tolist() == [0] * len(begin)
    assert at.error.tolist() == [1e-30] * len(begin)
