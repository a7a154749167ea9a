"""The mathematics of Mandelbrot tiles: knows no Zarr and no Jupyter."""

from mandelbrot.plane import Pyramid
from mandelbrot.render import AUTO_MAXITER, render_tile

__all__ = ["AUTO_MAXITER", "Pyramid", "render_tile"]
