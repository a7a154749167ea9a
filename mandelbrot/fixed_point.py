"""The last rung: fixed-point numbers of any length, one orbit at a time, with an error bound.

A number is an integer of L limbs of 64 bits (two's complement, least significant first) in units of
2^-F, F = 64 L - 8. Products are exact to the last unit below, so that a step is off by less than
`_ROUNDING` units, and not at all when no bits were dropped: orbits of Gaussian integers (c = i, -2)
are followed exactly. The bound e' ≤ (2|ẑ| + e) e + δ is carried directly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mandelbrot import rational, three_limbs
from mandelbrot.intrinsics import multiply_add
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.plane import Axis, Tile

    Limbs = NDArray[np.uint64]

WHOLE = 8
"""Bits before the binary point: twice the 4 of `_magnitude`, more than |z² + c| ≤ 6 needs."""

_LIMBS, _MOST_LIMBS = 3, 3 * 2**10
_BAND = 32  # rows whose unsure pixels are listed together
_ROUNDING = 4.0  # units: below √(2² + 3²) for two squares and c, for twice a product and c
_UP = 1 + 2.0**-48  # covers the rounding of a bound in one step
_TINY = 1e-300  # stands for all smaller bounds
_ZERO, _ONE, _SIXTEEN = np.uint64(0), np.uint64(1), np.uint64(16)


@kernel()
def _add(a: Limbs, b: Limbs, out: Limbs) -> None:
    carry = _ZERO
    for k in range(a.size):
        out[k], carry = multiply_add(a[k], _ONE, b[k], carry)


@kernel()
def _subtract(a: Limbs, b: Limbs, out: Limbs) -> None:
    carry = _ONE
    for k in range(a.size):
        out[k], carry = multiply_add(a[k], _ONE, ~b[k], carry)


@kernel()
def _is_negative(a: Limbs) -> bool:
    return bool(a[a.size - 1] >> np.uint64(63))


@kernel()
def _magnitude(a: Limbs, out: Limbs) -> None:
    """Write 16 |a|: the product of two such has its high limbs where they belong."""
    flip, carry = (~_ZERO, _SIXTEEN) if _is_negative(a) else (_ZERO, _ZERO)
    for k in range(a.size):
        out[k], carry = multiply_add(a[k] ^ flip, _SIXTEEN, _ZERO, carry)


@kernel()
def _multiply(a: Limbs, b: Limbs, out: Limbs) -> bool:
    """Write the product of two magnitudes, rounded down; return whether that was exact."""
    size = a.size
    dropped = _ZERO
    for i in range(size):
        low, carry = multiply_add(a[i], b[0], out[0] if i > 0 else _ZERO, _ZERO)
        dropped |= low
        for j in range(1, size):
            out[j - 1], carry = multiply_add(a[i], b[j], out[j] if i > 0 else _ZERO, carry)
        out[size - 1] = carry
    return bool(dropped == _ZERO)


@kernel()
def _to_float(a: Limbs) -> float:
    """Return a number, off by at most a unit and a relative 2^-50; only 0 itself becomes 0."""
    negative = _is_negative(a)
    flip = ~_ZERO if negative else _ZERO
    weight = 2.0 ** (WHOLE - 64)
    k = a.size - 1
    while k >= 0 and a[k] == flip:
        weight *= 2.0**-64
        k -= 1
    if k < 0:
        return -_TINY if negative else 0.0
    value = float(a[k] ^ flip) * weight
    if k > 0:
        value += float(a[k - 1] ^ flip) * (weight * 2.0**-64)
    return -max(value, _TINY) if negative else max(value, _TINY)


@kernel()
def _distance(ax: Limbs, ay: Limbs, bx: Limbs, by: Limbs, scratch: Limbs) -> float:
    """Return an upper bound of |a - b|; 0 when they are equal."""
    _subtract(ax, bx, scratch)
    dx = _to_float(scratch)
    _subtract(ay, by, scratch)
    dy = _to_float(scratch)
    return math.hypot(dx, dy) * (1 + 2.0**-20)


@kernel()
def _is_near(a: Limbs, b: Limbs) -> bool:
    """Whether two numbers differ by less than about 2^-20, from their top limbs."""
    difference = np.int64(a[a.size - 1] - b[b.size - 1])
    return bool(abs(difference) < 2 ** (64 - WHOLE - 20))


@kernel()
def _step(
    x: Limbs,
    y: Limbs,
    cx: Limbs,
    cy: Limbs,
    xx: Limbs,
    yy: Limbs,
    ax: Limbs,
    ay: Limbs,
    scratch: Limbs,
) -> bool:
    """Replace z by z² + c, given x², y², |x| and |y|; return whether 2xy is exact."""
    negative = _is_negative(x) != _is_negative(y)
    exact = _multiply(ax, ay, scratch)
    _subtract(xx, yy, x)
    _add(x, cx, x)
    if negative:
        _subtract(cy, scratch, y)
        _subtract(y, scratch, y)
    else:
        _add(cy, scratch, y)
        _add(y, scratch, y)
    return exact


@kernel(allocates=True)
def count_point(  # noqa: C901, PLR0912 - one loop, whose state does not split
    cx: Limbs,
    cy: Limbs,
    c_is_exact: bool,  # noqa: FBT001 - compiled functions have no keyword arguments
    maxiter: int,
    cancel: NDArray[np.uint8],
) -> int:
    """Return the count at a point, or -1 when these digits do not certify it or on cancellation."""
    x, y, saved_x, saved_y = cx.copy(), cy.copy(), cx.copy(), cy.copy()
    lap_x, lap_y, ax, ay = cx.copy(), cy.copy(), cx.copy(), cy.copy()
    xx, yy, scratch = cx.copy(), cy.copy(), cx.copy()
    # The error is at most e * scale, a unit unit * scale: no under- or overflow at any length.
    shift = 64 * x.size - WHOLE
    scale, unit = math.ldexp(1.0, -min(shift, 1000)), 1.0
    e = 0.0 if c_is_exact else _ROUNDING
    saved = certain_inside = 0
    near, multiplier = 2.0**-20, 1.0  # `multiplier` is that of the orbit since z was saved
    lap_end, first_radius, radius = -1, 0.0, 0.0  # a disc that is being followed from `lap`
    for n in range(1, maxiter + 1):
        if n % 256 == 0 and cancel[0]:
            return -1
        _magnitude(x, ax)
        _magnitude(y, ay)
        exact = _multiply(ax, ax, xx)
        exact = _multiply(ay, ay, yy) and exact
        _add(xx, yy, scratch)
        error, grain = e * scale, 8 * unit * scale + _TINY
        size = math.sqrt(_to_float(scratch) + grain) * _UP
        scratch[-1] -= np.uint64(4) << np.uint64(64 - WHOLE)
        above = _to_float(scratch)
        margin = 0.0 if exact and e == 0 else ((2 * size + error) * error + grain) * _UP
        if above + margin <= 0:
            certain_inside = n
        elif above - margin > 0:
            return n - 1 if certain_inside == n - 1 else -1
        if not error < 0.25:
            return -1

        # An orbit that comes back, exactly or to a disc that is mapped into itself, stays.
        if _is_near(x, saved_x) and _is_near(y, saved_y) and n > 1:
            distance = _distance(x, y, saved_x, saved_y, scratch)
            if distance == 0 and e == 0:
                return maxiter
            if distance < near and lap_end < n and multiplier < 1:
                near = distance / 16
                first_radius = max(2 * distance / (1 - multiplier), 0.0) + 2 * error + grain
                radius = first_radius
                lap_x[:], lap_y[:], lap_end = x, y, 2 * n - saved
        if n == lap_end:
            returned = _distance(x, y, lap_x, lap_y, scratch)
            if (returned + radius) * _UP <= first_radius:
                return maxiter
        elif n < lap_end and not (size + radius) * _UP <= 2:
            lap_end = -1
        if n >= 2 * saved:
            saved_x[:], saved_y[:], saved, multiplier = x, y, n, 1.0

        exact = _step(x, y, cx, cy, xx, yy, ax, ay, scratch) and exact
        rounding = 0.0 if exact and c_is_exact else _ROUNDING * unit
        multiplier *= 2 * size
        radius = ((2 * size + radius) * radius + rounding * scale) * _UP + _TINY
        e = ((2 * size + error) * e + rounding) * _UP
        if e > 2.0**400:
            shift -= 512
            e, unit = e * 2.0**-512, max(unit * 2.0**-512, _TINY)
            scale = math.ldexp(1.0, -min(shift, 1000))
    return maxiter if certain_inside == maxiter else -1


@kernel(entry=True, allocates=True)
def count_points(
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    re: Limbs,
    im: Limbs,
    re_exact: NDArray[np.bool_],
    im_exact: NDArray[np.bool_],
    maxiter: int,
    cancel: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> None:
    """Count points given by their indices in `columns` and `rows`; -1 for those not certain."""
    for k in range(counts.size):
        i, j = columns[k], rows[k]
        exact = re_exact[i] and im_exact[j]
        counts[k] = -1
        if re.shape[1] == _LIMBS and maxiter <= three_limbs.LONGEST:
            counts[k] = three_limbs.count_point(
                (re[i, 0], re[i, 1], re[i, 2]),
                (im[j, 0], im[j, 1], im[j, 2]),
                0.0 if exact else _ROUNDING,
                maxiter,
                cancel,
            )
        if counts[k] < 0 and not cancel[0]:
            counts[k] = count_point(re[i], im[j], exact, maxiter, cancel)


def limbs(axis: Axis, size: int, indices: NDArray[np.intp]) -> tuple[Limbs, NDArray[np.bool_]]:
    """Return points of an axis in fixed point, rounded down, shape (n, size), and what is exact."""
    words, exact = bytearray(), []
    for k in indices.tolist():
        numerator = (axis.first + k * axis.step) << (64 * size - WHOLE)
        value, rest = divmod(numerator, axis.denominator)
        # Far outside the orbit leaves at once, wherever it starts.
        far = 4 << (64 * size - WHOLE)
        words += max(-far, min(value, far)).to_bytes(8 * size, "little", signed=True)
        exact.append(rest == 0)
    shape = len(exact), size
    return np.frombuffer(words, "<u8").astype(np.uint64).reshape(shape), np.array(exact)


def finish_tile(
    tile: Tile,
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: NDArray[np.unsignedinteger],
    unsure: NDArray[np.bool_],
) -> bool:
    """Count the unsure pixels of a tile with as many digits as they need. False when cancelled.

    Raises
    ------
    ArithmeticError
        When a pixel needs more than `_MOST_LIMBS` limbs. No such point is known.
    """
    # What tells neighbours apart, and as many bits again as most orbits of deep tiles lose.
    bits = (tile.re.denominator // tile.re.step).bit_length() + 64
    size = first = max(_LIMBS, (bits + WHOLE + 63) // 64)
    while unsure.any() and not cancel[0]:
        if size > _MOST_LIMBS:
            j, i = np.argwhere(unsure)[0]
            msg = (
                f"pixel (row {j}, column {i}): its count is not certain with {64 * size} bits; "
                "use precision='fast', or move the centre a little"
            )
            raise ArithmeticError(msg)
        if size == first:
            rational.decide(tile, maxiter, cancel, out, unsure)
        _recount(tile, size, maxiter, cancel, out, unsure)
        size *= 2
    return not cancel[0]


def _recount(
    tile: Tile,
    size: int,
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: NDArray[np.unsignedinteger],
    unsure: NDArray[np.bool_],
) -> None:
    """Count the unsure pixels with numbers of `size` limbs, and unmark those that are certain."""
    columns, rows = np.flatnonzero(unsure.any(axis=0)), np.flatnonzero(unsure.any(axis=1))
    re, re_exact = limbs(tile.re, size, columns)
    im, im_exact = limbs(tile.im, size, rows)
    for top in range(0, rows.size, _BAND):
        band = rows[top : top + _BAND, np.newaxis]
        # Both contiguous: `np.nonzero` returns parts of one array, of which each would be a type.
        j, i = np.divmod(np.flatnonzero(unsure[band, columns]), columns.size)
        counts = np.empty(j.size, np.int64)
        count_points(top + j, i, re, im, re_exact, im_exact, maxiter, cancel, counts)
        certain = counts >= 0
        j, i, counts = band[j[certain], 0], columns[i[certain]], counts[certain]
        out[j, i], unsure[j, i] = counts, False
