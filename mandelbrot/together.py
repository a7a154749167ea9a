"""The far phase of eight orbits together, as long as they are alike.

Orbits that are at the same iterate of the reference, as those of a block are, or those that have
just been rebased, take the same entries of bla.py and the same single steps: the longest that is
valid for all of them. One decision then serves eight, nothing has to be gathered, and a step of
eight costs little more than one of one. An orbit drops out, as it is, where it is near, and where
its next step is not like the others': where it has to be rebased, leaves |z| ≤ 2, or comes below
float64's range. far.py follows it from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
)
from mandelbrot.extended_exponent import power_of_two
from mandelbrot.intrinsics import trailing_zeros
from mandelbrot.jit import kernel
from mandelbrot.perturbation import FLOAT, FLUSHED, IN_SQUARE, find
from mandelbrot.vectors import eight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mandelbrot.perturbation import Frame
    from mandelbrot.pixels import Grid
    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Committed = tuple[list[Vector], list[Vector], Vector]

SIZE = 8
"""Orbits in a group, on any machine: counts of `fast` depend on who goes together."""

FEWEST = 3
"""Orbits that are worth going together."""

X, Y, E, R, PX, PY, QX, QY, LEFT_X, LEFT_Y, LEFT_E = range(0, 11 * SIZE, SIZE)
"""Variables of a lane: d, its error, |z|²; dc, and dc in units of `Frame.dc_e`; d and its error
where it dropped out. All but the last are 0 where there is no orbit.
"""
_TINY_SQUARE = 2.0 ** (2 * FLOAT)
_UP = 1 + 2.0**-48


class Group(NamedTuple):
    """Some orbits, as `put` begins them and `walk` leaves them."""

    state: Floats
    m: Integers
    """Index of the iterate at which a lane dropped out."""
    n: Integers


def group() -> Group:
    """Return memory for one."""
    return Group(np.zeros(11 * SIZE), np.zeros(SIZE, np.int64), np.zeros(SIZE, np.int64))


def _commit(
    before: Sequence[Vector], u: Vector, v: Vector, grown: Vector,
    zx: Vector, zy: Vector, near: Vector,
) -> Committed:  # fmt: skip
    """Let those lanes step that stay, without a rebase, in |z| ≤ 2, and whose |d| is not tiny.

    Returns d, its error and |z|² of all; who has stepped, and who is not near; |d| + error of those
    who go on.
    """
    wx, wy = zx + u, zy + v
    s, size = (wy * wy).plus_product_once(wx, wx), (v * v).plus_product_once(u, u)
    goes = (s <= s.constant(IN_SQUARE) - s.constant(4) * grown) & (size <= s)
    goes = goes & (size.constant(_TINY_SQUARE) <= size)
    after = u, v, grown, s
    u, v, grown, s = (a.where(goes, b) for a, b in zip(after, before, strict=True))
    far = ((v * v).plus_product_once(u, u) < near * near) | (s < near)
    largest = (abs(u) + abs(v) + grown).where(goes & far, u.constant(0))
    return [u, v, grown, s], [goes, far], largest


def _leapt(
    x: Vector, y: Vector, qx: Vector, qy: Vector, ax: Vector, ay: Vector, bx: Vector, by: Vector,
    cx: Vector, cy: Vector, gx: Vector, gy: Vector,
) -> tuple[Vector, Vector]:  # fmt: skip
    """Return (A d + B q) + (C + G d) d²."""
    sx, sy = (-(y * y)).plus_product_once(x, x), (x + x) * y
    cx, cy = (
        cx.plus_product_once(-gy, y).plus_product_once(gx, x),
        cy.plus_product_once(gy, x).plus_product_once(gx, y),
    )
    u, v = (-(by * qy)).plus_product_once(bx, qx), (by * qx).plus_product_once(bx, qy)
    u = u.plus_product_once(-ay, y).plus_product_once(ax, x)
    v = v.plus_product_once(ay, x).plus_product_once(ax, y)
    u = u.plus_product_once(-cy, sy).plus_product_once(cx, sx)
    v = v.plus_product_once(cy, sx).plus_product_once(cx, sy)
    return u, v


def _leap(
    x: Vector, y: Vector, e: Vector, r: Vector, _px: Vector, _py: Vector, qx: Vector, qy: Vector,
    zx: Vector, zy: Vector, near: Vector, *entry: Vector,
) -> Committed:  # fmt: skip
    u, v = _leapt(x, y, qx, qy, *entry[:8])
    grown = e
    if len(entry) > 8:
        lipschitz, error_a, error_b, rest = entry[8:]
        size, square = abs(x) + abs(y), (abs(x) + abs(y)) * (abs(x) + abs(y))
        grown = e.constant(FLUSHED).plus_product_once(error_b, abs(qx) + abs(qy))
        grown = grown.plus_product_once(lipschitz, e).plus_product_once(error_a, size)
        grown = grown.plus_product_once(rest, square * square) * e.constant(_UP)
    return _commit((x, y, e, r), u, v, grown, zx, zy, near)


def _step(
    x: Vector, y: Vector, e: Vector, r: Vector, px: Vector, py: Vector, _qx: Vector, _qy: Vector,
    zx: Vector, zy: Vector, near: Vector, tx: Vector, ty: Vector, strict: Vector | None = None,
) -> Committed:  # fmt: skip
    """Take a step from Z, t being 2 Z."""
    tx, ty = tx + x, ty + y
    u = px.plus_product_once(-ty, y).plus_product_once(tx, x)
    v = py.plus_product_once(ty, x).plus_product_once(tx, y)
    grown = e
    if strict is not None:
        root = r.root()
        grown = e.constant(FLUSHED).plus_product_once(abs(px) + abs(py), e.constant(2 * UNIT))
        grown = grown.plus_product_once(root * e.constant(24 * UNIT), abs(x) + abs(y))
        grown = grown.plus_product_once(root + root + e, e) * e.constant(_UP)
    return _commit((x, y, e, r), u, v, grown, zx, zy, near)


_variables, _constants = (X, Y, E, R), (PX, PY, QX, QY)
_leap_eight = eight(_leap, _variables, _constants)
_step_eight = eight(_step, _variables, _constants)


@kernel()
def put(
    group: Group,
    lane: int,
    d: tuple[float, float],
    error: float,
    z: tuple[float, float],
    p: tuple[float, float],
    q: tuple[float, float],
    n: int,
) -> None:
    """Begin an orbit at d, which is in float64's range, and z = Z + d; its dc is p, and q."""
    state = group.state
    state[X + lane], state[Y + lane], state[E + lane] = d[0], d[1], error
    state[PX + lane], state[PY + lane], state[QX + lane], state[QY + lane] = p[0], p[1], q[0], q[1]
    state[R + lane] = z[0] * z[0] + z[1] * z[1]
    group.n[lane] = n


