"""Load the compiler and the compiled kernels in the background, before the first tile needs them.

That takes half a second where the kernels are on disk already, and seconds where they are not.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import TYPE_CHECKING

from mandelbrot.plane import Pyramid
from mandelbrot.render import render_tile

if TYPE_CHECKING:
    from mandelbrot.render import Precision

LONGEST_WAIT = 30
"""Seconds that a fork waits for the loading thread at most."""

_SAMPLES = (
    (Pyramid(1, 1), 2),
    # A point whose count (1649) takes more digits than float64 has.
    (Pyramid(1, 1, ("-0.72509765625", "0.21240234375"), "1e-9"), 2000),
)
"""One-pixel tiles and their maxiter: each needs one more rung of the precision ladder."""


@cache
def preload(precision: Precision = "exact") -> threading.Thread:
    """Begin to load what tiles of a precision need, once per process.

    The interpreter's exit waits for one rung at most. A fork waits for all: in the child, nobody
    would ever release the locks of a compiler at work.

    Returns
    -------
    Thread
        Ends when all is loaded.
    """
    thread = threading.Thread(target=_load, args=(precision,), name="mandelbrot.preload")
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=lambda: _wait_for(thread))
    thread.start()
    return thread


def _wait_for(thread: threading.Thread) -> None:
    if thread is not threading.current_thread():
        thread.join(LONGEST_WAIT)


def _load(precision: Precision) -> None:
    for pyramid, maxiter in _SAMPLES:
        if threading.main_thread().is_alive():  # else the interpreter is exiting
            render_tile(pyramid, 0, 0, 0, maxiter=maxiter, precision=precision)
