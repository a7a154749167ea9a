"""One orbit for a whole block of pixels: the delta as a polynomial of the place, with its error.

For s = (c - c₀) / R in the unit disc, c₀ being the block's centre, the delta of c's orbit is

    d(s) = b_0 + b_1 s + … + b_K s^K + error,    |error| ≤ E.

A step, or an entry of the table of bla.py, maps d to A d + B dc + C d² + G d³, which is made of
convolutions of the b_k. Sums of |b_k| bound d in the whole disc, and so what is cut off above
degree K, what is rounded, and how an error grows. A polynomial is followed until what is cut off
matters, or until its pixels part at |z| = 2; then it is divided among smaller blocks. That spares a
pixel all of its orbit that it has in common with its neighbours.

A polynomial is an array of shape (3, K + 1): real and imaginary parts of the b_k and upper bounds
of |b_k|. All mantissas of one polynomial, and its E, have one exponent.
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
    EA,
    EB,
    EC,
    EG,
    ERROR_A,
    ERROR_B,
    ET,
    GX,
    GY,
    LIPSCHITZ,
    REST,
    UNIT,
)
from mandelbrot.extended_exponent import exponent, power_of_two
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DEGREE = 8

_ROUNDING = (DEGREE + 16) * UNIT  # of one step, relative to |A||d| + |B||dc| + |C||d|² + |G||d|³
_UP = 1 + 2.0**-40


@kernel()
def copy(b: Floats, out: Floats) -> None:
    """Write a polynomial to `out`."""
    for part in range(3):
        for k in range(DEGREE + 1):
            out[part, k] = b[part, k]


@kernel()
def varying(b: Floats) -> float:
    """Return an upper bound of |d - b_0| in the unit disc."""
    rest = 0.0
    for k in range(1, DEGREE + 1):
        rest += b[2, k]
    return rest * _UP


@kernel()
def bend(b: Floats) -> float:
    """Return an upper bound of |d'(s) / b_1 - 1| in the unit disc; infinite when b_1 = 0."""
    total = 0.0
    for k in range(2, DEGREE + 1):
        total += k * b[2, k]
    return float(total / b[2, 1]) if b[2, 1] > 0 else math.inf


@kernel()
def _measure(b: Floats) -> None:
    for k in range(DEGREE + 1):
        b[2, k] = math.sqrt(b[0, k] * b[0, k] + b[1, k] * b[1, k]) * _UP


