"""Compile what tiles of a precision need: ``python -m mandelbrot.compile [PRECISION]``.

The machine code is kept on disk, that of deep tiles last.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from mandelbrot.preload import ALL, render

if TYPE_CHECKING:
    from mandelbrot.render import Precision

_NICE = 5  # others are waited for: the browser, the tiles


def compile_all(precision: Precision = "exact") -> None:
    """Compile all kernels by counting one sample for each."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    for sample in ALL:
        render(sample, precision)


if __name__ == "__main__":
    compile_all(*sys.argv[1:])  # type: ignore[arg-type]  # render_tile checks it
