"""The float64 rung: SIMD steps of many orbits, bare or with a running error bound.

The bound: the computed orbit ẑ and the true one satisfy e' ≤ (2|ẑ| + e) e + δ, e = |ẑ - z|, where δ
bounds the rounding of one step. By the Cauchy-Schwarz inequality

    e_n² ≤ δ² n S_n,    S' = (2|ẑ| + e)² S + 1,    S_0 = 0,

and (2|ẑ| + e)² ≤ 4 (1 + η) |ẑ|² + (1 + 1/η) e² for every η > 0 makes S computable without a square
root: S' = 4 (1 + η) (|ẑ|² + κ n S) S + 1 with κ = (1 + 1/η) δ² / (4 (1 + η)). η = 1/(maxiter + 64)
keeps the growth that it adds to S below a factor 3 over a whole orbit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mandelbrot import lanes
from mandelbrot.discs import ROUNDING
from mandelbrot.jit import kernel
from mandelbrot.lanes import (
    CX,
    CY,
    INSIDE,
    INSIDE_S,
    OUTSIDE,
    OUTSIDE_S,
    N,
    S,
    X,
    Y,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 4
"""Steps unrolled in one pass over the lanes. Fewer cost memory traffic, more overflow the reorder
window (measured, Zen 5: 0.073, 0.107, 0.144 ns per step and lane for 4, 8, 16)."""


@kernel()
def advance(state: Floats, width: int, passes: int) -> None:
    """Take ``passes * STEPS`` steps of z ← z² + c in the first `width` lanes.

    Every operation is rounded by itself, never fused: the results are the same on all machines.
    """
    for _ in range(passes):
        for i in range(width):
            a, b, p, q = state[X + i], state[Y + i], state[CX + i], state[CY + i]
            for _ in range(STEPS):
                ab = a * b
                a = a * a - b * b + p
                b = ab + ab + q
            state[X + i], state[Y + i] = a, b


@kernel()
def recount(group: Floats, width: int, passes: int) -> None:
    """Repeat `advance`, adding to N the number of iterates with |z| ≤ 2."""
    for _ in range(passes):
        for i in range(width):
            a, b, p, q = group[X + i], group[Y + i], group[CX + i], group[CY + i]
            n = group[N + i]
            for _ in range(STEPS):
                ab = a * b
                a = a * a - b * b + p
                b = ab + ab + q
                n += 1.0 if a * a + b * b <= 4 else 0.0
            group[X + i], group[Y + i], group[N + i] = a, b, n


# With a bound the roundings no longer decide the counts, so here operations may fuse (a fused one
# has one rounding less): 20 % faster, and the counts are still the same on all machines.
@kernel(contract=True)
def advance_certified(state: Floats, width: int, passes: int, growth: float, kappa: float) -> None:
    """`advance`, carrying S; N already counts the steps of this round.

    ``growth`` is 4 (1 + η). After k steps of a pass S is held divided by growth^k, which saves a
    multiplication a step; with growth^STEPS instead of growth^k in the term of e², the bound is
    larger, never smaller.
    """
    scale = growth * growth * growth * growth
    for _ in range(passes):
        for i in range(width):
            a, b, p, q = state[X + i], state[Y + i], state[CX + i], state[CY + i]
            s, e2 = state[S + i], kappa * scale * state[N + i]
            one = 1.0
            for _ in range(STEPS):
                one *= 0.25
                aa, bb = a * a, b * b
                s = (aa + bb + e2 * s) * s + one
                b = (a + a) * b + q
                a = aa - bb + p
            state[X + i], state[Y + i], state[S + i] = a, b, s * scale


@kernel(contract=True)
def recount_certified(
    group: Floats, width: int, passes: int, maxiter: int, growth: float, kappa: float
) -> None:
    """Repeat `advance_certified`, finding what certifies the counts.

    INSIDE and INSIDE_S follow the last iterate inside, up to `maxiter`; OUTSIDE and OUTSIDE_S are
    set at the first one outside, and stay 0 in a lane that does not leave.
    """
    for _ in range(passes):
        for i in range(width):
            a, b, p, q = group[X + i], group[Y + i], group[CX + i], group[CY + i]
            s, n = group[S + i], group[N + i]
            r_in, s_in = group[INSIDE + i], group[INSIDE_S + i]
            r_out, s_out = group[OUTSIDE + i], group[OUTSIDE_S + i]
            for _ in range(STEPS):
                aa, bb = a * a, b * b
                s = growth * (aa + bb + kappa * (n + 1) * s) * s + 1
                b = (a + a) * b + q
                a = aa - bb + p
                r = a * a + b * b
                stays = r <= 4
                leaves = (r_out == 0) & (not stays)
                counts = (r_out == 0) & stays & (n < maxiter)
                n = n + 1 if counts else n
                r_in, s_in = (r if counts else r_in), (s if counts else s_in)
                r_out, s_out = (r if leaves else r_out), (s if leaves else s_out)
            group[X + i], group[Y + i], group[S + i], group[N + i] = a, b, s, n
            group[INSIDE + i], group[INSIDE_S + i] = r_in, s_in
            group[OUTSIDE + i], group[OUTSIDE_S + i] = r_out, s_out


@kernel()
def count(
    points: Floats, size: int, maxiter: int, cancel: NDArray[np.uint8], counts: NDArray[np.uint32]
) -> bool:
    """Write the counts of the float64 recurrence for ``points[:, :size]``.

    A point is its real and its imaginary part. A lane that is proven to run in a cycle is not
    followed to the cap. False when cancelled.
    """
    state, start, group, target, flag, chosen = lanes.allocate()
    live = fresh = lanes.fill(state, target, points, size)
    passes = lanes.next_passes(2, 0, 1)
    while live:
        if cancel[0]:
            return False
        width = lanes.padded(live)
        lanes.begin_round(state, start, width, passes * STEPS)
        advance(state, width, passes)
        finished = lanes.find_finished(state, flag, chosen, live, maxiter, 0.0)
        if finished:
            lanes.gather(state, start, group, chosen, finished, passes * STEPS)
            recount(group, lanes.padded(finished), passes)
            for k in range(finished):
                counts[target[chosen[k]]] = min(group[N + k], maxiter)
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(state, target, chosen, finished, live, points, size, fresh)
        if maxiter >= lanes.WATCH:
            found = lanes.find_cycles(state, chosen, live, maxiter, 0.0)
            for k in range(found):
                counts[target[chosen[k]]] = maxiter
            live, fresh = lanes.replace(state, target, chosen, found, live, points, size, fresh)
    return True


@kernel()
def count_certified(
    points: Floats,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    certain: NDArray[np.bool_],
) -> bool:
    """Write the counts, and which of them are proven to be those of exact arithmetic."""
    state, start, group, target, flag, chosen = lanes.allocate()
    error2 = ROUNDING * ROUNDING
    growth, kappa = lanes.bound_constants(maxiter, error2)
    live = fresh = lanes.fill(state, target, points, size)
    passes = lanes.next_passes(2, 0, 1)
    while live:
        if cancel[0]:
            return False
        width = lanes.padded(live)
        lanes.begin_round(state, start, width, passes * STEPS)
        advance_certified(state, width, passes, growth, kappa)
        finished = lanes.find_finished(state, flag, chosen, live, maxiter, error2)
        if finished:
            lanes.gather(state, start, group, chosen, finished, passes * STEPS)
            recount_certified(group, lanes.padded(finished), passes, maxiter, growth, kappa)
            lanes.certify(group, flag, finished, maxiter, error2)
            for k in range(finished):
                counts[target[chosen[k]]] = group[N + k]
                certain[target[chosen[k]]] = flag[k] != 0
        passes = lanes.next_passes(passes, finished, live)
        live, fresh = lanes.replace(state, target, chosen, finished, live, points, size, fresh)
        if maxiter >= lanes.WATCH:
            found = lanes.find_cycles(state, chosen, live, maxiter, error2)
            for k in range(found):
                counts[target[chosen[k]]] = maxiter
                certain[target[chosen[k]]] = True
            live, fresh = lanes.replace(state, target, chosen, found, live, points, size, fresh)
    return True
