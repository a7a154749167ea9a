"""Tiles of escape-time counts: picks the rung of the precision ladder that certifies them."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from mandelbrot import preload
from mandelbrot.plane import integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mandelbrot.plane import Pyramid, Tile

Counts: TypeAlias = "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]"
Maxiter: TypeAlias = int | Literal["auto"]
Precision: TypeAlias = Literal["exact", "fast"]

AUTO_MAXITER = 2**22
"""The hard cap of ``maxiter="auto"``: the count of a point that is never seen to escape."""

DEEP: dict[Precision, float] = {"exact": 2.0**-40, "fast": 2.0**-46}
"""Distance of sample points below which orbits are computed as differences from a reference.

Measured, exact, milliseconds for 256² pixels directly and by differences, in the seahorse valley
(maxiter 5000) at 2**-38: 128, 39; 2**-40: 174, 39; 2**-43: 282, 85; 2**-46: 372, 221; near the tip
at -1.75 at 2**-38: 53, 21; 2**-40: 139, 118; 2**-43: 372, 98; 2**-46: 872, 426. Not sooner, because
the kernels of differences take half a minute to compile, once, after the others. "fast" stays with
the recurrence as long as its digits last.
"""

_DOUBLE_DOUBLE = 80  # -log2 of the distance of points that 106 bits are tried for


def iteration_cap(maxiter: object) -> int:
    """Return the cap that `maxiter` stands for: itself, or `AUTO_MAXITER` for ``"auto"``.

    Raises
    ------
    TypeError, ValueError
        When it is neither ``"auto"`` nor an integer from 1 to 2**32 - 1.
    """
    if isinstance(maxiter, str):
        if maxiter == "auto":
            return AUTO_MAXITER
        msg = f"maxiter={maxiter!r}: expected an integer from 1 to {2**32 - 1}, or 'auto'"
        raise ValueError(msg)
    return integer(maxiter, "maxiter", 1, 2**32 - 1)


def count_dtype(maxiter: object) -> np.dtype[np.unsignedinteger]:
    """Return the dtype of the counts up to `maxiter`: the smallest of uint8, uint16, uint32."""
    return np.min_scalar_type(iteration_cap(maxiter))


def check_precision(precision: object) -> Precision:
    """Return `precision`, checked to be ``"exact"`` or ``"fast"``."""
    if precision not in get_args(Precision):
        msg = f"precision={precision!r}: expected 'exact' or 'fast'"
        raise ValueError(msg)
    return precision  # type: ignore[return-value]  # get_args has just checked it


def render_tile(  # noqa: C901 - one question after the other
    pyramid: Pyramid,
    level: int,
    row: int,
    column: int,
    *,
    maxiter: Maxiter = 255,
    precision: Precision = "exact",
    cancel: NDArray[np.uint8] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Return the escape-time counts of one tile.

    The count of a sample point c is the number of iterates z₁, z₂, … of z ← z² + c, z₀ = 0, with
    |z| ≤ 2, capped at `maxiter`.

    Parameters
    ----------
    pyramid : Pyramid
        The geometry.
    level, row, column : int
        The tile's address in it.
    maxiter : int or "auto", default 255
        The cap, from 1 to 2**32 - 1. A count equal to it means "did not escape".
    precision : {"exact", "fast"}, default "exact"
        "exact": the count of exact arithmetic at each sample point. "fast": that of the float64
        recurrence where pixels are larger than `DEEP`, below that of perturbation without proof.
    cancel : uint8 array of shape (1,), optional
        Polled while computing; another thread sets ``cancel[0] = 1`` to stop this call.
    progress : callable (done, total), optional
        Called now and then while a long reference orbit is being computed.

    Returns
    -------
    ndarray of shape (tilesize, tilesize)
        uint8 for maxiter < 2**8, else uint16 for maxiter < 2**16, else uint32. A tile of one
        single count is a read-only broadcast scalar (all strides 0).

    Raises
    ------
    TypeError, ValueError
        When a parameter is of the wrong type or out of range.
    concurrent.futures.CancelledError
        When `cancel` was set.
    """
    cap = iteration_cap(maxiter)
    check_precision(precision)
    tile = pyramid.tile(level, row, column)
    if cancel is None:
        cancel = np.zeros(1, np.uint8)

    # Compiled code and its compiler are loaded only when there is something to compute.
    from mandelbrot import escape_time  # noqa: PLC0415

    out = np.empty((tile.im.size, tile.re.size), count_dtype(cap))
    unsure = np.zeros(out.shape, np.bool_)
    status = escape_time.CANCELLED
    if pyramid.pixel_size(level) < DEEP[precision]:
        from mandelbrot import deep  # noqa: PLC0415

        if _is_uniform(tile, cap, out):
            status = escape_time.UNIFORM
        elif deep.count(
            pyramid, (level, row, column), tile, cap, precision, cancel, progress, out, unsure
        ):
            status = escape_time.FINISHED
    elif precision == "fast":
        preload.wait_for("fast", 0, cancel)
        if not cancel[0]:
            status = escape_time.fast_tile(
                tile.re.float64(), tile.im.float64(), cap, cancel, escape_time.counts_of(out)
            )
    else:
        status = _certify(tile, cap, cancel, out, unsure)
    if status == escape_time.UNIFORM:  # most of both arrays has never been touched
        return np.broadcast_to(out[0, 0], out.shape)
    finished = status != escape_time.CANCELLED
    if finished and precision == "exact" and unsure.any():
        finished = _refine(tile, cap, cancel, out, unsure)
    if not finished:
        msg = f"tile {level}/{row}.{column} was cancelled"
        raise CancelledError(msg)
    if out[0, 0] == out[-1, -1] and (out == out[0, 0]).all():
        return np.broadcast_to(out[0, 0], out.shape)
    return out


