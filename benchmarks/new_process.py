"""Figures of escape_time.py that take new processes: imports, compilation, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def in_new_process(program: str, cache: str) -> str:
    """Run a program with its own JIT cache; return what it prints."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=HERE.parent,
        env=environment,
    ).stdout.strip()


FIRST_TILE = """
import time
from mandelbrot import Pyramid, render_tile
wall, cpu = time.perf_counter(), time.process_time()
for row in 0, 1:
    for column in 0, 1:
        render_tile(Pyramid(), 39, row, column)
        if row == column == 0:
            first = time.perf_counter() - wall
print(first, time.perf_counter() - wall, time.process_time() - cpu)
"""
IMPORT = (
    "import time; t = time.perf_counter(); import mandelbrot_store; print(time.perf_counter() - t)"
)


def start_up() -> list[tuple[str, str, str]]:
    """Return (what, target, measured): imports, cold and warm compilation."""
    with tempfile.TemporaryDirectory() as cache:
        cold = [float(x) for x in in_new_process(FIRST_TILE, cache).split()]
        warm = statistics.median(
            float(in_new_process(FIRST_TILE, cache).split()[0]) for _ in range(5)
        )
        imports = statistics.median(float(in_new_process(IMPORT, cache)) for _ in range(5))
    return [
        ("`import mandelbrot_store`", "≤ 1.0 s", f"{imports:.2f} s"),
        ("first tile of a new process, JIT cache warm", "≤ 0.4 s", f"{warm:.2f} s"),
        (
            "the first picture's four tiles, JIT cache empty",
            "≤ 6 s",
            f"{cold[2]:.1f} s of processor time ({cold[1]:.1f} s elapsed)",
        ),
    ]


MEMORY = """
import re
from pathlib import Path
from mandelbrot import Pyramid, render_tile
# Not by getrusage, whose peak begins with that of the process that started this one.
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
view = dict(center=("-0.7463", "0.1102"), width="0.005")
# The small one needs all that the large one does, so that nothing is compiled in between.
small, large = (Pyramid(levels=1, tilesize=size, **view) for size in (512, 4096))
for maxiter in (255, 2000):
    render_tile(small, 1, 0, 0, maxiter=maxiter)
before = peak()
tile = render_tile(large, 1, 0, 0, maxiter={maxiter})
print((peak() - before) * 1024 / tile.nbytes)
"""


def memory() -> tuple[str, str, str]:
    """Peak memory of a 4096² tile in tiles (a large one, to rise above the allocator's noise)."""
    with tempfile.TemporaryDirectory() as cache:
        peaks = [float(in_new_process(MEMORY.format(maxiter=m), cache)) for m in (255, 2000)]
    shown = f"{peaks[0]:.1f} at uint8, {peaks[1]:.1f} at uint16"
    return "peak memory of a tile in flight, in output tiles", "≤ 3", shown
