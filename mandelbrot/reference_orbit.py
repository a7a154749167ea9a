"""The orbit that all pixels of a cell are compared with: Z ← Z² + C in fixed point.

An orbit is computed to as many bits as the cell's size asks for, with a bound of its own error
(as in fixed_point.py: e' ≤ (2|Z| + e) e + δ), and kept as pairs of float64. It ends, at the latest,

- where it has left |Z| ≤ 2 for good: around C = -2 it stays close to that line for long, and its
  neighbours may be inside,
- where it passes 0 so closely that a point of its cell may hit it: |Z_p| ≤ |dZ_p/dC| R, R being the
  cell's radius. That p is the period of the cell's largest minibrot, and from here all orbits of
  the cell are continued as small differences from the beginning, Z_0 = 0 (perturbation.py),
- where the orbits of its cell have long gone other ways: |dZ/dC| R > 2^20, or
- where all of them are proven to stay for ever (attraction.py).
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mandelbrot import orbit_cache, rim
from mandelbrot.attraction import NEAR, attracted, look, spread_after
from mandelbrot.extended_exponent import (
    ZERO,
    add,
    exponent,
    modulus,
    multiply,
    normal,
    power_of_two,
)
from mandelbrot.fixed_point import WHOLE, _is_negative
from mandelbrot.intrinsics import leading_zeros
from mandelbrot.jit import kernel
from mandelbrot.squares import square_address, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Limbs = NDArray[np.uint64]

T = TypeVar("T", bound=np.generic)

GUARD = 144
"""Bits beyond those of the cell's radius: 2^20 of growth that `GONE` allows, 106 of a pair of
float64, and what is left for the number of steps."""

TINY = -900
"""Numbers below 2^TINY are kept with an exponent of their own."""

RUNNING, ESCAPED, RETURNED, GONE, INSIDE, IMPRECISE = range(6)
"""Why an orbit has ended."""

_ROUNDING = 5.0  # units of the last place: a step by less than √(1² + 3²), C by √2 if rounded
_GONE = 20  # log2 of |dZ/dC| R
_LINEAR = -6  # log2 of |dZ/dC| R up to which the first return is looked for
_EXACT = -118  # log2 of the relative error up to which an iterate is used
_NO_CELL = -(2**40)  # log2 of the radius of a point that is nobody's reference
_LEFT = 2 + 2.0**-10  # |Z| from which no difference matters; of a point by itself: 2
_SAVE = 60.0  # seconds between two savings of one orbit
_ZERO = np.uint64(0)


@kernel()
def _limb(a: Limbs, k: int, flip: np.uint64) -> np.uint64:
    return a[k] ^ flip if k >= 0 else _ZERO


@kernel()
def _pair(a: Limbs) -> tuple[float, float, int]:
    """Return (high, low, e): a = (high + low) 2^e to 106 bits, 1 ≤ |high| ≤ 2 (or 0)."""
    flip = ~_ZERO if _is_negative(a) else _ZERO
    k = a.size - 1
    while k >= 0 and a[k] == flip:
        k -= 1
    if k < 0:
        return 0.0, 0.0, -(2**40)
    first, second, third = _limb(a, k, flip), _limb(a, k - 1, flip), _limb(a, k - 2, flip)
    shift = leading_zeros(first)
    if shift:
        up, down = np.uint64(shift), np.uint64(64 - shift)
        first, second = (first << up) | (second >> down), (second << up) | (third >> down)
    low = ((first & np.uint64(2047)) << np.uint64(42)) | (second >> np.uint64(22))
    sign = -1.0 if flip else 1.0
    e = 64 * (k - a.size) + WHOLE + 63 - shift
    below, cut = float(low) * 2.0**-105, float(first >> np.uint64(11)) * 2.0**-52
    high = cut + below
    return sign * high, sign * (below - (high - cut)), e


@kernel(entry=True, allocates=True)
def iterate(  # noqa: C901, PLR0912, PLR0915 - one loop, whose state does not split
    z: Limbs,
    c: Limbs,
    carried: Floats,
    exponents: NDArray[np.int64],
    first: int,
    stop: int,
    address: int,
    cancel: NDArray[np.uint8],
    orbit: Floats,
    tiny: Floats,
    tiny_at: NDArray[np.int64],
    rim_at: NDArray[np.int64],
    excess: Floats,
) -> tuple[int, int, int]:
    """Continue an orbit from Z_first, writing ``orbit[m]`` for first < m ≤ stop.

    Parameters
    ----------
    z, c : uint64 array of shape (2, L)
        Z_first, replaced by the last iterate, and C: real and imaginary part (fixed_point.py).
    carried, exponents : float64 array of shape (4,), int64 array of shape (8,)
        dZ/dC, the error bound in units of the last place, and a bound of |z - Z| in the cell. The
        exponents of the first two; log2 of the radius, rounded up; the numbers of entries in `tiny`
        and in `rim_at`; the third's exponent; what `attraction.look` continues with.
    address : int
        Of mpn_sqr, or 0.
    orbit : float64 array of shape (more than stop, 4)
        High parts of Z (real, imaginary), then the low ones.
    tiny, tiny_at : float64 array of shape (n, 2), int64 array of shape (n, 2)
        Mantissas of the iterates below 2^TINY, of which `orbit` has zeros; index and exponent.
    rim_at, excess
        See `rim.Rim`; the iterate before the last is the last that may be there.

    Returns
    -------
    m, why, full
        The last iterate written, whether the orbit has ended, and whether there is no more room
        in `tiny` or `rim_at`.
    """
    size = z.shape[1]
    x, y, cx, cy = z[0], z[1], c[0], c[1]
    a, b, xx, yy, wide = (
        np.empty(size, np.uint64),
        np.empty(size, np.uint64),
        np.empty(size, np.uint64),
        np.empty(size, np.uint64),
        np.empty(2 * size, np.uint64),
    )
    derivative = carried[0], carried[1], exponents[0]
    error, error_e = carried[2], exponents[1]
    radius_e, tinies, rims = exponents[2], exponents[3], exponents[4]
    spread = carried[3], exponents[5]
    is_cell = radius_e > _NO_CELL
    left = _LEFT if is_cell else 2.0
    saved, least_e, near = exponents[6], exponents[7], NEAR
    unit_e = WHOLE - 64 * size
    m, why, full = first, RUNNING, 0
    here = _pair(x)
    there = _pair(y)
    e = max(here[2], there[2])
    value = normal(here[0] * power_of_two(here[2] - e), there[0] * power_of_two(there[2] - e), e)
    while m < stop and why == RUNNING:
        if m % 256 == 0 and cancel[0]:
            break
        if tinies >= tiny_at.shape[0] or rims >= rim_at.shape[0]:
            full = 1
            break
        loose, loose_e = error, error_e
        if is_cell:
            spread = spread_after(spread, (modulus(value), value[2]), radius_e)
        # dZ/dC ← 2 Z dZ/dC + 1, and the error bound.
        product = multiply(derivative, value)
        derivative = add((product[0], product[1], product[2] + 1), (1.0, 0.0, 0))
        error = error * modulus(value) * (1 + 2.0**-40)
        error_e += 1 + value[2] if error > 0 else 0
        e = max(error_e, 2)
        error = error * power_of_two(error_e - e) + _ROUNDING * power_of_two(-e)
        error_e = e + exponent(error)
        error *= power_of_two(-exponent(error))

        step(x, y, cx, cy, a, b, xx, yy, wide, address)
        if is_cell and abs(orbit[m, 0] ** 2 + orbit[m, 1] ** 2 - 4) < rim.WIDTH:
            # `step` has left |Z|² in xx, less than 2 units too small; `_pair` is off by one more.
            xx[size - 1] -= np.uint64(4) << np.uint64(64 - WHOLE)
            above = _pair(xx)
            e = max(loose_e, 0)
            excess[rims, rim.EXCESS] = above[0]
            excess[rims, rim.BOUND] = 5 * loose * power_of_two(loose_e - e) + 4 * power_of_two(-e)
            rim_at[rims, rim.INDEX], rim_at[rims, rim.EXPONENT] = m, above[2]
            rim_at[rims, rim.BOUND_EXPONENT] = e + unit_e
            rims += 1
        m += 1

        here, there = _pair(x), _pair(y)
        e = max(here[2], there[2])
        value = normal(
            here[0] * power_of_two(here[2] - e), there[0] * power_of_two(there[2] - e), e
        )
        if value[2] < TINY:
            orbit[m, 0] = orbit[m, 1] = orbit[m, 2] = orbit[m, 3] = 0.0
            tiny[tinies, 0], tiny[tinies, 1] = value[0], value[1]
            tiny_at[tinies, 0], tiny_at[tinies, 1] = m, value[2]
            tinies += 1
        else:
            f, g = power_of_two(here[2]), power_of_two(there[2])
            orbit[m, 0], orbit[m, 1] = here[0] * f, there[0] * g
            orbit[m, 2], orbit[m, 3] = here[1] * f, there[1] * g
        growth_e = derivative[2] + radius_e
        if error_e + unit_e + 1 > value[2] + _EXACT and is_cell:
            why = IMPRECISE
        if modulus(value) * power_of_two(min(value[2], 8)) > left:
            why = ESCAPED
        elif growth_e > _GONE:
            why = GONE
        elif growth_e < _LINEAR and value[2] < growth_e:
            why = RETURNED
        elif is_cell and why == RUNNING and value[2] >= TINY:
            s = saved
            back, saved, least_e, near = look(orbit, m, value[2], s, least_e, near)
            if back and attracted(orbit, s, m, spread, radius_e):
                why = INSIDE
    carried[0], carried[1], carried[2], carried[3] = derivative[0], derivative[1], error, spread[0]
    exponents[0], exponents[1], exponents[5] = derivative[2], error_e, spread[1]
    exponents[3], exponents[4], exponents[6], exponents[7] = tinies, rims, saved, least_e
    return m, why, full


_COPIED = 2**17  # iterates at a time


def _with_room(array: NDArray[T]) -> NDArray[T]:
    """Return an array with as many rows again."""
    return np.concatenate(
        [array, np.zeros_like(array, shape=(max(len(array), 16), *array.shape[1:]))]
    )


def as_limbs(values: tuple[int, int], size: int) -> Limbs:
    """Return two integers in two's complement, shape (2, size)."""
    words = b"".join(v.to_bytes(8 * size, "little", signed=True) for v in values)
    return np.frombuffer(words, "<u8").astype(np.uint64).reshape(2, size)


