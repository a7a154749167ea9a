"""The counts of a deep tile: blocks of pixels as polynomials, then the single pixels in lanes.

A tile is followed as one polynomial (taylor.py), divided when that no longer suffices, down to
blocks of a few pixels. What is left of a pixel's orbit runs in lanes: all step together (SIMD),
each with its own place m in the reference orbit; a lane that leaves |z| ≤ 2, or whose delta has
become small again, stays as it was before that step until a look, after each round of steps, deals
with it (perturbation.py).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot import taylor
from mandelbrot.bla import UNIT, order, reference
from mandelbrot.extended_exponent import add, modulus, normal, power_of_two
from mandelbrot.jit import kernel
from mandelbrot.perturbation import (
    _IN,
    _OUT,
    _UP,
    CERTAIN,
    FAR,
    NEAR,
    UNSURE,
    far,
    find,
    is_less,
    plain,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    from mandelbrot.perturbation import Frame, Number

LANES = 256
_ROW = LANES + 8
DX, DY, ZX, ZY, RX, RY, CX_, CY_, E, M, N, GX, GY = range(0, 13 * _ROW, _ROW)
_STATE = 13 * _ROW
_STEPS = 16  # of a round


@kernel()
def _gather(state: Floats, width: int, orbit: Floats) -> None:
    for i in range(width):
        k = int(state[M + i]) + 1
        state[GX + i], state[GY + i] = orbit[k, 0], orbit[k, 1]


# Nothing is fused: without a certificate the bytes would depend on the machine.
@kernel()
def _advance(
    state: Floats,
    width: int,
    last: float,
    maxiter: float,
    end: float,
    small: float,
    dc_error: float,
) -> None:
    """Take a step in each lane that stays within 2^NEAR ≤ |d|, |z| ≤ 2, n ≤ maxiter."""
    for i in range(width):
        dx, dy, zx, zy = state[DX + i], state[DY + i], state[ZX + i], state[ZY + i]
        gx, gy, rx, ry = state[GX + i], state[GY + i], state[RX + i], state[RY + i]
        error, n = state[E + i], state[N + i]
        m = state[M + i] + 1
        tx, ty = rx + zx, ry + zy
        size = 2 * math.sqrt(zx * zx + zy * zy)
        first = error + (12 * UNIT) * (abs(dx) + abs(dy))
        x = tx * dx - ty * dy + state[CX_ + i]
        y = tx * dy + ty * dx + state[CY_ + i]
        u, v = gx + x, gy + y
        grown = (size * first + error * error + dc_error) * _UP
        r, s = u * u + v * v, x * x + y * y
        rebase = (r < s) | (m >= last)
        grown = grown + (4 * UNIT) * (abs(u) + abs(v) + abs(x) + abs(y)) + end if rebase else grown
        x, y, s = (u if rebase else x), (v if rebase else y), (r if rebase else s)
        gx, gy, m = (0.0 if rebase else gx), (0.0 if rebase else gy), (0.0 if rebase else m)
        go = (r <= 4) & (s >= small) & (n < maxiter)
        state[DX + i], state[DY + i] = (x if go else dx), (y if go else dy)
        state[ZX + i], state[ZY + i] = (u if go else zx), (v if go else zy)
        state[RX + i], state[RY + i] = (gx if go else rx), (gy if go else ry)
        state[E + i], state[M + i] = (grown if go else error), (m if go else state[M + i])
        state[N + i] = n + 1 if go else n


@kernel()
def _load(
    state: Floats,
    lane: int,
    d: Number,
    error: float,
    dc: Number,
    m: int,
    n: int,
    orbit: Floats,
) -> None:
    f = power_of_two(d[2])
    x, y = d[0] * f, d[1] * f
    state[DX + lane], state[DY + lane] = x, y
    state[RX + lane], state[RY + lane] = orbit[m, 0], orbit[m, 1]
    state[ZX + lane], state[ZY + lane] = orbit[m, 0] + x, orbit[m, 1] + y
    g = power_of_two(dc[2])
    state[CX_ + lane], state[CY_ + lane] = dc[0] * g, dc[1] * g
    state[E + lane], state[M + lane], state[N + lane] = error * f, float(m), float(n)


_LEAF = 8  # side of the smallest blocks
_CUT = 2.0**-46  # of what a step may cut off, relative to what varies in the block
_HOPELESS = 0.25  # an error bound beyond which no later iterate can be certified
_CUT_FAST = 2.0**-30
_BEND = 0.5  # the most that d'(s) may vary in a block: a pixel's error is relative to its own d'
_DEPTH = 128  # blocks that wait: three for each division of the tile

_FRESH, _HELD = False, True  # does an orbit come from a lane that stays as it is?


@kernel()
def _follow(  # noqa: C901 - one loop, whose state does not split
    b: Floats,
    work: Floats,
    e: int,
    error: float,
    m: int,
    n: int,
    dc: Floats,
    dc_e: int,
    maxiter: int,
    frame: Frame,
    cancel: NDArray[np.uint8],
) -> tuple[int, float, int, int, int]:
    """Follow a block until it must be divided, or has one count for all of its pixels (or -1)."""
    (
        orbit,
        tiny,
        tiny_at,
        tinies,
        last,
        end_error,
        end_e,
        offsets,
        radii,
        coefficients,
        exponents,
        table_last,
        strict,
    ) = frame
    longest = maxiter
    while not cancel[0]:
        if n >= maxiter:
            return e, error, m, n, maxiter
        k, level = -1, 0
        if e < NEAR:
            size = b[2, 0] + taylor.varying(b) + error
            room = min(maxiter - n, longest)
            k, level = find(offsets, radii, m, table_last, room, order(size, e))
        if k >= 0:
            steps = 1 << level
            out_e, out_error, cut = taylor.leap(
                b, e, error, dc, dc_e, k, coefficients, exponents, work
            )
        else:
            steps = 1
            there = reference(orbit, tiny, tiny_at, tinies, m)
            out_e, out_error, cut = taylor.step(b, e, error, dc, dc_e, there, work)
        rest = taylor.varying(work)
        there = reference(orbit, tiny, tiny_at, tinies, m + steps)
        z = add(there, (work[0, 0], work[1, 0], out_e))
        at = plain(modulus(z), min(z[2], 100))
        loose = plain(rest + strict * out_error, min(out_e, 100))
        if steps == 1 and at - loose >= _OUT:
            return e, error, m, n, n
        if (
            not at + loose <= _IN
            or not cut <= (_CUT if strict else _CUT_FAST) * rest
            or taylor.bend(work) > _BEND
        ):
            if steps == 1:
                return e, error, m, n, -1
            longest = steps >> 1
            continue
        longest = maxiter
        b[:] = work
        e, error = out_e, out_error
        m += steps
        n += steps
        if m >= last or is_less(z, (b[0, 0], b[1, 0], e)):
            # The same rebase for all: b_0 ← Z + b_0.
            if m >= last:
                error += end_error * power_of_two(min(end_e - e, 1000))
            t = max(e, z[2])
            f, g = power_of_two(z[2] - t), power_of_two(e - t)
            error += 4 * UNIT * (b[2, 0] + rest)
            error = (error * g + 4 * UNIT * modulus(z) * f) * _UP
            for i in range(1, taylor.DEGREE + 1):
                b[0, i] *= g
                b[1, i] *= g
                b[2, i] *= g
            b[0, 0], b[1, 0], b[2, 0] = z[0] * f, z[1] * f, modulus(z) * f * _UP
            e, m = t, 0
    return e, error, m, n, -1


@kernel(entry=True)
def count_tile(  # noqa: C901, PLR0912, PLR0915 - the pool's state does not split
    dc_re: Floats,
    dc_im: Floats,
    dc_e: int,
    s_re: Floats,
    s_im: Floats,
    radius: float,
    maxiter: int,
    frame: Frame,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.uint32],
    unsure: Bools,
) -> bool:
    """Write the counts of a tile, row by row, and where they are not certain.

    ``dc_re[i] + 1j * dc_im[j]`` is c - C, ``s_re[i] + 1j * s_im[j]`` the place in the tile's disc,
    whose radius is `radius`; the exponent of dc and radius is `dc_e`.
    """
    orbit, last, end_error, end_e = frame[0], frame[4], frame[5], frame[6]
    polynomials = np.zeros((_DEPTH, 3, taylor.DEGREE + 1))
    numbers = np.zeros((_DEPTH, 7))
    boxes = np.zeros((_DEPTH, 6), np.int64)
    work = np.zeros((3, taylor.DEGREE + 1))
    here = np.zeros((3, taylor.DEGREE + 1))
    dc = np.zeros(3)
    # The whole tile.
    boxes[0, 0], boxes[0, 1], boxes[0, 2], boxes[0, 3] = 0, s_re.size, 0, s_im.size
    boxes[0, 4], boxes[0, 5] = 0, 0
    numbers[0, 0], numbers[0, 1] = -(2.0**39), 0.0
    numbers[0, 4] = 1.0
    waiting = 1

    state = np.zeros(_STATE)
    target = np.zeros(LANES, np.int64)
    memory = np.zeros((LANES, 7))
    end = plain(end_error, end_e)
    small = 4.0**NEAR
    across = s_re.size
    dc_error = 2.0**-52 * plain(3.0, dc_e) + 1e-290  # 2 u |dc|, each part below 2
    lanes = 0
    while (lanes or waiting) and not cancel[0]:
        while waiting and lanes <= LANES - _LEAF * _LEAF and not cancel[0]:
            waiting -= 1
            left, right, top, bottom = (
                boxes[waiting, 0],
                boxes[waiting, 1],
                boxes[waiting, 2],
                boxes[waiting, 3],
            )
            m, n = boxes[waiting, 4], boxes[waiting, 5]
            here[:] = polynomials[waiting]
            e, error = int(numbers[waiting, 0]), numbers[waiting, 1]
            x, y, scale = numbers[waiting, 2], numbers[waiting, 3], numbers[waiting, 4]
            dc[0], dc[1] = (
                0.5 * (dc_re[left] + dc_re[right - 1]),
                0.5 * (dc_im[top] + dc_im[bottom - 1]),
            )
            dc[2] = radius * scale
            e, error, m, n, common = _follow(
                here, work, e, error, m, n, dc, dc_e, maxiter, frame, cancel
            )
            if common >= 0:
                for j in range(top, bottom):
                    for i in range(left, right):
                        counts[j * across + i] = common
                        unsure[j * across + i] = False
            elif right - left > _LEAF or bottom - top > _LEAF:
                middle_x, middle_y = (left + right + 1) // 2, (top + bottom + 1) // 2
                for quarter in range(4):
                    a, c = (left, middle_x) if quarter % 2 == 0 else (middle_x, right)
                    p, q = (top, middle_y) if quarter < 2 else (middle_y, bottom)
                    if a >= c or p >= q:
                        continue
                    boxes[waiting, 0], boxes[waiting, 1], boxes[waiting, 2], boxes[waiting, 3] = (
                        a,
                        c,
                        p,
                        q,
                    )
                    boxes[waiting, 4], boxes[waiting, 5] = m, n
                    u, v = 0.5 * (s_re[a] + s_re[c - 1]), 0.5 * (s_im[p] + s_im[q - 1])
                    half_x, half_y = 0.5 * (s_re[c - 1] - s_re[a]), 0.5 * (s_im[p] - s_im[q - 1])
                    size = math.sqrt(half_x * half_x + half_y * half_y) * _UP + 2.0**-40
                    rounding = taylor.divide(
                        here, (u - x) / scale, (v - y) / scale, size / scale, polynomials[waiting]
                    )
                    numbers[waiting, 0], numbers[waiting, 1] = e, error + rounding
                    numbers[waiting, 2], numbers[waiting, 3], numbers[waiting, 4] = u, v, size
                    waiting += 1
            else:
                size = here[2, 0] + taylor.DEGREE * taylor.varying(here)
                error += 16 * taylor.DEGREE * size * UNIT
                for j in range(top, bottom):
                    for i in range(left, right):
                        pixel = j * across + i
                        u, v = taylor.evaluate(here, (s_re[i] - x) / scale, (s_im[j] - y) / scale)
                        d, at = normal(u, v, e), normal(dc_re[i], dc_im[j], dc_e)
                        loose = (
                            error * power_of_two(min(e - d[2], 1000)) if d[2] > -(2**39) else error
                        )
                        memory[lanes] = 0.0
                        memory[lanes, 3] = 2.0**40
                        status, d, loose, m1, n1 = far(
                            d, loose, at, m, n, maxiter, memory, lanes, _FRESH, frame
                        )
                        if status == FAR:
                            _load(state, lanes, d, loose, at, m1, n1, orbit)
                            target[lanes] = pixel
                            lanes += 1
                        else:
                            counts[pixel], unsure[pixel] = n1, status != CERTAIN
        padded = (lanes + 15) // 16 * 16
        for _ in range(_STEPS):
            _gather(state, padded, orbit)
            _advance(state, padded, float(last), float(maxiter), end, small, dc_error)
        lane = 0
        while lane < lanes:
            x, y, u, v = state[DX + lane], state[DY + lane], state[ZX + lane], state[ZY + lane]
            # Does it stay as it is? One more step tells.
            k = int(state[M + lane]) + 1
            tx, ty = state[RX + lane] + u, state[RY + lane] + v
            p = tx * x - ty * y + state[CX_ + lane]
            q = tx * y + ty * x + state[CY_ + lane]
            u, v = orbit[k, 0] + p, orbit[k, 1] + q
            r, s = u * u + v * v, p * p + q * q
            s = min(r, s)
            lost = frame[12] > 0 and not state[E + lane] <= _HOPELESS
            if r > 3.999 or s < 4 * small or state[N + lane] >= maxiter or lost:
                pixel = target[lane]
                j, i = pixel // across, pixel % across
                at = normal(dc_re[i], dc_im[j], dc_e)
                d = normal(x, y, 0)
                loose = state[E + lane] * power_of_two(-d[2])
                status, n1, m1 = UNSURE, 0, 0
                if not lost:
                    status, d, loose, m1, n1 = far(
                        d,
                        loose,
                        at,
                        int(state[M + lane]),
                        int(state[N + lane]),
                        maxiter,
                        memory,
                        lane,
                        _HELD,
                        frame,
                    )
                if status == FAR:
                    _load(state, lane, d, loose, at, m1, n1, orbit)
                else:
                    counts[pixel], unsure[pixel] = n1, status != CERTAIN
                    lanes -= 1
                    for row in range(0, _STATE, _ROW):
                        state[row + lane] = state[row + lanes]
                    target[lane] = target[lanes]
                    memory[lane] = memory[lanes]
                    continue
            lane += 1
    return not cancel[0]
