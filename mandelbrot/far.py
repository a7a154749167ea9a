"""The far phase of an orbit: a small difference from the reference orbit, until it is near.

Most of the way is taken in plain float64 (`follow`), by entries of bla.py and single steps; below
float64's range by `perturbation.move`. On the way an orbit is compared with itself: one that
provably returns into itself has the count of the interior.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mandelbrot.bla import (
    AX,
    AY,
    BX,
    BY,
    CX,
    CY,
    ERROR_A,
    ERROR_B,
    GX,
    GY,
    LIPSCHITZ,
    REST,
    SHORTEST,
    UNIT,
    reference,
)
from mandelbrot.extended_exponent import Number, add, modulus, normal, power_of_two
from mandelbrot.intrinsics import fma
from mandelbrot.jit import kernel
from mandelbrot.perturbation import (
    CERTAIN,
    FLOAT,
    FLUSHED,
    IN_SQUARE,
    NEAR,
    OUT_SQUARE,
    TINY,
    UNSURE,
    find,
    is_less,
    move,
    plain,
    where,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame

    Floats = NDArray[np.float64]

MEMORY = 7
"""Columns of what `repeats` remembers of an orbit."""

_UP = 1 + 2.0**-48


@kernel()
def returns(d: Number, error: float, dc: Number, n: int, distance: float, frame: Frame) -> bool:
    """Whether the orbit, at d (m = 0) and there `distance` from where it was n steps ago, stays.

    Tries discs around d, and finds one that n steps map into itself.
    """
    for factor in (4.0, 64.0):
        x, radius, m, left = d, factor * (distance + 2 * error), 0, n
        start = radius
        if not start * power_of_two(min(d[2], 100)) < 0.125:
            return False
        fits = True
        while left > 0 and fits:
            x, radius, m, steps, known, _ = move(x, radius, dc, m, left, frame)
            left -= steps
            fits = known == 2
        if fits and m == 0:
            back = add(x, (-d[0], -d[1], d[2]))
            # `add` rounds to 2^-52 of x.
            f = power_of_two(min(x[2] - d[2], 1000))
            moved = modulus(back) * power_of_two(min(back[2] - d[2], 1000))
            if (moved + (radius + 2.0**-50) * f) * _UP <= start:
                return True
    return False


@kernel()
def forget(memory: Floats, lane: int) -> None:
    """Begin an orbit of which nothing is remembered."""
    for k in range(MEMORY):
        memory[lane, k] = 0.0
    memory[lane, 3] = 2.0**40


@kernel()
def repeats(
    d: Number,
    error: float,
    dc: Number,
    n: int,
    maxiter: int,
    memory: Floats,
    lane: int,
    frame: Frame,
) -> bool:
    """Whether an orbit, just rebased to d, is proven never to leave.

    Brent's search: it is compared with where it was at rebase number 2^k.
    """
    count = memory[lane, 0] + 1
    memory[lane, 0] = count
    x, y, e = memory[lane, 1], memory[lane, 2], int(memory[lane, 3])
    if count >= 8 and abs(e - d[2]) <= 1:
        f = power_of_two(e - d[2])
        distance = math.hypot(x * f - d[0], y * f - d[1])
        since = n - int(memory[lane, 4])
        if distance < memory[lane, 5] and 8 * since < maxiter - n:
            memory[lane, 5] = distance / 64
            if returns(d, error, dc, since, distance, frame):
                return True
    if count >= memory[lane, 6]:
        memory[lane, 6] = 2 * count
        memory[lane, 1], memory[lane, 2], memory[lane, 3] = d[0], d[1], float(d[2])
        memory[lane, 4], memory[lane, 5] = float(n), 2.0**-6
    return False


@kernel(inline=True)
def follow(  # noqa: C901, PLR0912, PLR0915 - one loop, whose state does not split
    x: float,
    y: float,
    error: float,
    dc: Number,
    m: int,
    n: int,
    maxiter: int,
    memory: Floats,
    lane: int,
    frame: Frame,
) -> tuple[int, float, float, float, int, int]:
    """Follow an orbit whose d = x + iy is in float64's range, as `far` does."""
    orbit, plain_, reach = frame.orbit, frame.plain, frame.reach
    offsets, last = frame.offsets, frame.last
    strict = frame.strict > 0
    f, g = power_of_two(dc[2]), power_of_two(dc[2] - frame.dc_e)
    px, py, qx, qy = dc[0] * f, dc[1] * f, dc[0] * g, dc[1] * g
    p_size = (2 * UNIT) * (abs(px) + abs(py)) + FLUSHED
    q_size = abs(qx) + abs(qy)
    smallest = power_of_two(FLOAT)
    near_square = frame.near * frame.near
    zx, zy = orbit[m, 0] + x, orbit[m, 1] + y
    r = zx * zx + zy * zy
    if r < x * x + y * y:  # as in `far`
        error += 8 * UNIT * (abs(x) + abs(y)) * frame.strict
        x, y, m = zx, zy, 0
    longest, hint = maxiter, 0
    grown = 0.0
    while True:
        size = abs(x) + abs(y)
        if n >= maxiter:
            d = normal(x, y, 0)
            at = where((zx, zy, 0), d, error * power_of_two(min(-d[2], 1000)), m, frame)
            return (CERTAIN if at < 0 else UNSURE), x, y, error, m, n
        if size < smallest:
            return TINY, x, y, error, m, n
        if x * x + y * y >= near_square and r >= frame.near:
            return NEAR, x, y, error, m, n
        k, level = -1, 0
        if size < frame.widest:
            room = min(maxiter - n, longest)
            k, level = find(offsets, reach, m, frame.table_last, room, size + error, SHORTEST, hint)
            hint = level
        if k >= 0:
            ax, ay, cx, cy = plain_[k, AX], plain_[k, AY], plain_[k, CX], plain_[k, CY]
            bx, by = plain_[k, BX], plain_[k, BY]
            gx, gy = plain_[k, GX], plain_[k, GY]
            # (A d + B q) + (C + G d) d²: the two sums in brackets do not wait for each other.
            sx, sy = fma(x, x, -(y * y)), (x + x) * y
            cx, cy = fma(gx, x, fma(-gy, y, cx)), fma(gx, y, fma(gy, x, cy))
            u = fma(ax, x, fma(-ay, y, fma(bx, qx, -(by * qy))))
            v = fma(ax, y, fma(ay, x, fma(bx, qy, by * qx)))
            u, v = fma(cx, sx, fma(-cy, sy, u)), fma(cx, sy, fma(cy, sx, v))
            if strict:
                grown = plain_[k, LIPSCHITZ] * error + plain_[k, ERROR_B] * q_size
                grown += (plain_[k, ERROR_A] + plain_[k, REST] * size * size * size) * size
                grown = (grown + FLUSHED) * _UP
            steps = 1 << level
        else:
            # 2 Z + d rather than Z + z: z is known later.
            tx, ty = 2 * orbit[m, 0] + x, 2 * orbit[m, 1] + y
            u, v = fma(tx, x, fma(-ty, y, px)), fma(tx, y, fma(ty, x, py))
            if strict:
                grown = 2 * math.sqrt(r) * (error + 12 * UNIT * size)
                grown = (grown + error * error + p_size) * _UP
            steps = 1
        to = m + steps
        wx, wy = orbit[to, 0] + u, orbit[to, 1] + v
        s = wx * wx + wy * wy
        if not s <= IN_SQUARE - 4 * grown:
            at = 1
            if not s >= OUT_SQUARE * (1 + grown) * (1 + grown):
                d = normal(u, v, 0)
                mantissa = grown * power_of_two(min(-d[2], 1000))
                at = where((wx, wy, 0), d, mantissa, to, frame)
            if at >= 0:
                if steps > 1:
                    longest = steps >> 1
                    continue
                return (CERTAIN if at > 0 else UNSURE), x, y, error, m, n
        longest = maxiter
        n += steps
        if to >= last or s < u * u + v * v:
            # Rounding of Z + d, at most 3 u of the larger; at the end, the error of Z itself.
            if strict:
                error = grown + 4 * UNIT * (abs(u) + abs(v) + abs(wx) + abs(wy))
                if to >= last:
                    error += plain(frame.end_error, frame.end_e)
            x, y, m, r, zx, zy = wx, wy, 0, s, wx, wy
            d = normal(x, y, 0)
            mantissa = error * power_of_two(min(-d[2], 1000))
            if repeats(d, mantissa, dc, n, maxiter, memory, lane, frame):
                return CERTAIN, x, y, error, m, maxiter
        else:
            x, y, m, error, r, zx, zy = u, v, to, grown, s, wx, wy