def _is_uniform(tile: Tile, maxiter: int, out: Counts) -> bool:
    """Tell whether float64 proves one count for a tile, and write that to its first pixel."""
    from mandelbrot import escape_time  # noqa: PLC0415

    count = escape_time.uniform_count(tile.re.float64(), tile.im.float64(), maxiter)
    if count >= 0:
        out[0, 0] = count
    return count >= 0


def _certify(
    tile: Tile,
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: Counts,
    unsure: NDArray[np.bool_],
) -> int:
    """Count with float64, and mark what it leaves unsure; return how that ended."""
    from mandelbrot import escape_time  # noqa: PLC0415

    if preload.is_compiling("exact", 0):
        from mandelbrot import meanwhile  # noqa: PLC0415

        if maxiter <= meanwhile.MOST_STEPS and meanwhile.count(
            tile,
            maxiter,
            out,
            unsure,
            lambda: bool(cancel[0]) or not preload.is_compiling("exact", 0),
        ):
            return escape_time.FINISHED
        unsure[:] = False
        preload.wait_for("exact", 0, cancel)
        if cancel[0]:
            return escape_time.CANCELLED
    return escape_time.certified_tile(
        tile.re.float64(),
        tile.im.float64(),
        tile.re.is_float64 and tile.im.is_float64,
        maxiter,
        cancel,
        escape_time.counts_of(out),
        unsure.reshape(-1),
    )


def _refine(
    tile: Tile,
    maxiter: int,
    cancel: NDArray[np.uint8],
    out: Counts,
    unsure: NDArray[np.bool_],
) -> bool:
    """Count the unsure pixels again, with more and more digits; return False when cancelled."""
    from mandelbrot import escape_time  # noqa: PLC0415

    if preload.is_compiling("exact", 1):
        from mandelbrot import meanwhile  # noqa: PLC0415

        meanwhile.finish(tile, maxiter, out, unsure, lambda: bool(cancel[0]))
        if not unsure.any():
            return True
        preload.wait_for("exact", 1, cancel)
        if cancel[0]:
            return False
    if tile.re.denominator < tile.re.step << _DOUBLE_DOUBLE:
        columns, rows = np.flatnonzero(unsure.any(axis=0)), np.flatnonzero(unsure.any(axis=1))
        finished = escape_time.refined_tile(
            tile.re.float64(),
            tile.im.float64(),
            tile.re.low(columns),
            tile.im.low(rows),
            rows,
            maxiter,
            cancel,
            escape_time.counts_of(out),
            unsure.reshape(-1),
        )
        if not finished:
            return False
        if not unsure.any():
            return True

    from mandelbrot import fixed_point  # noqa: PLC0415

    return fixed_point.finish_tile(tile, maxiter, cancel, out, unsure)
