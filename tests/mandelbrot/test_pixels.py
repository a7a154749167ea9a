"""What becomes of pixels whose lanes stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mandelbrot import deep, direct, pixels, together
from mandelbrot.jit import kernel
from tests.mandelbrot.places import location, orbit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid, Pool

settle = pixels.settle


@kernel(entry=True, allocates=False)
def settled(
    pool: Pool, stopped: int, lanes: int, maxiter: int, grid: Grid, frame: Frame,
    counts: NDArray[np.uint32], unsure: NDArray[np.bool_],
) -> tuple[int, int, int]:  # fmt: skip
    return settle(pool, stopped, lanes, 0, 0, maxiter, grid, frame, counts, unsure)


@pytest.mark.parametrize("error", [1e-12, 1e-5])
def test_lanes_near_zero_go_on_from_there_with_their_error(error: float) -> None:
    pyramid, maxiter = location("E21_julia", levels=1, tilesize=16)
    orbit, _ = orbit_of("E21_julia")
    cancel = np.zeros(1, np.uint8)
    orbit.extend(maxiter, cancel)
    near, side = 2.0**-18, orbit.re
    grid = deep._grid(pyramid.tile(1, 0, 0), orbit)
    frame = deep._frame(
        (orbit.re, orbit.im, side), orbit, maxiter, deep.EPSILON["exact"], True, near, cancel  # noqa: FBT003 - strict
    )  # fmt: skip
    assert frame is not None
    pool, pixel, n = pixels.pool(), 37, 123
    c = complex(grid.c_re[pixel % 16], grid.c_im[pixel // 16])
    z = np.sqrt(1e-4 + 2e-4j - c)  # so that the next iterate is 1e-4 + 2e-4 i
    # Three lanes: the one in the middle stops, and the last takes its place.
    for lane, at in enumerate((0.3 + 0.2j, z, 0.1 - 0.4j)):
        for row, value in zip(
            (direct.X, direct.Y, direct.CX, direct.CY, direct.T, direct.N),
            (at.real, at.imag, c.real, c.imag, error**2, n + lane), strict=True,
        ):  # fmt: skip
            pool.state[row + lane] = value
        pool.target[lane] = pixel + lane - 1
    pool.memory[1, 0], pool.chosen[0] = 5.0, 1
    before, counts, unsure = pool.state.copy(), np.zeros(256, np.uint32), np.zeros(256, np.bool_)
    assert settled(pool, 1, 3, maxiter, grid, frame, counts, unsure) == (2, 1, 0)
    assert not counts.any()
    group = pool.rebased.state
    assert group[together.X] + 1j * group[together.Y] == pytest.approx(1e-4 + 2e-4j, abs=1e-15)
    grown = 2 * abs(z) * error
    assert grown <= group[together.E] <= 1.01 * grown + error**2 + 1e-14
    assert pool.rebased.n[0] == n + 2
    assert pool.target[pixels.REBASED] == pixel
    assert pool.memory[pixels.REBASED, 0] == 5.0
    assert pool.target[:2].tolist() == [pixel - 1, pixel + 1]
    rows = range(0, direct.STATE, direct.CX - direct.Y)
    assert all(pool.state[row + 1] == before[row + 2] for row in rows)
