"""Orbits as small differences from a reference orbit, with the error certificate carried along.

With z = Z_m + d and c = C + dc an orbit follows, exactly,

    d' = (2 Z_m + d) d + dc,

in which nothing cancels while |d| is small: its rounding errors are relative to |d|, at any depth.
Where z comes so close to 0 that |z| < |d|, or where the reference orbit ends, the orbit is
*rebased*: since Z_0 = 0, the same z is the difference d = z from Z_0 (Zhuoran, 2021). The bound

    E' ≤ (2|z| + E) E + 24 u |z| |d| + 2 u |dc|,    u = 2^-53, |d| ≤ |z|,

is derived in docs/exactness.md, and a count is certain as in escape_time.py: |z_n| + E_n ≤ 2 and
|z_{n+1}| - E_{n+1} > 2. Here is a single move, a step or an entry of bla.py; deltas may be below
float64's range. A pixel goes from the far phase (far.py: |d| small) to the near one (direct.py, or
direct_pairs.py with more digits) and back, as often as its orbit passes 0.
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
    SHORTEST,
    UNIT,
    order,
    reference,
)
from mandelbrot.extended_exponent import add, exponent, modulus, power_of_two
from mandelbrot.intrinsics import leading_zeros, trailing_zeros
from mandelbrot.jit import kernel
from mandelbrot.rim import side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.rim import Rim

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Number = tuple[float, float, int]


class Frame(NamedTuple):
    """What all orbits of a tile are followed with, as the compiled functions take it."""

    orbit: Floats
    tiny: Floats
    tiny_at: Integers
    tinies: int
    last: int
    """Index of the last iterate; `end_error` 2^`end_e` bounds its error."""
    end_error: float
    end_e: int
    offsets: Integers
    radii: Floats
    coefficients: Floats
    exponents: NDArray[np.int32]
    reach: Floats
    plain: Floats
    widest: float
    """The greatest of `reach`."""
    table_last: int
    """Index of the last iterate that an entry of the table leads to."""
    dc_e: int
    """log2 of the unit of dc in `plain`."""
    near: float
    """|d| from which an orbit may leave for the direct phase; infinity for none."""
    strict: float
    """1 where counts have to be proven, else 0."""
    rim: Rim


FAR = -10
"""log2 of the |d| up to which entries are looked for: above the greatest radius there is."""

NEAR, CERTAIN, UNSURE, TINY = range(4)
"""What is known of an orbit: it is near; its count is certain; it will not be; |d| is tiny."""

FLOAT = -450
"""log2 of the |d| from which squares are in float64's range."""

FLUSHED = 1e-290
"""More than all that underflows in one step from there on."""

_UP = 1 + 2.0**-48
IN, OUT = 2 * (1 - 2.0**-46), 2 * (1 + 2.0**-46)
IN_SQUARE, OUT_SQUARE = 4 * (1 - 2.0**-45), 4 * (1 + 2.0**-45)


@kernel()
def find(
    offsets: Integers,
    radii: Floats,
    m: int,
    last: int,
    steps: int,
    size: float,
    shortest: int = SHORTEST,
    hint: int = 0,
) -> tuple[int, int]:
    """Return (entry, level) of the longest entry from Z_m valid for |d| of that `order`, or -1, 0.

    It leads at most to Z_last, in at most `steps` steps; the shortest has 2^`shortest`. The search
    begins at the level `hint`: an orbit's next entry is often as long as its last.
    """
    k, limit = m - 1, min(steps, last - m)
    if m < 1 or k & ((1 << shortest) - 1) or limit < 1 << shortest:
        return -1, 0
    top = 63 - leading_zeros(np.uint64(limit))
    if k:
        top = min(top, trailing_zeros(k))
    level = max(min(hint, top), shortest)
    if size < radii[offsets[level] + (k >> level)]:
        while level < top and size < radii[offsets[level + 1] + (k >> (level + 1))]:
            level += 1
        return offsets[level] + (k >> level), level
    while level > shortest:
        level -= 1
        if size < radii[offsets[level] + (k >> level)]:
            return offsets[level] + (k >> level), level
    return -1, 0