@kernel(inline=True)
def far(  # noqa: C901 - one loop, whose state does not split
    d: Number,
    error: float,
    dc: Number,
    m: int,
    n: int,
    maxiter: int,
    memory: Floats,
    lane: int,
    frame: Frame,
) -> tuple[int, Number, float, int, int]:
    """Follow an orbit until it is near, or its count is known.

    Returns the status, d, error, m, n.
    """
    if d[2] <= FLOAT:  # else `follow` sees to it
        z = add(reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m), d)
        if is_less(z, d):  # it comes from a block, which was rebased as a whole
            error += 8 * UNIT * modulus(d)
            error *= power_of_two(min(d[2] - z[2], 1000)) * _UP
            d, m = z, 0
    longest = maxiter
    while True:
        if d[2] > FLOAT:
            f = power_of_two(d[2])
            status, x, y, error, m, n = follow(
                d[0] * f, d[1] * f, error * f, dc, m, n, maxiter, memory, lane, frame
            )
            d = normal(x, y, 0)
            error *= power_of_two(min(-d[2], 1000))
            if status != TINY:
                return status, d, error, m, n
        if d[0] == 0 and d[1] == 0 and error > 0:
            return UNSURE, d, error, m, n
        if n >= maxiter:
            z = add(reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m), d)
            return (CERTAIN if where(z, d, error, m, frame) < 0 else UNSURE), d, error, m, n
        room = min(maxiter - n, longest)
        moved, grown, to, steps, known, rebased = move(d, error, dc, m, room, frame)
        if known < 2:
            if steps > 1:
                longest = steps >> 1
                continue
            return (CERTAIN if known == 1 else UNSURE), d, error, m, n
        d, error, m, n, longest = moved, grown, to, n + steps, maxiter
        if rebased and repeats(d, error, dc, n, maxiter, memory, lane, frame):
            return CERTAIN, d, error, m, maxiter
