"""Differences of 106 bits for eight orbits together, as together.py does with those of 53.

Entries of series.py and single steps, as in paired.py and with its bounds. All deltas of a group
are in units of one power of two, 2^scale, which follows from what is done and not from the orbits,
so that they may be of any size: what has to be known of d in units of 1, as Z + d, is either in
float64's range or nothing beside Z.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mandelbrot.bla import order
from mandelbrot.extended_exponent import exponent, power_of_two
from mandelbrot.intrinsics import trailing_zeros
from mandelbrot.jit import kernel
from mandelbrot.pairs import plus_of_vectors, scaled_to_one, times_of_vectors
from mandelbrot.perturbation import FLOAT, IN_SQUARE, find
from mandelbrot.series import (
    C2,
    C3,
    ERROR_A,
    ERROR_B,
    LIPSCHITZ,
    RADIUS,
    REST,
    SHORTEST,
    A,
    B,
)
from mandelbrot.vectors import eight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mandelbrot.paired import Entries
    from mandelbrot.pairs import Four, Pair, Vectors
    from mandelbrot.perturbation import Frame
    from mandelbrot.vectors import Vector

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Committed = tuple[list[Vector], list[Vector], Vector]

SIZE = 8
"""Orbits in a group."""

FEWEST = 2
"""Orbits that are worth going together."""

X, XL, Y, YL, E, R, CX, CXL, CY, CYL = range(0, 10 * SIZE, SIZE)
"""Variables of a lane: d and its error, in units of 2^scale; |z|²; dc, in units of 2^dc_e. They are
0 where there is no orbit.
"""
LEFT_X, LEFT_XL, LEFT_Y, LEFT_YL, LEFT_E = range(10 * SIZE, 15 * SIZE, SIZE)
"""d and its error where it dropped out."""

ROUNDING = 2.0**-98
"""Bound of a step's rounding, relative to |z||d|."""

NEAR_FROM = 2.0**-17
"""|d|, and |z|², from which an orbit is iterated as z² + c."""

OF_DC = 2.0**-102
"""Bound of the rounding of dc and of its sum, relative to |dc|."""

_SMALL = 2.0**-400  # |Z| below which a step is left to paired.py
_TINY_SQUARE = 2.0 ** (2 * FLOAT)
_UP = 1 + 2.0**-48


class Group(NamedTuple):
    """Some orbits, as `put` begins them and `walk` leaves them."""

    state: Floats
    m: Integers
    """Index of the iterate at which a lane dropped out."""
    n: Integers
    scale: Integers
    """log2 of the unit of d and its error there."""


def group() -> Group:
    """Return memory for one."""
    return Group(np.zeros(15 * SIZE), *(np.zeros(SIZE, np.int64) for _ in range(3)))


def _commit(
    before: Sequence[Vector], d: Vectors, grown: Vector, z: Vectors, unit: Vector
) -> Committed:
    """Let those lanes step that stay, without a rebase, in |z| ≤ 2, and whose |d| is not tiny.

    Returns d, its error and |z|² of all; who has stepped, and who is not near; |d| + error of those
    who go on. `unit` is that of d, and z the next iterate of the reference.
    """
    x, xl, y, yl = d
    wx = z[0].plus_product_once(x, unit) + z[1].plus_product_once(xl, unit)
    wy = z[2].plus_product_once(y, unit) + z[3].plus_product_once(yl, unit)
    s, square = (wy * wy).plus_product_once(wx, wx), (y * y).plus_product_once(x, x)
    goes = s <= s.constant(IN_SQUARE) - s.constant(4) * (grown * unit)
    goes = goes & (square * unit * unit <= s) & (square.constant(_TINY_SQUARE) <= square)
    after = [a.where(goes, b) for a, b in zip((*d, grown, s), before, strict=True)]
    x, _, y, _, grown, s = after
    limit = s.constant(NEAR_FROM)
    far = ((y * y).plus_product_once(x, x) * unit * unit < limit * limit) | (s < limit)
    largest = (abs(x) + abs(y) + grown).where(goes & far, x.constant(0))
    return after, [goes, far], largest