@kernel()
def join(
    group: Group,
    lane: int,
    pixel: int,
    d: tuple[float, float],
    error: float,
    m: int,
    n: int,
    grid: Grid,
    frame: Frame,
) -> None:
    """Begin a pixel's orbit at Z_m + d."""
    j, i = pixel // grid.c_re.size, pixel % grid.c_re.size
    re, im = grid.dc_re[i], grid.dc_im[j]
    f, g = power_of_two(grid.dc_e), power_of_two(grid.dc_e - frame.dc_e)
    z = frame.orbit[m, 0] + d[0], frame.orbit[m, 1] + d[1]
    put(group, lane, d, error, z, (re * f, im * f), (re * g, im * g), n)


@kernel()
def _drop(group: Group, lanes: int, m: int, taken: int) -> int:
    """Write where the lanes of some bits are, and clear them; return how many they are."""
    state, dropped = group.state, 0
    while lanes:
        lane = trailing_zeros(lanes)
        lanes &= lanes - 1
        dropped += 1
        state[LEFT_X + lane], state[LEFT_Y + lane] = state[X + lane], state[Y + lane]
        state[LEFT_E + lane] = state[E + lane]
        for row in range(X, LEFT_X, SIZE):
            state[row + lane] = 0.0
        group.m[lane] = m
        group.n[lane] += taken
    return dropped


@kernel()
def _look(group: Group, size: int, near: float) -> tuple[int, int, float]:
    """Return who is near, and whose |d| is tiny, as bits; the largest |d| + error of the others."""
    state, arrived, tiny, largest = group.state, 0, 0, 0.0
    for lane in range(size):
        x, y = state[X + lane], state[Y + lane]
        square = x * x + y * y
        if square >= near * near and state[R + lane] >= near:
            arrived |= 1 << lane
        elif square < _TINY_SQUARE:
            tiny |= 1 << lane
        else:
            largest = max(largest, abs(x) + abs(y) + state[E + lane])
    return arrived, tiny, largest


@kernel(inline=True)
def walk(group: Group, size: int, m: int, maxiter: int, frame: Frame) -> int:
    """Follow the first `size` lanes from Z_m until each has dropped out; the others are empty.

    Returns the bits of those that are near.
    """
    state, orbit, near = group.state, frame.orbit, frame.near
    strict = frame.strict > 0
    room = maxiter
    for lane in range(size):
        room = min(room, maxiter - group.n[lane])
    arrived, taken, hint = 0, 0, 0
    out, tiny, largest = _look(group, size, near)
    alive, left = (1 << size) - 1 - tiny, size - _drop(group, tiny, m, 0)
    while True:
        arrived |= out
        left -= _drop(group, out, m, taken)
        alive &= ~out
        if left < FEWEST:
            break
        k, level = -1, 0
        if largest < frame.widest:
            k, level = find(
                frame.offsets, frame.reach, m, frame.table_last, room - taken, largest,
                SHORTEST, hint,
            )  # fmt: skip
            hint = level
        to = m + (1 << level)
        if to >= frame.last or taken >= room:
            break
        zx, zy = orbit[to, 0], orbit[to, 1]
        if k >= 0:
            row = frame.plain[k]
            a = row[AX], row[AY], row[BX], row[BY], row[CX], row[CY], row[GX], row[GY]
            if strict:
                b = row[LIPSCHITZ], row[ERROR_A], row[ERROR_B], row[REST]
                held, out, largest = _leap_eight(state, (zx, zy, near, *a, *b))
            else:
                held, out, largest = _leap_eight(state, (zx, zy, near, *a))
        else:
            tx, ty = 2 * orbit[m, 0], 2 * orbit[m, 1]
            if strict:
                held, out, largest = _step_eight(state, (zx, zy, near, tx, ty, 1.0))
            else:
                held, out, largest = _step_eight(state, (zx, zy, near, tx, ty))
        held &= alive
        left -= _drop(group, held, m, taken)
        alive &= ~held
        out &= alive
        m, taken = to, taken + (1 << level)
    _drop(group, alive, m, taken)
    return arrived
