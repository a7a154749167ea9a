"""Tiles below float64's depth: from a tile's address to its reference orbit, tables and counts.

The square is divided into *cells*: the tiles of every `CELL_LEVELS`-th level, the coarsest being
the whole square. All tiles within a cell, down to the next cells, share the orbit of its centre,
so that a tile's orbit follows from its address alone. Orbits and tables are kept in a cache of
bounded size; who needs one that is being computed waits for it.
"""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from cachetools import LRUCache

from mandelbrot import blocks, direct_pairs, paired, paired_together, pixels, series, tripled
from mandelbrot.bla import Table
from mandelbrot.extended_exponent import from_fractions, scaled
from mandelbrot.perturbation import Frame
from mandelbrot.reference_orbit import GUARD, INSIDE, ReferenceOrbit, count_alone, reference_orbit

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from mandelbrot.plane import Axis, Pyramid, Tile

    Flag = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Progress = Callable[[int, int], None]

T = TypeVar("T")

CELL_LEVELS = 4
"""Levels of tiles that share one reference orbit."""

CACHE_BYTES = 2**28
"""Size of all orbits and tables that are kept, bytes."""

LONGEST = 2**22
"""Iterates of an orbit that are kept, half of the cache; orbits of more steps are rebased there."""

EPSILON = {"fast": 2.0**-32, "exact": 2.0**-40}
"""What an entry of the table (bla.py) may neglect, relative to the delta.

Measured, seconds of `exact` at 512² (Zen 5) with 2^-38, -40, -42: E21_julia 0.28, 0.25, 0.25 (more
pixels are left to pairs), e50 0.48, 0.47, 0.49, e113 0.077, 0.079, 0.083, e227 2.44, 2.54, 2.64.
"""

NEAR = {"fast": 2.0**-24, "exact": 2.0**-18}
"""|d| from which an orbit is iterated in float64 itself.

Later takes single steps instead, earlier leaves more pixels to doubtful.py. Measured as above, with
2^-14, -16, -18, -20, -22: E21_julia 0.28, 0.26, 0.25, 0.28, 0.31, e50 0.51, 0.47, 0.48, 0.55, 0.64,
e113 0.095, 0.083, 0.080, 0.081, 0.088, e227 2.52, 2.52, 2.54, 2.55, 2.72.
"""

DOUBLE_DOUBLE = 52
"""-log2 of the distance of pixels up to which double-double lanes count what is uncertain."""

SHALLOW_NEAR = 2.0**-21
"""`NEAR` for those: entries hardly reach there, and the lanes are cheap.

Measured with 2^-13, -17, -21 and -24 in the seahorse valley, 256², maxiter 5000: at 1e-10 0.20,
0.14, 0.09, 0.09 s; at 1e-11 1.33, 1.00, 0.26, 0.27 s.
"""

_LONG = 4  # limbs from which GMP's squares are faster: 0.2 µs a step against 5 at e50

_FRACTION = 320  # bits below the largest |c - C|


_BESIDE = 2**12
"""Bytes that a value takes beside its arrays: objects, exact numbers, the gaps between them.

Measured: 2.0 kB of objects at levels -30 to -400, 3.8 kB at -3000; 3.9 kB as the process grew, at
levels -30 to 39. Where orbits are short that is as much as their arrays.
"""


def _size(value: object) -> int:
    return _BESIDE + value.nbytes  # type: ignore[attr-defined,no-any-return]  # orbits, tables