@kernel()
def _square(b: Floats, out: Floats) -> None:
    """Write d² up to degree K, and the same of the bounds, to `out`."""
    for k in range(DEGREE + 1):
        sx, sy, size = 0.0, 0.0, 0.0
        for i in range((k + 1) // 2):
            sx += b[0, i] * b[0, k - i] - b[1, i] * b[1, k - i]
            sy += b[0, i] * b[1, k - i] + b[1, i] * b[0, k - i]
            size += b[2, i] * b[2, k - i]
        sx, sy, size = 2 * sx, 2 * sy, 2 * size
        if k % 2 == 0:
            u, v = b[0, k // 2], b[1, k // 2]
            sx += u * u - v * v
            sy += 2 * u * v
            size += b[2, k // 2] * b[2, k // 2]
        out[0, k], out[1, k], out[2, k] = sx, sy, size


@kernel()
def _apply(
    b: Floats,
    e: int,
    error: float,
    dc: Floats,
    dc_e: int,
    ax: float,
    ay: float,
    a_e: int,
    bx: float,
    by: float,
    b_e: int,
    cx: float,
    cy: float,
    c_e: int,
    gx: float,
    gy: float,
    g_e: int,
    stretch: float,
    error_a: float,
    error_b: float,
    rest: float,
    rest_e: int,
    out: Floats,
) -> tuple[int, float, float]:
    """Write A d + B dc + C d² + G d³ to `out`; return its exponent, error, and what was cut off.

    `stretch` and `error_a` have the exponent of A, `error_b` that of B. ``dc`` is the real and
    imaginary part of c₀ - C and the radius R.
    """
    t = max(a_e + e, b_e + dc_e)
    f, g = power_of_two(a_e + e - t), power_of_two(b_e + dc_e - t)
    h, i = power_of_two(c_e + 2 * e - t), power_of_two(g_e + 3 * e - t)
    ax, ay, bx, by, cx, cy, gx, gy = ax * f, ay * f, bx * g, by * g, cx * h, cy * h, gx * i, gy * i
    size = b[2, 0] + varying(b)
    dc_size = (math.sqrt(dc[0] * dc[0] + dc[1] * dc[1]) + dc[2]) * _UP
    c_size, g_size = math.sqrt(cx * cx + cy * cy), math.sqrt(gx * gx + gy * gy)
    _square(b, out)
    # What is cut off: the products of total degree above K, and the table's fourth order.
    square, cube, tail = 0.0, 0.0, 0.0
    for k in range(1, DEGREE + 1):
        tail += b[2, DEGREE + 1 - k]
        square += b[2, k] * tail
        cube += out[2, k] * tail
    cut = c_size * square + g_size * (cube + square * size)
    cut += rest * size * size * size * size * power_of_two(rest_e + 4 * e - t)
    # From the highest on: each needs the lower squares only.
    for k in range(DEGREE, -1, -1):
        sx, sy = out[0, k], out[1, k]
        x = ax * b[0, k] - ay * b[1, k] + (cx * sx - cy * sy)
        y = ax * b[1, k] + ay * b[0, k] + (cx * sy + cy * sx)
        if g_size > 0:
            qx, qy = 0.0, 0.0
            for j in range(k + 1):
                qx += out[0, j] * b[0, k - j] - out[1, j] * b[1, k - j]
                qy += out[0, j] * b[1, k - j] + out[1, j] * b[0, k - j]
            x, y = x + (gx * qx - gy * qy), y + (gx * qy + gy * qx)
        out[0, k], out[1, k] = x, y
    out[0, 0] += bx * dc[0] - by * dc[1]
    out[1, 0] += bx * dc[1] + by * dc[0]
    out[0, 1] += bx * dc[2]
    out[1, 1] += by * dc[2]
    grown = stretch * f * error + error_a * f * size + error_b * g * dc_size + cut
    grown += _ROUNDING * (
        math.sqrt(ax * ax + ay * ay) * size
        + math.sqrt(bx * bx + by * by) * dc_size
        + (c_size + g_size * size) * size * size
    )
    _measure(out)
    largest = out[2, 0] + varying(out)
    shift = exponent(largest) if largest > 0 else 0
    factor = power_of_two(-shift)
    for k in range(DEGREE + 1):
        out[0, k] *= factor
        out[1, k] *= factor
        out[2, k] *= factor
    return t + shift, grown * factor * _UP, cut * factor


@kernel()
def step(
    b: Floats, e: int, error: float, dc: Floats, dc_e: int, z: tuple[float, float, int], out: Floats
) -> tuple[int, float, float]:
    """Take one step of the orbit, from Z = `z`; return as `leap` does."""
    # In units of 2^t: Z, and 2 |z| + E, where |z| is |Z + b_0| plus what varies in the block.
    t = max(z[2], e)
    f, g = power_of_two(z[2] - t), power_of_two(e - t)
    x, y = z[0] * f, z[1] * f
    zx, zy = x + b[0, 0] * g, y + b[1, 0] * g
    stretch = (math.sqrt(zx * zx + zy * zy) + (varying(b) + error + 4 * UNIT * b[2, 0]) * g) * _UP
    return _apply(
        b, e, error, dc, dc_e,
        x, y, t + 1, 1.0, 0.0, 0, 1.0, 0.0, 0, 0.0, 0.0, 0,
        stretch, 2 * UNIT * math.sqrt(x * x + y * y), 0.0, 0.0, 0, out,
    )  # fmt: skip


@kernel()
def leap(
    b: Floats,
    e: int,
    error: float,
    dc: Floats,
    dc_e: int,
    k: int,
    coefficients: Floats,
    exponents: NDArray[np.int32],
    out: Floats,
) -> tuple[int, float, float]:
    """Take the steps of entry k. Returns the exponent of `out`, its error, and what was cut off."""
    return _apply(
        b, e, error, dc, dc_e,
        coefficients[k, AX], coefficients[k, AY], exponents[k, EA],
        coefficients[k, BX], coefficients[k, BY], exponents[k, EB],
        coefficients[k, CX], coefficients[k, CY], exponents[k, EC],
        coefficients[k, GX], coefficients[k, GY], exponents[k, EG],
        coefficients[k, LIPSCHITZ], coefficients[k, ERROR_A], coefficients[k, ERROR_B],
        coefficients[k, REST], exponents[k, ET], out,
    )  # fmt: skip


@kernel()
def divide(b: Floats, x: float, y: float, scale: float, out: Floats) -> float:
    """Write the polynomial of a block within: s = x + iy + scale s'. Return the rounding."""
    copy(b, out)
    for i in range(DEGREE):
        for k in range(DEGREE - 1, i - 1, -1):
            out[0, k] += x * out[0, k + 1] - y * out[1, k + 1]
            out[1, k] += x * out[1, k + 1] + y * out[0, k + 1]
    factor = 1.0
    for k in range(DEGREE + 1):
        out[0, k] *= factor
        out[1, k] *= factor
        factor *= scale
    # Each of K passes rounds sums below |b_0| + Σ |b_k| reach^k; x, y, scale are rounded too.
    _measure(out)
    reach = max(math.sqrt(x * x + y * y) + scale, 1.0)
    reach *= reach
    reach *= reach
    return float(8 * DEGREE * UNIT * (b[2, 0] + DEGREE * varying(b) * reach * reach))


@kernel()
def evaluate(b: Floats, y: float, width: int, row: Floats) -> None:
    """Write the polynomial at the places ``row[2, i] + 1j * y`` to ``row[0] + 1j * row[1]``."""
    for i in range(width):
        x, u, v = row[2, i], b[0, DEGREE], b[1, DEGREE]
        for k in range(DEGREE - 1, -1, -1):
            u, v = u * x - v * y + b[0, k], u * y + v * x + b[1, k]
        row[0, i], row[1, i] = u, v