def _by(a: Vectors, f: Vector) -> Vectors:
    return a[0] * f, a[1] * f, a[2] * f, a[3] * f


def _four(values: Sequence[Vector], k: int) -> Vectors:
    return values[k], values[k + 1], values[k + 2], values[k + 3]


def _leap(*values: Vector) -> Committed:
    """Take the steps of an entry."""
    d, e, dc, z, unit = _four(values, 0), values[4], _four(values, 6), _four(values, 10), values[14]
    u_scale, a_scale, b_scale, lipschitz, error_a, error_b = values[15:21]
    a, b, c2, c3 = (_four(values, k) for k in (21, 25, 29, 33))
    rest = values[37:]  # c_4 …
    u = _by(d, u_scale)
    zero, one = e.constant(0), e.constant(1)
    x, y = zero, zero
    for k in range(len(rest) - 2, -1, -2):
        x, y = x + rest[k], y + rest[k + 1]
        x, y = (-(y * u[2])).plus_product_once(x, u[0]), (y * u[0]).plus_product_once(x, u[2])
    g = plus_of_vectors(c3, (x, zero, y, zero))
    g = plus_of_vectors(c2, times_of_vectors(u, g))
    g = plus_of_vectors((one, zero, zero, zero), times_of_vectors(u, g))
    p = _by(times_of_vectors(times_of_vectors(a, d), g), a_scale)
    q = _by(times_of_vectors(b, dc), b_scale)
    size, dc_size = abs(d[0]) + abs(d[2]), abs(dc[0]) + abs(dc[2])
    grown = (lipschitz * e).plus_product_once(error_a, size) * a_scale
    grown = grown.plus_product_once(error_b * b_scale, dc_size) * e.constant(_UP)
    return _commit(values[:6], plus_of_vectors(p, q), grown, z, unit)


def _step(*values: Vector) -> Committed:
    """Take a step from Z, t being 2 Z."""
    d, dc, z, t = (_four(values, k) for k in (0, 6, 10, 18))
    e, r = values[4:6]
    unit, d_unit, a_scale, b_scale = values[14:18]
    moved = times_of_vectors(plus_of_vectors(t, _by(d, d_unit)), d)
    moved = plus_of_vectors(_by(moved, a_scale), _by(dc, b_scale))
    root = r.root()
    size, dc_size = abs(d[0]) + abs(d[2]), abs(dc[0]) + abs(dc[2])
    grown = (root + root + e * d_unit) * e
    grown = grown.plus_product_once(root * e.constant(ROUNDING), size) * a_scale
    grown = grown.plus_product_once(e.constant(OF_DC) * b_scale, dc_size) * e.constant(_UP)
    return _commit(values[:6], moved, grown, z, unit)


_variables, _constants = (X, XL, Y, YL, E, R), (CX, CXL, CY, CYL)
_leap_eight = eight(_leap, _variables, _constants)
_step_eight = eight(_step, _variables, _constants)


@kernel()
def put(group: Group, lane: int, d: Four, error: float, square: float, dc: Four, n: int) -> None:
    """Begin an orbit at d, `square` being |z|²."""
    state = group.state
    state[X + lane], state[XL + lane], state[Y + lane], state[YL + lane] = d
    state[CX + lane], state[CXL + lane], state[CY + lane], state[CYL + lane] = dc
    state[E + lane], state[R + lane] = error, square
    group.n[lane] = n


@kernel()
def left(group: Group, lane: int) -> Pair:
    """Return the d at which a lane dropped out."""
    x, xl = group.state[LEFT_X + lane], group.state[LEFT_XL + lane]
    y, yl = group.state[LEFT_Y + lane], group.state[LEFT_YL + lane]
    return scaled_to_one(x, xl, y, yl, int(group.scale[lane]))


