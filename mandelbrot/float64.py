"""The float64 rung: SIMD steps of many orbits, bare or with a running error bound.

The bound: the computed orbit ẑ and the true one satisfy e' ≤ (2|ẑ| + e) e + δ, e = |ẑ - z|, where δ
bounds the rounding of one step. By the Cauchy-Schwarz inequality

    e_n² ≤ δ² n S_n,    S' = (2|ẑ| + e)² S + 1,    S_0 = 0,

and (2|ẑ| + e)² ≤ 4 (1 + η) |ẑ|² + (1 + 1/η) e² for every η > 0 makes S computable without a square
root: S' = 4 (1 + η) (|ẑ|² + κ n S) S + 1 with κ = (1 + 1/η) δ² / (4 (1 + η)). η = 1/(maxiter + 64)
keeps the growth that it adds to S below a factor 3 over a whole orbit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mandelbrot import lanes
from mandelbrot.discs import ROUNDING
from mandelbrot.jit import kernel
from mandelbrot.lanes import CX, CY, INSIDE, SLOT, START, N, S, X, Y
from mandelbrot.recurrence import Recurrence, Trail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.lanes import Pool
    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]

STEPS, CERTIFIED_STEPS = 8, 6
"""Steps in one pass of `advance` and of `advance_certified`."""


def _step(x: Vector, y: Vector, cx: Vector, cy: Vector, *_: Vector) -> tuple[Vector, Vector]:
    # Every operation is rounded by itself, never fused: the results are the same on all machines.
    # Twice a number is exact, so that the last two operations may be one.
    return x * x - y * y + cx, cy.plus_exact_product(x * y, x.constant(2))


def _is_inside(x: Vector, y: Vector, *_: Vector) -> Vector:
    return x * x + y * y <= x.constant(4)


def _counted_step(
    x: Vector, y: Vector, n: Vector, cx: Vector, cy: Vector
) -> tuple[Vector, Vector, Vector]:
    x, y = _step(x, y, cx, cy)
    return x, y, n + n.constant(1).where(_is_inside(x, y), n.constant(0))


advance, lanes_at_once = Recurrence(
    steps=[_step],
    laps=STEPS,
    goes_on=lambda x, y, _cx, _cy, n, maxiter: _is_inside(x, y) & (n < maxiter),
    variables=(X, Y),
    constants=(CX, CY, N),
    vectors=6,
    trail=Trail(START, SLOT, _is_inside, INSIDE, N, STEPS),
    fenced=True,
).compiled()

recount, recounted_at_once = Recurrence(
    steps=[_counted_step],
    goes_on=lambda x, y, *_: _is_inside(x, y),
    variables=(X, Y, N),
    constants=(CX, CY),
    vectors=4,
    fenced=True,
).compiled()


# With a bound the roundings no longer decide the counts, so here operations may fuse (a fused one
# has one rounding less), and the counts are still the same on all machines. x² is not fused with
# its sum: |z|² needs it, too, and additions have units of their own in most processors.
def _certified_step(x: Vector, y: Vector, cx: Vector, cy: Vector) -> tuple[Vector, Vector]:
    return (cx - y * y) + x * x, cy.plus_product(x + x, y)


def _bounded_step(
    k: int,
    x: Vector,
    y: Vector,
    s: Vector,
    cx: Vector,
    cy: Vector,
    _n: Vector,
    e2: Vector,
    scale: Vector,
    *_: Vector,
) -> tuple[Vector, Vector, Vector]:
    """Take step `k` of a pass.

    After it S is held divided by growth^k, which spares a multiplication. With growth^-k ≤ 4^-k,
    and (growth / 4)^CERTIFIED_STEPS in `e2` for all k, the bound is larger, never smaller.
    """
    size = (x * x + y * y).plus_product(e2 * e2.constant(4.0 ** (k - 1)), s)
    s = s.constant(0.25**k).plus_product(size, s)
    return *_certified_step(x, y, cx, cy), s * scale if k == CERTIFIED_STEPS else s


def _stays(
    x: Vector,
    y: Vector,
    s: Vector,
    _cx: Vector,
    _cy: Vector,
    n: Vector,
    _e2: Vector,
    _scale: Vector,
    maxiter: Vector,
    error2: Vector,
) -> Vector:
    bounded = error2 * n * s <= s.constant(lanes.ERROR_LIMIT)
    return _is_inside(x, y) & (n < maxiter) & bounded


advance_certified, lanes_at_once_certified = Recurrence(
    steps=[partial(_bounded_step, k) for k in range(1, CERTIFIED_STEPS + 1)],
    goes_on=_stays,
    variables=(X, Y, S),
    constants=(CX, CY, N),
    vectors=3,
    trail=Trail(START, SLOT, _is_inside, INSIDE, N, CERTIFIED_STEPS),
    fenced=True,
).compiled()

recount_certified, recounted_at_once_certified = lanes.certified_recount(
    _certified_step, variables=(X, Y), constants=(CX, CY), vectors=2
)


@kernel()
def _write_counts(pool: Pool, queued: int, maxiter: int, counts: NDArray[np.uint32]) -> None:
    _state, again, _target, target, _chosen = pool
    for lane in range(0, queued, recounted_at_once()):
        recount(again, lane, STEPS, ())
    for k in range(queued):
        counts[target[k]] = min(int(again[N + k]), maxiter)


@kernel()
def count(
    pool: Pool,
    points: Floats,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
) -> bool:
    """Write the counts of the float64 recurrence for the first `size` points.

    A point is its real and its imaginary part. A lane that is proven to run in a cycle is not
    followed to the cap. False when cancelled.
    """
    state, _again, target, _again_target, chosen = pool
    live = fresh = lanes.fill(pool, points, size, lanes.PLAIN)
    passes = 2
    queued = 0
    while live:
        if cancel[0]:
            return False
        finished = 0
        for lane in range(0, live, lanes_at_once()):
            bits = advance(state, lane, passes, (float(maxiter),))
            finished = lanes.list_lanes(bits, lane, live, chosen, finished)
        if queued + finished > lanes.LANES:
            _write_counts(pool, queued, maxiter, counts)
            queued = 0
        queued = lanes.queue(pool, finished, passes, STEPS, maxiter, queued, lanes.PLAIN)
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(pool, finished, live, points, size, fresh, lanes.PLAIN)
        if maxiter >= lanes.WATCH:
            found = lanes.find_cycles(state, chosen, live, maxiter, 0.0)
            for k in range(found):
                counts[target[chosen[k]]] = maxiter
            live, fresh = lanes.replace(pool, found, live, points, size, fresh, lanes.PLAIN)
    _write_counts(pool, queued, maxiter, counts)
    return True


@kernel()
def _write_certified_counts(
    pool: Pool,
    queued: int,
    parameters: tuple[float, float, float, float],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> None:
    for lane in range(0, queued, recounted_at_once_certified()):
        bits = recount_certified(pool[1], lane, CERTIFIED_STEPS, parameters)
        lanes.write(pool, lane, queued, bits, counts, certain)


@kernel()
def count_certified(
    pool: Pool,
    points: Floats,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> bool:
    """Write the counts, and which of them are proven to be those of exact arithmetic."""
    state, _again, target, _again_target, chosen = pool
    error2 = ROUNDING * ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    scale = growth**CERTIFIED_STEPS
    e2 = kappa * (growth / 4) ** CERTIFIED_STEPS
    cap = float(maxiter)
    live = fresh = lanes.fill(pool, points, size, lanes.BOUNDED)
    passes = 2
    queued = 0
    oldest, look = 0.0, 512.0  # the steps of a live lane at most, and when to count them
    while live:
        if cancel[0]:
            return False
        oldest += passes * CERTIFIED_STEPS
        finished = 0
        for lane in range(0, live, lanes_at_once_certified()):
            parameters = e2 * oldest, scale, cap, error2
            bits = advance_certified(state, lane, passes, parameters)
            finished = lanes.list_lanes(bits, lane, live, chosen, finished)
        if queued + finished > lanes.LANES:
            _write_certified_counts(pool, queued, (growth, kappa, cap, error2), counts, certain)
            queued = 0
        queued = lanes.queue(
            pool, finished, passes, CERTIFIED_STEPS, maxiter, queued, lanes.BOUNDED
        )
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(pool, finished, live, points, size, fresh, lanes.BOUNDED)
        if maxiter >= lanes.WATCH:
            found = lanes.find_cycles(state, chosen, live, maxiter, error2)
            for k in range(found):
                counts[target[chosen[k]]], certain[target[chosen[k]]] = maxiter, True
            live, fresh = lanes.replace(pool, found, live, points, size, fresh, lanes.BOUNDED)
        if oldest > look:
            oldest = lanes.oldest(state, live)
            look = 2 * oldest + 512
    _write_certified_counts(pool, queued, (growth, kappa, cap, error2), counts, certain)
    return True
