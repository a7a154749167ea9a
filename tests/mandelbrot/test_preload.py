"""Kernels are loaded in the background, and nobody has to know."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import os
import threading

from mandelbrot_store import MandelbrotStore

{body}
"""


def run(body: str) -> str:
    """Run a program that makes stores, in a process of its own; return what it prints."""
    done = subprocess.run(  # noqa: S603 # our own program
        [sys.executable, "-W", "error", "-c", SCRIPT.format(body=body)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_making_a_store_loads_every_rung_once() -> None:
    body = """
def loading():
    return [t for t in threading.enumerate() if t.name == "mandelbrot.preload"]

MandelbrotStore()
[thread] = loading()
MandelbrotStore(levels=3)
assert loading() in ([thread], [])
thread.join()
from mandelbrot import escape_time
print([len(getattr(escape_time, name).overloads) for name in NAMES])
""".replace("NAMES", "['certified_tile', 'fast_tile']")
    assert run(body) == "[1, 0]"


def test_the_fast_kernel_alone_for_fast_stores() -> None:
    body = """
MandelbrotStore(precision="fast")
[t.join() for t in threading.enumerate() if t.name == "mandelbrot.preload"]
from mandelbrot import escape_time
print([len(getattr(escape_time, name).overloads) for name in NAMES])
""".replace("NAMES", "['certified_tile', 'fast_tile']")
    assert run(body) == "[0, 1]"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork on Windows")
def test_a_child_forked_meanwhile_computes() -> None:
    body = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads
store = MandelbrotStore(levels=2, tilesize=8)
child = os.fork()
if child == 0:
    os._exit(len(store["1/0.0"]) != 64)
print(os.waitpid(child, 0)[1], len(store["1/0.0"]))
"""
    assert run(body) == "0 64"


def test_exit_does_not_hang() -> None:
    assert run("MandelbrotStore(); print('made')") == "made"


def test_the_first_tiles_do_not_wait_for_the_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    body = """
from concurrent.futures import CancelledError
import numpy as np
from mandelbrot import Pyramid, escape_time, preload, render_tile

store = MandelbrotStore(levels=40, tilesize=128)
keys = ["39/0.0", "39/1.1", "38/1.2", "20/359000.220000"]
first = [store[key] for key in keys]
cancel = np.zeros(1, np.uint8)
threading.Timer(0.1, cancel.fill, [1]).start()
try:
    render_tile(Pyramid(1, 8), 0, 0, 0, maxiter=2**20, cancel=cancel)
except CancelledError:
    print("cancelled", end=" ")
print(len(escape_time.certified_tile.overloads), end=" ")
preload.wait_for("exact", 0, np.zeros(1, np.uint8))
assert [store[key] for key in keys] == first
print(len(escape_time.certified_tile.overloads), *escape_time.certified_tile.stats.cache_misses)
preload.preload().join()
print([preload.is_missing("exact", rung) for rung in range(len(preload.RUNGS))])
"""
    assert run(body) == "cancelled 0 1\n[False, False]"


def test_each_kernel_is_compiled_for_one_kind_of_arguments() -> None:
    """What is compiled ahead would be compiled again, for seconds, when a tile needs it."""
    body = """
import sys
from mandelbrot import Pyramid, preload, render_tile
from mandelbrot.jit import is_kept

for pyramid, maxiter, level in preload.ALL:
    render_tile(pyramid, level, 0, 0, maxiter=maxiter)
    # More than one pixel of each kind.
    render_tile(Pyramid(1, 24, pyramid.center, pyramid.width), level, 0, 0, maxiter=maxiter)
for precision in ("exact", "fast"):
    for width in ("3", "1e-9", "1e-20"):
        pyramid = Pyramid(1, 24, ("-0.725097656", "0.2124023435"), width)
        render_tile(pyramid, 0, 0, 0, maxiter=2000, precision=precision)
entries = {
    function.py_func.__qualname__: len(function.signatures)
    for name, module in sys.modules.items() if name.startswith("mandelbrot")
    for function in vars(module).values() if is_kept(function)
}
print(len(entries) > 10, {name: n for name, n in entries.items() if n > 1})
"""
    assert run(body) == "True {}"


def test_without_another_process_this_one_compiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    body = """
import sys
sys.executable = "/nowhere/python"
store = MandelbrotStore(levels=2, tilesize=8, precision="fast")
print(len(store["1/0.0"]))
"""
    assert run(body) == "64"
