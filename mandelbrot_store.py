"""The Mandelbrot set as a Zarr store.

>>> import zarr
>>> store = MandelbrotStore(levels=40, tilesize=1024, maxiter=255)
>>> store = LRUStoreCache(store, max_size=2**30)
>>> zarr.open(store, mode="r")["39"].shape
(2048, 2048)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from generative_zarr import (
    GenerativeStore,
    LRUStoreCache,
    current_cancellation,
    report_progress,
)
from generative_zarr.keys import MAX_DEPTH
from mandelbrot import Pyramid, render_tile
from mandelbrot.plane import exact_text
from mandelbrot.preload import preload
from mandelbrot.render import check_precision, count_dtype, iteration_cap

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numcodecs.abc import Codec

    from mandelbrot.plane import Number, Sampling
    from mandelbrot.render import Counts, Maxiter, Precision

__all__ = ["LRUStoreCache", "MandelbrotStore", "MandlebrotStore"]


class MandelbrotStore(GenerativeStore):
    """Escape-time counts of a square of the complex plane, as an OME-Zarr image pyramid.

    A pixel is the number of iterates z₁, z₂, … of z ← z² + c with |z| ≤ 2, capped at `maxiter`,
    for c at the pixel's sample point. Row 0 is the top, where the imaginary part is largest.

    Parameters
    ----------
    levels : int
        Number of levels; level L is ``tilesize * 2**(levels - L)`` pixels wide.
    tilesize : int
        Side of a chunk, pixels.
    maxiter : int or "auto"
        Cap of the count, 1 to 2**32 - 1; "auto" iterates until a point escapes or is proven not
        to. The dtype is the smallest of uint8, uint16 and uint32 that holds it.
    compressor : numcodecs codec, optional
        Encodes the chunks. Default: none.
    sampling : {"center", "corner"}
        Where in its pixel the sample point lies.
    zarr_format : {2, 3}
        OME-Zarr 0.4 or 0.5.
    center : pair of numbers
        Real and imaginary part of the square's centre: decimal or ``"p/q"`` strings, `Decimal`,
        `Fraction`, int or float, taken exactly. Default: 0.
    width : number
        Side of the square. Default: 5.
    precision : {"exact", "fast"}
        Whether counts are those of exact arithmetic, or of plain float64.
    executor : concurrent.futures.Executor, optional
        Where tiles are computed: see `GenerativeStore`. Default: threads, one per processor.
    floor : int, optional
        Finest level that can be read, 0 or below: level -k, without metadata, is level 0 with each
        pixel halved k times. Default: as deep as keys go, 12000 levels below the coarsest.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described.
    """

    def __init__(
        self,
        levels: int = 40,
        tilesize: int = 1024,
        maxiter: Maxiter = 255,
        compressor: Codec | None = None,
        *,
        sampling: Sampling = "center",
        zarr_format: Literal[2, 3] = 2,
        center: tuple[Number, Number] = (0, 0),
        width: Number = 5,
        precision: Precision = "exact",
        executor: Executor | None = None,
        floor: int | None = None,
    ) -> None:
        self._pyramid = Pyramid(levels, tilesize, center, width, sampling)
        self._maxiter: Maxiter = "auto" if maxiter == "auto" else iteration_cap(maxiter)
        self._precision = check_precision(precision)
        self._lowest = self._pyramid.levels - MAX_DEPTH if floor is None else floor
        super().__init__(
            levels=levels,
            tilesize=tilesize,
            dtype=count_dtype(maxiter),
            compressor=compressor,
            zarr_format=zarr_format,
            sampling=sampling,
            name="mandelbrot",
            attributes={"mandelbrot": self._parameters()},
            executor=executor,
            floor=self._lowest,
        )
        preload(self._precision)

    def tile(self, level: int, row: int, column: int) -> Counts:
        """Compute the counts of one tile: shape (tilesize, tilesize)."""
        return render_tile(
            self._pyramid,
            level,
            row,
            column,
            maxiter=self._maxiter,
            precision=self._precision,
            cancel=current_cancellation().flag,
            progress=report_progress,
        )

    def _parameters(self) -> dict[str, object]:
        """Return the keyword arguments that decide the numbers, as JSON."""
        pyramid = self._pyramid
        return {
            "levels": pyramid.levels,
            "tilesize": pyramid.tilesize,
            "maxiter": self._maxiter,
            "sampling": pyramid.sampling,
            "center": [exact_text(part) for part in pyramid.center],
            "width": exact_text(pyramid.width),
            "precision": self._precision,
            "floor": self._lowest,
        }


MandlebrotStore = MandelbrotStore
"""The seed's spelling."""