class _Cache:
    """Values by key, the least recently used dropped; one computation for all who ask together."""

    def __init__(self, size: int) -> None:
        self._values: LRUCache[Hashable, object] = LRUCache(size, getsizeof=_size)
        self._lock = threading.Lock()
        # As long as somebody computes the value or waits for it.
        self._busy: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()

    @property
    def nbytes(self) -> int:
        """Bytes of values now kept."""
        with self._lock:
            return int(self._values.currsize)

    def get(self, key: Hashable, compute: Callable[[], T | None], cancel: Flag) -> T | None:
        """Return the value of a key, computed if need be; None when that was cancelled."""
        with self._lock:
            if key in self._values:
                return self._values[key]  # type: ignore[return-value]  # what `compute` gave
            busy = self._busy.setdefault(key, threading.Lock())
        while not busy.acquire(timeout=0.02):
            if cancel[0]:
                return None
        try:
            with self._lock:
                if key in self._values:
                    return self._values[key]  # type: ignore[return-value]  # what `compute` gave
            value = compute()
            if value is not None:
                self.keep(key, value)
            return value
        finally:
            busy.release()

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value, or note that it has grown; one larger than the cache is not kept."""
        with self._lock:
            self._values.pop(key, None)
            if _size(value) <= self._values.maxsize:
                self._values[key] = value


_cache = _Cache(CACHE_BYTES)


def _cell(
    pyramid: Pyramid, level: int, row: int, column: int
) -> tuple[Fraction, Fraction, Fraction]:
    """Return the centre and the side of the cell of a tile."""
    up = (pyramid.levels - level) % CELL_LEVELS
    side = pyramid.width / pyramid.tiles(level + up)
    half = Fraction(1, 2)
    return (
        pyramid.center[0] - pyramid.width / 2 + ((column >> up) + half) * side,
        pyramid.center[1] + pyramid.width / 2 - ((row >> up) + half) * side,
        side,
    )


def _differences(axis: Axis, origin: Fraction, e: int) -> list[int]:
    """Return the sample points of an axis minus `origin`, in units of 2^(e - _FRACTION).

    They are off by at most size + 1 units.
    """
    numerator = axis.first * origin.denominator - origin.numerator * axis.denominator
    denominator = axis.denominator * origin.denominator
    shift = _FRACTION - e
    first = (numerator << max(shift, 0)) // (denominator << max(-shift, 0))
    step = (axis.step << max(shift, 0)) // (axis.denominator << max(-shift, 0))
    return [first + k * step for k in range(axis.size)]


def _offsets(axis: Axis, origin: Fraction, e: int) -> Floats:
    """Return the sample points of an axis minus `origin`, divided by 2^e, each rounded once."""
    unit = 2**_FRACTION
    return np.array([value / unit for value in _differences(axis, origin, e)])


def _pairs(values: list[int]) -> Floats:
    """Return multiples of 2^-_FRACTION as pairs, shape (2, n), the first of each rounded once."""
    unit = 2**_FRACTION
    high = [value / unit for value in values]
    rest = zip(values, high, strict=True)
    return np.array([high, [(value - int(h * 2.0**_FRACTION)) / unit for value, h in rest]])


def _paired_offsets(axis: Axis, origin: Fraction, e: int) -> Floats:
    """Return the same as pairs, shape (2, n). The error is below 2^-105 relative and 2^-300."""
    return _pairs(_differences(axis, origin, e))


def _points(axis: Axis) -> Floats:
    """Return the sample points of an axis themselves as pairs, shape (2, n), none beyond 4."""
    far = 4 << _FRACTION
    return _pairs([max(-far, min(value, far)) for value in _differences(axis, Fraction(0), 0)])


def _orbit(
    re: Fraction, im: Fraction, side: Fraction, stop: int, cancel: Flag, progress: Progress | None
) -> ReferenceOrbit | None:
    """Return the orbit of a cell's centre, up to its end, Z_stop or Z_LONGEST."""
    key = "orbit", re, im, side
    orbit = _cache.get(key, lambda: reference_orbit(re, im, side * Fraction(7072, 10000)), cancel)
    if orbit is None or not orbit.extend(min(stop, LONGEST), cancel, progress):
        return None
    _cache.keep(key, orbit)
    return orbit