@kernel()
def leap(
    d: Number, error: float, dc: Number, k: int, coefficients: Floats, exponents: NDArray[np.int32]
) -> tuple[Number, float]:
    """Return d and its error after the steps of entry k; errors have the exponents of their d."""
    t_a, t_b = exponents[k, EA] + d[2], exponents[k, EB] + dc[2]
    t = max(t_a, t_b)
    f, g = power_of_two(t_a - t), power_of_two(t_b - t)
    h, i = (
        power_of_two(exponents[k, EC] + 2 * d[2] - t),
        power_of_two(exponents[k, EG] + 3 * d[2] - t),
    )
    x, y, row = d[0], d[1], coefficients[k]
    # A + (C + G d) d
    ux, uy = (
        row[CX] * h + (row[GX] * x - row[GY] * y) * i,
        row[CY] * h + (row[GX] * y + row[GY] * x) * i,
    )
    ax, ay = row[AX] * f + (ux * x - uy * y), row[AY] * f + (ux * y + uy * x)
    nx = (ax * x - ay * y) + (row[BX] * dc[0] - row[BY] * dc[1]) * g
    ny = (ax * y + ay * x) + (row[BX] * dc[1] + row[BY] * dc[0]) * g
    size = modulus(d)
    grown = (row[LIPSCHITZ] * error + row[ERROR_A] * size) * f + row[ERROR_B] * modulus(dc) * g
    grown += row[REST] * size * size * size * size * power_of_two(exponents[k, ET] + 4 * d[2] - t)
    grown *= _UP
    size = max(abs(nx), abs(ny))
    shift = exponent(size) if size > 0 else 0
    factor = power_of_two(-shift)
    return (nx * factor, ny * factor, t + shift), grown * factor


@kernel()
def step(d: Number, error: float, dc: Number, z: Number, there: Number) -> tuple[Number, float]:
    """Return d and its error after one step from Z_m = `there`, `z` being Z_m + d."""
    t = add(there, z)
    x = t[0] * d[0] - t[1] * d[1]
    y = t[0] * d[1] + t[1] * d[0]
    e = max(t[2] + d[2], dc[2])
    f, g = power_of_two(t[2] + d[2] - e), power_of_two(dc[2] - e)
    x, y = x * f + dc[0] * g, y * f + dc[1] * g
    grown = 2 * modulus(z) * (error + 12 * UNIT * modulus(d)) * power_of_two(z[2] + d[2] - e)
    grown += error * error * power_of_two(2 * d[2] - e) + 2 * UNIT * modulus(dc) * g
    size = max(abs(x), abs(y))
    shift = exponent(size) if size > 0 else 0
    factor = power_of_two(-shift)
    return (x * factor, y * factor, e + shift), grown * factor * _UP


@kernel()
def is_less(a: Number, b: Number) -> bool:
    """Whether |a| < |b|."""
    f = power_of_two(min(a[2] - b[2], 500))
    return (a[0] * a[0] + a[1] * a[1]) * f * f < b[0] * b[0] + b[1] * b[1]


@kernel()
def plain(value: float, e: int) -> float:
    """Return ``value * 2**e`` as float64."""
    return value * power_of_two(e)


@kernel()
def where(z: Number, d: Number, error: float, m: int, frame: Frame) -> int:
    """Return -1 where z = Z_m + d is inside |z| ≤ 2, 1 where outside, 0 if that is not certain."""
    size, loose = plain(modulus(z), min(z[2], 100)), frame.strict * plain(error, min(d[2], 100))
    if size + loose <= IN:
        return -1
    if size - loose >= OUT:
        return 1
    known = side(frame.rim, frame.orbit, m, d, frame.strict * error) if m < frame.last else 0
    if known == 0 and frame.strict == 0:
        known = 1 if size > 2 else -1
    return known


@kernel()
def move(
    d: Number, error: float, dc: Number, m: int, room: int, frame: Frame
) -> tuple[Number, float, int, int, int, bool]:
    """Take one step, or an entry of at most `room` steps; rebase where that is due.

    Returns d, error, m, the number of steps, whether |z| ≤ 2 before and after are both certain
    (2), or inside before and outside after (1), or neither (0); and whether it was rebased.
    """
    k, level = -1, 0
    if d[2] < FAR:
        size = order(modulus(d) + error, d[2])
        k, level = find(frame.offsets, frame.radii, m, frame.table_last, room, size)
    there = reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m)
    z = add(there, d)
    inside = where(z, d, error, m, frame) < 0
    if k >= 0:
        d, error = leap(d, error, dc, k, frame.coefficients, frame.exponents)
        steps = 1 << level
    else:
        d, error = step(d, error, dc, z, there)
        steps = 1
    m += steps
    there = reference(frame.orbit, frame.tiny, frame.tiny_at, frame.tinies, m)
    z = add(there, d)
    after, known = where(z, d, error, m, frame), 0
    if inside:
        known = 2 if after < 0 else (1 if steps == 1 and after > 0 else 0)
    rebased = False
    if m >= frame.last or is_less(z, d):
        # Rounding of Z + d, at most 3 u of the larger; at the end, the error of Z itself.
        size = modulus(z) * power_of_two(min(z[2] - d[2], 1000)) + modulus(d)
        error += 4 * UNIT * size
        if m >= frame.last:
            error += frame.end_error * power_of_two(min(frame.end_e - d[2], 1000))
        error *= power_of_two(min(d[2] - z[2], 1000)) * _UP
        d, m, rebased = z, 0, True
    return d, error, m, steps, known, rebased