@dataclass(eq=False)
class ReferenceOrbit:
    """The orbit of one point, computed as far as it has been asked for.

    Attributes
    ----------
    re, im : Fraction
        C, exactly: the point asked for, rounded to the orbit's precision.
    radius_e : int
        log2 of an upper bound of |c - C| in the cell.
    last : int
        Index of the last iterate that is known.
    why : int
        `RUNNING`, or why the orbit has ended there.
    orbit : float64 array of shape (at least last + 1, 4)
        Real and imaginary high parts, then low parts, of Z_0, Z_1, …
    tiny, tiny_at
        The first `tinies` are the iterates below 2^TINY, see `iterate`.
    rim : Rim
        Those close to |Z| = 2.
    """

    re: Fraction
    im: Fraction
    radius_e: int
    size: int
    address: int = field(default_factory=square_address)
    last: int = 0
    why: int = RUNNING
    tinies: int = 0
    kept: bool = False
    """Whether it is to be kept on disk (orbit_cache.py)."""

    def __post_init__(self) -> None:
        unit = 64 * self.size - WHOLE
        parts = [
            max(-(4 << unit), min((p * 2**unit).__floor__(), 4 << unit)) for p in (self.re, self.im)
        ]
        self.re, self.im = (Fraction(p, 1 << unit) for p in parts)
        self._c = as_limbs((parts[0], parts[1]), self.size)
        self._z = np.zeros_like(self._c)
        self._carried = np.array([0.0, 0.0, 0.0, 1.0])
        self._exponents = np.array([ZERO, ZERO, self.radius_e, 0, 0, ZERO, 0, 0], np.int64)
        self.orbit = np.zeros((64, 4))
        self.tiny = np.zeros((16, 2))
        self.tiny_at = np.zeros((16, 2), np.int64)
        self.tiny_at[0] = 0, -(2**40)
        self._exponents[3] = 1  # Z_0 = 0 is the first of them
        self.rim = rim.rim(16)
        self._lock = threading.Lock()

    @property
    def error(self) -> tuple[float, int]:
        """Bound of the error of the last iterate: mantissa and exponent."""
        return float(self._carried[2]), int(self._exponents[1]) + WHOLE - 64 * self.size

    @property
    def nbytes(self) -> int:
        """Size in memory, bytes."""
        arrays = self.orbit, self.tiny, self.tiny_at, self.rim.at, self.rim.excess, self._c, self._z
        return sum(array.nbytes for array in arrays)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return all that is known of the orbit, as `restore` takes it."""
        return {
            "orbit": self.orbit[: self.last + 1],
            "tiny": self.tiny[: self.tinies],
            "tiny_at": self.tiny_at[: self.tinies],
            "rim_at": self.rim.at[: self.rim.size],
            "excess": self.rim.excess[: self.rim.size],
            "z": self._z,
            "carried": self._carried,
            "exponents": self._exponents,
            "why": np.array(self.why),
        }

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Take over the `state` of an orbit of the same point and size."""
        self.orbit = state["orbit"].astype(np.float64)
        self.tiny = state["tiny"].astype(np.float64)
        self.tiny_at = state["tiny_at"].astype(np.int64)
        self._z = state["z"].astype(np.uint64)
        self._carried = state["carried"].astype(np.float64)
        self._exponents = state["exponents"].astype(np.int64)
        self.why = int(state["why"])
        self.last, self.tinies = self.orbit.shape[0] - 1, self.tiny.shape[0]
        at, excess = state["rim_at"].astype(np.int64), state["excess"].astype(np.float64)
        self.rim = rim.Rim(at, excess, at.shape[0])

    def extend(
        self,
        stop: int,
        cancel: NDArray[np.uint8],
        progress: Callable[[int, int], None] | None = None,
    ) -> bool:
        """Compute up to Z_stop, or to the orbit's end. False when cancelled.

        Parameters
        ----------
        stop : int
            Index of the last iterate that is needed.
        cancel : uint8 array of shape (1,)
            Polled; set to 1 from another thread.
        progress : callable (last, stop), optional
            Called now and then.
        """
        while not self._lock.acquire(timeout=0.02):
            if cancel[0]:
                return False
        try:
            saved, since = self.last, time.monotonic()
            # A tenth of a second or so at a time.
            block = max(1024, int(3e8 / (2000 + 30 * self.size**1.6)))
            while self.last < stop and self.why == RUNNING:
                if cancel[0]:
                    return False
                target = min(stop, self.last + block)
                if target >= self.orbit.shape[0] and not self._grow(
                    min(2 * target, stop) + 1, cancel
                ):
                    return False
                self.last, self.why, full = iterate(
                    self._z, self._c, self._carried, self._exponents, self.last, target,
                    self.address, cancel, self.orbit, self.tiny, self.tiny_at, self.rim.at,
                    self.rim.excess,
                )  # fmt: skip
                self.tinies = int(self._exponents[3])
                self.rim = self.rim._replace(size=int(self._exponents[4]))
                if full:
                    self.tiny, self.tiny_at = _with_room(self.tiny), _with_room(self.tiny_at)
                    at, excess = _with_room(self.rim.at), _with_room(self.rim.excess)
                    self.rim = rim.Rim(at, excess, self.rim.size)
                if self.kept and time.monotonic() > since + _SAVE:
                    orbit_cache.save(self)
                    saved, since = self.last, time.monotonic()
                if progress is not None:
                    progress(self.last, stop)
            return True
        finally:
            # Also when it was cancelled: it goes on from here.
            slow = time.monotonic() > since + orbit_cache.WORTH
            if self.kept and slow and self.last > saved:
                orbit_cache.save(self)
            self._lock.release()

    def _grow(self, size: int, cancel: NDArray[np.uint8]) -> bool:
        """Make room for more iterates. False when cancelled: copying 10^7 of them takes 0.5 s."""
        grown = np.zeros((size, 4))
        for first in range(0, self.last + 1, _COPIED):
            if cancel[0]:
                return False
            part = slice(first, min(first + _COPIED, self.last + 1))
            grown[part] = self.orbit[part]
        self.orbit = grown
        return True


