"""The near phase in pairs: its bounds, and the counts that float64 leaves to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gmpy2
import numpy as np
import pytest

from mandelbrot import (
    blocks,
    deep,
    direct_pairs,
    doubtful,
    paired,
    pixels,
    render,
    render_tile,
    together,
)
from mandelbrot.direct_pairs import ERROR, LANES, ROUND, XL, YL, N, X, Y
from mandelbrot.jit import kernel
from mandelbrot.perturbation import CERTAIN, TINY
from tests.mandelbrot.oracle import exact_count
from tests.mandelbrot.places import bits, location, orbit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mandelbrot.direct_pairs import Pool
    from mandelbrot.pairs import Four
    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid
    from mandelbrot.together import Group

    Floats = NDArray[np.float64]
    Judged = tuple[int, int, Four, float]

start_at, judge, round_off = doubtful.start, direct_pairs.judge, doubtful.rounded
load, take_round, again = direct_pairs.load, direct_pairs.advance, doubtful.count_again


@kernel(entry=True, allocates=False)
def starts(orbit: Floats, m: int, x: float, y: float, error: float) -> tuple[Four, float]:
    return start_at(orbit, m, x, y, error)


@kernel(entry=True, allocates=False)
def rounds_off(z: Four, error: float) -> tuple[tuple[float, float], float]:
    return round_off(z, error)


@kernel(entry=True, allocates=False)
def loads(pool: Pool, lane: int, z: Four, error: float, c: Four) -> None:
    load(pool, lane, z, error, c, 0)


@kernel(entry=True, allocates=False)
def rounds(pool: Pool, lanes: int, count: int, small: float) -> int:
    stopped = 0
    for _ in range(count):
        stopped = take_round(pool, lanes, small, 10**6)
    return stopped


@kernel(entry=True, allocates=False)
def judged(pool: Pool, lane: int, maxiter: int) -> Judged:
    return judge(pool, lane, maxiter)


@kernel(entry=True, allocates=False)
def counted_again(
    queue: doubtful.Queue, size: int, pool: Pool, group: Group, maxiter: int, grid: Grid,
    frame: Frame, cancel: NDArray[np.uint8], counts: NDArray[np.uint32], unsure: NDArray[np.bool_],
) -> None:  # fmt: skip
    again(queue, size, pool, group, maxiter, grid, frame, cancel, counts, unsure)


@pytest.fixture(autouse=True)
def only_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_cache", deep._Cache(deep.CACHE_BYTES))
    monkeypatch.setattr(render, "DEEP", dict.fromkeys(render.DEEP, 1.0))


def value(z: Four) -> gmpy2.mpc:
    return gmpy2.mpc(gmpy2.mpfr(z[0]) + z[1], gmpy2.mpfr(z[2]) + z[3])


def test_an_orbit_starts_with_all_digits_of_the_reference() -> None:
    orbit, _ = orbit_of("e50")
    orbit.extend(1000, np.zeros(1, np.uint8))
    rng = np.random.default_rng(1)
    worst = 0.0
    with gmpy2.context(precision=400):
        for m in rng.integers(1, 1000, 300).tolist():
            x, y = rng.uniform(-1, 1, 2) * 2.0 ** -rng.integers(0, 20)
            z, bound = starts(orbit.orbit, m, x, y, 0.0)
            _, more = starts(orbit.orbit, m, x, y, 1e-9)
            a, b, al, bl = orbit.orbit[m]
            true = value((a, al, b, bl)) + gmpy2.mpc(x, y)
            wrong = float(abs(value(z) - true))
            # The reference's own error comes on top.
            assert wrong + 2.0**-104 * abs(complex(a, b)) <= bound
            assert more >= bound + 1e-9 * (1 - 1e-12)
            worst = max(worst, wrong / bound)
    assert worst > 2.0**-8


def test_what_is_rounded_off_is_in_the_error() -> None:
    z = 0.25, -(2.0**-56), -0.125, 2.0**-57
    (x, y), bound = rounds_off(z, 2.0**-90)
    assert (x, y) == (0.25, -0.125)
    assert 2.0**-90 + float(abs(value(z) - gmpy2.mpc(x, y))) <= bound < 2.0**-55


def test_lanes_keep_their_bounds_and_stay_within_theirs() -> None:
    rng, small = np.random.default_rng(7), 2.0**-5
    pool = direct_pairs.pool()
    true = []
    with gmpy2.context(precision=400):
        for lane in range(LANES):
            angle = np.exp(2j * np.pi * rng.random())
            at = angle / 2 - angle**2 / 4 + 1e-3  # the cardioid, where orbits stay long
            x, y = rng.uniform(-0.5, 0.5, 2)
            z, c = (x, x * 2.0**-55, y, 0.0), (at.real, 0.0, at.imag, at.imag * 2.0**-56)
            # Half of them with an error from before, which grows.
            loads(pool, lane, z, 1e-25 * (lane % 2), c)
            off = gmpy2.mpc(1e-25 * (lane % 2))
            true.append((value(z) - off, value(c)))
        count = 4
        stopped = rounds(pool, LANES, count, small)
        steps = pool.state[N : N + LANES].astype(int)
        assert stopped == (steps < count * ROUND).sum()
        assert (steps[pool.chosen[:stopped]] < count * ROUND).all()
        assert 10 < stopped < LANES - 10
        tight = 0
        for lane, (z, at) in enumerate(true):
            w = z
            for _ in range(steps[lane]):
                w = w * w + at
            state = [pool.state[v + lane] for v in (X, XL, Y, YL)]
            found, bound = value((state[0], state[1], state[2], state[3])), pool.state[ERROR + lane]
            assert small * 0.999 <= gmpy2.norm(found) <= 4
            assert abs(found - w) <= bound
            tight += abs(found - w) > bound / (1 + 99 * (lane % 2) + 1e6 * (lane % 2 == 0))
            # What stops a lane is the step that it did not take.
            after = gmpy2.norm(found * found + at)
            stays = steps[lane] < count * ROUND
            assert stays == (after > 4 or after < small)
            status, n, _, error = judged(pool, lane, 10**6)
            if stays:
                assert status == (CERTAIN if after > 4 else TINY)
                assert n == steps[lane] + (status == TINY)
                assert error >= bound * 2 * gmpy2.sqrt(gmpy2.norm(found)) * (1 - 1e-9)
        assert tight > LANES / 4


def test_a_count_is_not_certain_within_the_error() -> None:
    pool = direct_pairs.pool()
    for error, certain in [(1e-3, False), (1e-9, True)]:
        # The next iterate is 2 + 2e-4.
        loads(pool, 0, (1.0, 0.0, 0.0, 0.0), error, (1.0002, 0.0, 0.0, 0.0))
        rounds(pool, 1, 1, 2.0**-18)
        status, n, *_ = judged(pool, 0, 10**6)
        assert (status == CERTAIN, n) == (certain, 0)
        # The last one that counts is 2 - 2e-4.
        loads(pool, 0, (1.9998, 0.0, 0.0, 0.0), error, (0.5, 0.0, 0.0, 0.0))
        assert (judged(pool, 0, 0)[0] == CERTAIN) == certain


@pytest.mark.parametrize("name", ["sea1e-10", "e14"])
def test_orbits_that_wait_are_counted_from_where_they_were(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pixels of a tile, from z_1 = c on, which is exact to 106 bits."""
    pyramid, maxiter = location(name, levels=1, tilesize=20)
    expected = render_tile(pyramid, 1, 0, 0, maxiter=maxiter)
    queue, pool, group = doubtful.queue(), direct_pairs.pool(), together.group()

    def from_the_first_iterate(
        grid: Grid, cap: int, frame: Frame, _scratch: object, _pool: object,
        cancel: NDArray[np.uint8], counts: NDArray[np.uint32], unsure: NDArray[np.bool_],
    ) -> bool:  # fmt: skip
        places = np.argwhere(np.ones(expected.shape, np.bool_))
        for k, (j, i) in enumerate(places.tolist()):
            z = grid.c_re[i], grid.c_re_low[i], grid.c_im[j], grid.c_im_low[j]
            queue.places[k] = *z, 2.0**-105, 1
            queue.pixels[k] = k
        unsure[:] = True
        stop = np.ones(1, np.uint8)
        counted_again(queue, len(places), pool, group, cap, grid, frame, stop, counts, unsure)
        assert unsure.all()
        counted_again(queue, len(places), pool, group, cap, grid, frame, cancel, counts, unsure)
        assert unsure.mean() < 0.7
        assert (counts == expected.reshape(-1))[~unsure].all()
        return True

    monkeypatch.setattr(blocks, "count_tile", from_the_first_iterate)
    np.testing.assert_array_equal(render_tile(pyramid, 1, 0, 0, maxiter=maxiter), expected)


