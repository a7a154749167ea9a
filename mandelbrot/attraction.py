"""Whether all orbits of a cell stay for ever: a disc of them that returns into itself.

With r ≥ |z_j - Z_j| for every c of the cell, |c - C| ≤ R,

    |z_{j+1} - Z_{j+1}| ≤ (2|Z_j| + r) r + R.

If that takes the disc of radius r around Z_s, in the steps from Z_s to Z_m, into itself, and all
orbits of the cell have been in it once, none of them leaves (docs/exactness.md, "Interior").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mandelbrot.extended_exponent import plus, power_of_two, times, value
from mandelbrot.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.extended_exponent import Real

    Floats = NDArray[np.float64]

NEAR = 2.0**-20
"""|Z_m - Z_s|² / |Z_m|² from which a return is worth a look."""

_LOW = 2  # log2 of what an iterate may be larger than the least, to be compared with
_WIDEST = 5  # log2 of a spread beyond which it does not matter
_UP = 1 + 2.0**-40


@kernel()
def look(
    orbit: Floats, m: int, e: int, s: int, least_e: int, near: float
) -> tuple[bool, int, int, float]:
    """Return whether Z_m, of about 2^e, has come back to Z_s; the s, least_e and near of the next.

    Brent's search, among iterates close to 0: there a cycle's points are known best, to 2^-98 of
    themselves, and in a minibrot that is what tells its cycle from others.
    """
    back = False
    if e <= least_e + _LOW:
        least_e = min(least_e, e)
        f = power_of_two(-e)
        dx, dy = (orbit[m, 0] - orbit[s, 0]) * f, (orbit[m, 1] - orbit[s, 1]) * f
        distance = dx * dx + dy * dy
        if s > 0 and distance <= near:
            back, near = True, (distance / 256 if distance > 0 else -1.0)
        if m >= 2 * s:
            s, near = m, NEAR
    elif m >= 4 * s:  # the least one was none of the cycle
        s, least_e, near = m, e, NEAR
    return back, s, least_e, near


@kernel()
def spread_after(spread: Real, z: Real, radius_e: int) -> Real:
    """Return the r of Z_{j+1} from that of Z_j, |Z_j| being z, and R 2^radius_e."""
    wider = plus(times(plus((2 * z[0], z[1]), spread), spread), (1.0, radius_e))
    return (wider[0] * _UP, wider[1]) if wider[1] < _WIDEST else (1.0, _WIDEST)


@kernel()
def _lap(orbit: Floats, s: int, m: int, r: float, radius: float) -> float:
    """Return the r of Z_m from that of Z_s; infinity where an orbit may have left."""
    for j in range(s, m):
        # An iterate below 2^-900 is 0 in `orbit`.
        size = math.sqrt(orbit[j, 0] * orbit[j, 0] + orbit[j, 1] * orbit[j, 1]) * _UP + 2.0**-800
        if not size + r <= 2:
            return math.inf
        r = ((2 * size + r) * r + radius) * _UP
    return r


@kernel()
def attracted(orbit: Floats, s: int, m: int, spread: Real, radius_e: int) -> bool:
    """Whether no orbit of the cell, of which those at Z_m are within `spread` of it, ever leaves.

    Parameters
    ----------
    orbit : float64 array of shape (n, 4)
        See `reference_orbit.iterate`.
    s, m
        The orbit of C has come back: Z_m is close to Z_s.
    """
    # More than what underflows.
    radius = max(value((1.0, radius_e)), 2.0**-1000) + 2.0**-1010
    multiplier = 1.0
    for j in range(s, m):
        multiplier *= 2 * math.sqrt(orbit[j, 0] * orbit[j, 0] + orbit[j, 1] * orbit[j, 1])
    if not multiplier < 1:
        return False
    dx = (orbit[m, 0] - orbit[s, 0]) + (orbit[m, 2] - orbit[s, 2])
    dy = (orbit[m, 1] - orbit[s, 1]) + (orbit[m, 3] - orbit[s, 3])
    distance = math.hypot(dx, dy) * _UP + math.hypot(orbit[m, 0], orbit[m, 1]) * 2.0**-98
    there = distance + value(spread)
    r = max(2 * (distance + _lap(orbit, s, m, 0.0, radius)) / (1 - multiplier), there * _UP)
    return (_lap(orbit, s, m, r, radius) + distance) * _UP <= r