def reference_orbit(re: Fraction, im: Fraction, radius: Fraction) -> ReferenceOrbit:
    """Return the orbit, not yet computed, of the point that all points within `radius` refer to."""
    radius_e = radius.numerator.bit_length() - radius.denominator.bit_length() + 1
    bits = max(-radius_e, 0) + GUARD
    orbit = ReferenceOrbit(re, im, radius_e, (bits + WHOLE + 63) // 64, kept=True)
    orbit_cache.restore(orbit)
    return orbit


def count_alone(re: Fraction, im: Fraction, size: int, cap: int, cancel: NDArray[np.uint8]) -> int:
    """Return the count of a point, its orbit computed with `size` limbs; -1 if not certain.

    As in fixed_point.py, without a proof of interior, but by GMP. -1 also when cancelled.
    """
    orbit = ReferenceOrbit(re, im, _NO_CELL, size)
    if not orbit.extend(cap, cancel):
        return -1
    n, (error, e) = orbit.last, orbit.error
    # The error of z_(n-1) is smaller than this, unless |z_(n-1)| < 1/2.
    loose = math.ldexp(error, min(max(e, -1000), 1000)) + 2.0**-46
    before, at = (math.hypot(*orbit.orbit[k, :2]) for k in (n - 1, n))
    if orbit.why == ESCAPED and before + loose <= 2 and at - loose >= 2:
        return n - 1
    return cap if n == cap and at + loose <= 2 else -1