def test_what_float64_leaves_uncertain_is_settled_from_where_it_was_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pyramid, maxiter = location("e50", levels=1, tilesize=32)
    make, pools, left = pixels.pool, [], []
    monkeypatch.setattr(pixels, "pool", lambda: (pools.append(make()), pools[-1])[1])
    count_pixels: Callable[..., bool] = paired.count_pixels

    def noted(*arguments: object) -> bool:
        left.append(arguments[-1].copy())  # type: ignore[attr-defined] # an array
        return count_pixels(*arguments)

    monkeypatch.setattr(paired, "count_pixels", noted)
    found = render_tile(pyramid, 1, 0, 0, maxiter=maxiter)
    queue = pools[0].waiting
    waited = set(queue.pixels[queue.places[:, doubtful.N] > 0].tolist())
    settled = sorted(waited - set(np.flatnonzero(left[0]).tolist()))
    assert len(settled) > 20
    tile = pyramid.tile(1, 0, 0)
    for pixel in settled[::5][:5]:
        j, i = divmod(pixel, 32)
        true = exact_count(tile.re[i], tile.im[j], maxiter, bits=bits(pyramid, 1))
        assert found[j, i] == true


def test_a_large_error_grows_by_its_square_too() -> None:
    pool = direct_pairs.pool()
    loads(pool, 0, (1.2, 0.0, 0.0, 0.0), 0.1, (-1.0, 0.0, 0.0, 0.0))
    status, n, z, error = judged(pool, 0, 10**6)
    assert (status, n) == (TINY, 1)
    assert abs((1.2 + 0.1) ** 2 - 1 - z[0]) <= error * (1 + 1e-12)
