"""Load the compiler and the compiled kernels in the background, before the first tile needs them.

That takes half a second where the kernels are on disk already. Where they are not, another process
compiles them (compile.py), which leaves this one's interpreter free; meanwhile.py counts tiles
until then.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mandelbrot.plane import Pyramid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mandelbrot.render import Precision

LONGEST_WAIT = 30
"""Seconds that a fork waits for the loading thread at most."""

_PATIENCE = 0.1  # seconds between two looks at the disk


class Sample(NamedTuple):
    """A small tile."""

    pyramid: Pyramid
    maxiter: int
    level: int = 0


RUNGS = (
    Sample(Pyramid(1, 1), 2),
    # Its pixel is the point -0.72509765625 + 0.21240234375i, whose count (1649) takes more digits
    # than double-double has.
    Sample(Pyramid(1, 1, ("-0.725097656", "0.2124023435"), "1e-9"), 2000),
)
"""Each needs one more rung of the precision ladder."""

DEEP = Sample(Pyramid(1, 3, ("-1.86", "0"), "1e-16"), 200, level=1)
"""Has pixels that need differences of 106 bits, and one that needs 184: a chaotic orbit, followed
so far that it loses 150 bits.
"""

UNIFORM = Sample(Pyramid(1, 1, ("-0.1", "0.1"), "1e-13"), 2, level=1)
"""Is as fine as deep tiles, and of one count."""

ALL = *RUNGS, UNIFORM, DEEP
"""Between them they need every kernel."""

_is_decided = threading.Event()
_is_decided.set()
_missing: set[tuple[Precision, int]] = set()  # rungs that another process is compiling


@cache
def preload(precision: Precision = "exact") -> threading.Thread:
    """Begin to load what tiles of a precision need, once per process.

    The interpreter's exit does not wait for another process, and for the loading of one rung at
    most. A fork waits for all: in the child, nobody would ever release the locks of a compiler at
    work.

    Returns
    -------
    Thread
        Ends when all is loaded.
    """
    _is_decided.clear()
    thread = threading.Thread(target=_load, args=(precision,), name="mandelbrot.preload")
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(before=lambda: _wait_for(thread))
    thread.start()
    return thread


def is_compiling(precision: Precision, rung: int) -> bool:
    """Whether another process is compiling a rung for this one. Waits until that is known."""
    _is_decided.wait()
    return (precision, rung) in _missing


def wait_for(precision: Precision, rung: int, cancel: NDArray[np.uint8]) -> None:
    """Wait until a rung that another process is compiling is on disk, or ``cancel[0]`` is set."""
    while is_compiling(precision, rung) and not cancel[0]:
        time.sleep(0.02)  # a cancelled tile stops within 50 ms


def _wait_for(thread: threading.Thread) -> None:
    if thread is not threading.current_thread():
        thread.join(LONGEST_WAIT)


def _load(precision: Precision) -> None:
    try:
        missing = {(precision, rung) for rung in range(len(RUNGS)) if is_missing(precision, rung)}
        _missing.update(missing)
    finally:
        _is_decided.set()
    try:
        compiler = _start_compiler(precision) if missing else None
        for rung, sample in enumerate(RUNGS):
            while compiler and compiler.poll() is None and is_missing(precision, rung):
                if not _is_wanted():
                    return
                time.sleep(_PATIENCE)
            _missing.discard((precision, rung))
            if _is_wanted():
                render(sample, precision)
    finally:
        _missing.difference_update(missing)


def _is_wanted() -> bool:
    return threading.main_thread().is_alive()  # else the interpreter is exiting


def is_missing(precision: Precision, rung: int) -> bool:
    """Whether another process can compile a rung for this one, and has to."""
    from mandelbrot import escape_time, fixed_point  # noqa: PLC0415 - load the compiler
    from mandelbrot.jit import is_missing_on_disk  # noqa: PLC0415

    entries: list[list[object]] = [[escape_time.fast_tile], []]
    if precision == "exact":
        entries = [
            [escape_time.certified_tile],
            [escape_time.refined_tile, fixed_point.count_points],
        ]
    return any(map(is_missing_on_disk, entries[rung]))


def _start_compiler(precision: Precision) -> subprocess.Popen[bytes] | None:
    """Start a process that compiles all kernels; it does not outlive this one."""
    package = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    try:
        compiler = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "mandelbrot.compile", precision],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # no processes here: they are compiled in this one, when they are needed
        return None
    atexit.register(_stop, compiler)
    return compiler


def _stop(compiler: subprocess.Popen[bytes]) -> None:
    with compiler:
        compiler.terminate()


def render(sample: Sample, precision: Precision) -> None:
    """Count a sample."""
    from mandelbrot.render import render_tile  # noqa: PLC0415 - it imports this module

    pyramid, maxiter, level = sample
    render_tile(pyramid, level, 0, 0, maxiter=maxiter, precision=precision)