@kernel()
def _drop(group: Group, lanes: int, m: int, taken: int, scale: int) -> int:
    """Write where the lanes of some bits are, and clear them; return how many they are."""
    state, dropped = group.state, 0
    while lanes:
        lane = trailing_zeros(lanes)
        lanes &= lanes - 1
        dropped += 1
        for k in range(5):
            state[LEFT_X + k * SIZE + lane] = state[X + k * SIZE + lane]
        for row in range(X, LEFT_X, SIZE):
            state[row + lane] = 0.0
        group.m[lane], group.scale[lane] = m, scale
        group.n[lane] += taken
    return dropped


@kernel()
def walk(
    group: Group, size: int, m: int, scale: int, dc_e: int, maxiter: int, frame: Frame,
    table: Entries, cancel: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Follow the first `size` lanes from Z_m until each has dropped out; the others are empty.

    Their deltas are in units of 2^scale.
    """
    state, orbit = group.state, frame.orbit
    room = maxiter
    largest = 0.0
    for lane in range(size):
        room = min(room, maxiter - group.n[lane])
        largest = max(largest, abs(state[X + lane]) + abs(state[Y + lane]) + state[E + lane])
    alive, left, taken = (1 << size) - 1, size, 0
    while left >= FEWEST and not cancel[0]:
        most = exponent(largest) if largest > 0 else 0
        k, level = -1, 0
        if m > 0:
            k, level = find(
                table.offsets, table.radii, m, table.last, room - taken,
                order(largest, scale), SHORTEST,
            )  # fmt: skip
        to = m + (1 << level)
        if to >= frame.last or taken >= room:
            break
        z = orbit[to, 0], orbit[to, 2], orbit[to, 1], orbit[to, 3]
        if max(abs(z[0]), abs(z[2])) < _SMALL:
            break
        if k >= 0:
            row = table.entries[k]
            a_e, b_e, r = int(row[A + 4]), int(row[B + 4]), int(row[RADIUS])
            after = max(a_e + scale + most, b_e + dc_e)
            u_scale = power_of_two(scale - r)
            a_scale, b_scale = power_of_two(a_e + scale - after), power_of_two(b_e + dc_e - after)
            held, out, largest = _leap_eight(
                state,
                (
                    *z, power_of_two(after), u_scale, a_scale, b_scale,
                    row[LIPSCHITZ], row[ERROR_A], row[ERROR_B],
                    row[A], row[A + 1], row[A + 2], row[A + 3],
                    row[B], row[B + 1], row[B + 2], row[B + 3],
                    row[C2], row[C2 + 1], row[C2 + 2], row[C2 + 3],
                    row[C3], row[C3 + 1], row[C3 + 2], row[C3 + 3],
                    row[REST], row[REST + 1], row[REST + 2], row[REST + 3], row[REST + 4],
                    row[REST + 5],
                ),
            )  # fmt: skip
        else:
            t = 2 * orbit[m, 0], 2 * orbit[m, 2], 2 * orbit[m, 1], 2 * orbit[m, 3]
            z_size = max(abs(t[0]), abs(t[2]))
            if z_size < _SMALL and m > 0:
                break
            z_e = max(exponent(z_size), scale + most) if z_size > 0 else scale + most
            after = max(z_e + scale + most, dc_e)
            a_scale, b_scale = power_of_two(scale - after), power_of_two(dc_e - after)
            held, out, largest = _step_eight(
                state, (*z, power_of_two(after), power_of_two(scale), a_scale, b_scale, *t)
            )
        held &= alive
        left -= _drop(group, held, m, taken, scale)
        alive &= ~held
        out &= alive
        m, taken, scale = to, taken + (1 << level), after
        left -= _drop(group, out, m, taken, scale)
        alive &= ~out
    _drop(group, alive, m, taken, scale)