def count(
    pyramid: Pyramid,
    address: tuple[int, int, int],
    tile: Tile,
    cap: int,
    precision: str,
    cancel: Flag,
    progress: Progress | None,
    out: NDArray[np.unsignedinteger],
    unsure: NDArray[np.bool_],
) -> bool:
    """Write the counts of a tile, and mark those that are not certain. False when cancelled."""
    cell = _cell(pyramid, *address)
    orbit = _orbit(*cell, cap + 1, cancel, progress)  # the last iterate is known less well
    if orbit is None:
        return False
    if orbit.why == INSIDE:
        out[:] = cap
        return True
    grid = _grid(tile, orbit)
    counts, marks = np.empty(out.size, np.uint32), unsure.reshape(-1)
    strict = precision == "exact"
    depth = (tile.re.denominator // tile.re.step).bit_length()
    near = SHALLOW_NEAR if strict and depth <= DOUBLE_DOUBLE else NEAR[precision]
    frame = _frame(cell, orbit, cap, EPSILON[precision], strict, near, cancel)
    if frame is None or not blocks.count_tile(
        grid, cap, frame, blocks.scratch(), pixels.pool(), cancel, counts, marks
    ):
        return False
    hardest = strict and depth > DOUBLE_DOUBLE
    rest = _Rest(tile, cell, orbit, grid, frame, cap, cancel, counts, marks)
    for count_rest in (_count_in_pairs, _count_in_triples):
        if hardest and marks.any() and not count_rest(rest):
            return False
    out[:] = counts.reshape(out.shape)
    if hardest and unsure.any():
        _count_alone(tile, cap, cancel, out, unsure)
    return not cancel[0]


class _Rest(NamedTuple):
    """A tile of which some pixels are not certain yet."""

    tile: Tile
    cell: tuple[Fraction, Fraction, Fraction]
    orbit: ReferenceOrbit
    grid: pixels.Grid
    frame: Frame
    cap: int
    cancel: Flag
    counts: NDArray[np.uint32]
    unsure: NDArray[np.bool_]


def _count_in_pairs(rest: _Rest) -> bool:
    """Count the unsure pixels with differences of 106 bits. False when cancelled."""
    tile, cell, orbit, grid, frame, cap, cancel, counts, unsure = rest
    table = _cache.get(
        ("pairs", cell, frame.last),
        lambda: series.Table.build(orbit, frame.last - 1, cancel),
        cancel,
    )
    if table is None:
        return False
    e = grid.dc_e
    places = paired.Places(
        _paired_offsets(tile.re, orbit.re, e), _paired_offsets(tile.im, orbit.im, e), e
    )
    entries = paired.Entries(table.offsets, table.entries, table.radii, table.last)
    pool = direct_pairs.pool()
    groups = paired_together.group(), paired_together.group()
    return paired.count_pixels(
        places, grid, cap, frame, entries, pool, *groups, cancel, counts, unsure
    )


def _count_in_triples(rest: _Rest) -> bool:
    """Count the unsure pixels with differences of 184 bits. False when cancelled."""
    tile, cell, orbit, _, frame, cap, cancel, counts, unsure = rest
    last = frame.last
    long = _cache.get(
        ("triples", cell, last), lambda: tripled.Orbit.compute(orbit, last, cancel), cancel
    )
    if long is None:
        return False
    rows, columns = np.divmod(np.flatnonzero(unsure), tile.re.size)
    points = [
        (tile.re[i], tile.im[j]) for j, i in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    center = orbit.re, orbit.im
    found = tripled.count(points, center, cap, long, frame.end_error, frame.end_e, cancel)
    certain = found >= 0
    pixel = (rows * tile.re.size + columns)[certain]
    counts[pixel], unsure[pixel] = found[certain], False
    return not cancel[0]


def _count_alone(
    tile: Tile,
    cap: int,
    cancel: Flag,
    out: NDArray[np.unsignedinteger],
    unsure: NDArray[np.bool_],
) -> None:
    """Count the unsure pixels with all digits, where GMP does that faster than fixed_point.py."""
    bits = (tile.re.denominator // tile.re.step).bit_length() + GUARD
    size = (bits + 63) // 64
    if size < _LONG or cap > LONGEST:
        return
    for j, i in np.argwhere(unsure).tolist():
        n = count_alone(tile.re[i], tile.im[j], size, cap, cancel)
        if n >= 0:
            out[j, i], unsure[j, i] = n, False


def _reach(tile: Tile, orbit: ReferenceOrbit) -> int:
    """Return log2 of the largest |c - C|, rounded down."""
    far_re = max(abs(tile.re[0] - orbit.re), abs(tile.re[tile.re.size - 1] - orbit.re))
    far_im = max(abs(tile.im[0] - orbit.im), abs(tile.im[tile.im.size - 1] - orbit.im))
    return from_fractions(far_re, far_im)[2] if far_re or far_im else 0


def _grid(tile: Tile, orbit: ReferenceOrbit) -> pixels.Grid:
    e = _reach(tile, orbit)
    h = scaled(Fraction(tile.re.step, tile.re.denominator), e)
    places = np.arange(tile.re.size) - (tile.re.size - 1) / 2
    radius = max(tile.re.size - 1, 1) * h * (np.sqrt(0.5) + 2.0**-40)
    re, im = _points(tile.re), _points(tile.im)
    return pixels.Grid(
        _offsets(tile.re, orbit.re, e), _offsets(tile.im, orbit.im, e), e,
        re[0], im[0], re[1], im[1],
        places * (h / radius), -places * (h / radius), radius,
    )  # fmt: skip


def _frame(
    cell: tuple[Fraction, Fraction, Fraction],
    orbit: ReferenceOrbit,
    cap: int,
    epsilon: float,
    strict: bool,  # noqa: FBT001 - as the frame has it
    near: float,
    cancel: Flag,
) -> Frame | None:
    """Return what orbits are followed with; None when cancelled."""
    last = min(orbit.last, cap + 1)
    # No entry leads to the last iterate, which may be outside |Z| ≤ 2.
    table = _cache.get(
        ("table", cell, last, epsilon),
        lambda: Table.build(orbit, last - 1, epsilon, cancel),
        cancel,
    )
    if table is None:
        return None
    return Frame(
        orbit.orbit, orbit.tiny, orbit.tiny_at, orbit.tinies, last, *orbit.error,
        table.offsets, table.radii, table.coefficients, table.exponents, table.reach, table.plain,
        table.widest, table.last, orbit.radius_e, near, float(strict), orbit.rim,
    )  # fmt: skip
