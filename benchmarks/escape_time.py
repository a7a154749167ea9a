"""The escape-time engine against its yardsticks: ``python -m benchmarks.escape_time [--write]``.

Every tile is computed by the seed's kernel, by a hand-written C kernel (escape_time.c, built with
gcc if there is one), and by ``precision="fast"`` and ``"exact"``, in turns, on one thread; the
figures are medians of processor time. ``--write`` puts the tables into docs/performance.md and the
plot (which needs matplotlib) beside it.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numcodecs import Blosc

from benchmarks.new_process import memory, start_up
from mandelbrot import Pyramid, escape_time, render_tile
from mandelbrot_store import MandelbrotStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from mandelbrot.plane import Tile

HERE = Path(__file__).parent
REPORT = HERE.parent / "docs" / "performance.md"
LIMIT = 0.106  # ns per iteration and lane: AVX-512 without any test, on Zen 4

TILES = {
    "whole set": (("0", "0"), "5"),
    "coarsest tile (row 0, column 0)": (("-1.25", "1.25"), "2.5"),
    "coarsest tile (row 1, column 1)": (("1.25", "-1.25"), "2.5"),
    "exterior only": (("1.5", "1.5"), "0.6"),
    "interior only": (("-0.2", "0"), "0.3"),
    "seahorse": (("-0.7463", "0.1102"), "0.005"),
    "period-3 minibrot": (("-1.7549", "0"), "0.02"),
    "seahorse 1e-10": (("-0.743643887037151", "0.131825904205330"), "1e-10"),
}
CAPS = (255, 2_000, 10_000)
SIZE = 1024
FEW = 0.01  # of a tile's pixels
LONG = 50  # mean count from which a tile's time is that of its iterations


@numba.njit(nogil=True)
def seed(out, from_x, from_y, step, maxiter):  # noqa: ANN001, ANN201 - as in the original notebook
    """Fill a square tile: the loop of the original notebook."""
    for j in range(out.shape[0]):
        cimag = from_y + j * step
        for i in range(out.shape[1]):
            creal = from_x + i * step
            real = imag = 0.0
            n = 0
            for _ in range(maxiter):
                nreal = real * real - imag * imag + creal
                imag = 2 * real * imag + cimag
                real = nreal
                if real * real + imag * imag > 4.0:  # noqa: PLR2004 - the escape radius
                    break
                n += 1
            out[j, i] = n


def c_kernel(folder: str) -> Callable[..., None] | None:
    """Build escape_time.c; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("C kernel: skipped, no C compiler found")
        return None
    library = Path(folder) / "escape_time.so"
    flags = ["-O3", "-march=native", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([compiler, *flags, str(HERE / "escape_time.c")], check=True)  # noqa: S603
    function = ctypes.CDLL(str(library)).escape_time
    vector = np.ctypeslib.ndpointer(np.float64, flags="C")
    counts = np.ctypeslib.ndpointer(np.uint32, flags="C")
    function.argtypes = [vector, vector, ctypes.c_long, ctypes.c_long, counts]
    function.restype = None
    return function


class Row(NamedTuple):
    """Seconds for one tile; the mean count, the share of pixels that float64 cannot certify."""

    tile: str
    maxiter: int
    mean: float
    escalated: float
    seed: float
    c: float | None
    fast: float
    exact: float


def measure(name: str, maxiter: int, rounds: int, kernel: Callable[..., None] | None) -> Row:
    """Time one tile with all kernels, in turns."""
    center, width = TILES[name]
    pyramid = Pyramid(levels=1, tilesize=SIZE, center=center, width=width)
    tile = pyramid.tile(1, 0, 0)
    re, im = tile.re.float64(), tile.im.float64()
    cx, cy = (np.ascontiguousarray(a).ravel() for a in np.meshgrid(re, im))
    counts = np.empty(cx.size, np.uint32)
    # A slow kernel's time is that of every eighth row and column, times 64.
    sparse = np.empty((SIZE // 8, SIZE // 8), np.uint16)
    step = 8 * float(pyramid.pixel_size(1))
    corner = float(tile.re[0]), float(tile.im[SIZE - 1])

    def run_seed() -> None:
        seed(sparse, *corner, step, maxiter)

    runs: dict[str, Callable[[], object]] = {
        "seed": run_seed,
        "fast": lambda: render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision="fast"),
        "exact": lambda: render_tile(pyramid, 1, 0, 0, maxiter=maxiter),
    }
    if kernel is not None:
        runs["c"] = lambda: kernel(cx, cy, cx.size, maxiter, counts)
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            begin = time.thread_time()
            run()
            times[key].append(time.thread_time() - begin)
    median = {key: statistics.median(values) for key, values in times.items()}
    mean = float(np.mean(render_tile(pyramid, 1, 0, 0, maxiter=maxiter)))
    return Row(
        name,
        maxiter,
        mean,
        escalated(tile, maxiter),
        64 * median["seed"],
        median.get("c"),
        median["fast"],
        median["exact"],
    )


def escalated(tile: Tile, maxiter: int) -> float:
    """Return the share of a tile's pixels whose counts float64 cannot certify."""
    out, unsure = np.empty((SIZE, SIZE), np.uint32), np.zeros((SIZE, SIZE), np.bool_)
    escape_time.certified_tile(
        tile.re.float64(),
        tile.im.float64(),
        False,  # noqa: FBT003 - compiled functions have no keyword arguments
        maxiter,
        np.zeros(1, np.uint8),
        escape_time.counts_of(out),
        unsure.reshape(-1),
    )
    return float(unsure.mean())


def tile_table(rows: list[Row]) -> str:
    """Return the Markdown table of all tiles."""
    heads = [
        *("tile", "maxiter", "mean count", "escalated", "seed ms", "C ms", "fast ms", "exact ms"),
        *("seed / fast", "fast / C", "exact / fast", "fast, ns per iteration"),
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|--:" * (len(heads) - 1) + "|"]
    for row in rows:
        c = "-" if row.c is None else f"{1e3 * row.c:.1f}"
        against_c = "-" if row.c is None else f"{row.fast / row.c:.2f}"
        lines.append(
            f"| {row.tile} | {row.maxiter} | {row.mean:.1f} | {row.escalated:.2%} "
            f"| {1e3 * row.seed:.1f} | {c} "
            f"| {1e3 * row.fast:.2f} | {1e3 * row.exact:.2f} | {row.seed / row.fast:.1f} "
            f"| {against_c} | {row.exact / row.fast:.2f} "
            f"| {1e9 * row.fast / SIZE**2 / (row.mean + 1):.3f} |"
        )
    return "\n".join(lines)


def two_threads() -> tuple[str, str, str]:
    """Two tiles on two threads against one after the other, elapsed time."""
    center, width = TILES["period-3 minibrot"]
    pyramid = Pyramid(levels=1, tilesize=SIZE, center=center, width=width)

    def tile(_: int) -> None:
        render_tile(pyramid, 1, 0, 0, maxiter=10_000)

    ratios = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(7):
            begin = time.perf_counter()
            tile(0)
            tile(1)
            middle = time.perf_counter()
            list(pool.map(tile, range(2)))
            ratios.append((middle - begin) / (time.perf_counter() - middle))
    best = f"median {statistics.median(ratios):.2f}, best {max(ratios):.2f} of {len(ratios)}"
    return "two tiles on two threads, throughput of one", "≥ 1.85×", best


def constant_tiles() -> list[tuple[str, str, str]]:
    """Interior-only and exterior-only chunks with compression, from a new store."""
    figures = []
    for what, key in (("interior", "39/0.1"), ("exterior", "38/0.3")):
        times = []
        for _ in range(5):
            center = ("-0.2", "0") if what == "interior" else ("3", "0")
            store = MandelbrotStore(
                levels=40, maxiter=10_000, compressor=Blosc(), center=center, width="0.3"
            )
            begin = time.perf_counter()
            store[key]
            times.append(time.perf_counter() - begin)
        label = f"{what}-only chunk at maxiter 10 000, compression included"
        figures.append((label, "≤ 3 ms", f"{1e3 * statistics.median(times):.1f} ms"))
    return figures


def cancellation() -> tuple[str, str, str]:
    """Return the longest of several times from setting the flag to the call's end."""
    longest = 0.0
    for width in ("1e-3", "1e-9", "1e-14", "1e-17"):
        pyramid = Pyramid(levels=1, tilesize=SIZE, center=("-1.75", "1e-9"), width=width)
        for delay in (0.05, 0.2, 0.5):
            cancel, begin = np.zeros(1, np.uint8), [0.0]

            def set_flag(cancel: np.ndarray = cancel, begin: list[float] = begin) -> None:
                begin[0] = time.perf_counter()
                cancel[0] = 1

            timer = threading.Timer(delay, set_flag)
            timer.start()
            try:
                render_tile(pyramid, 1, 0, 0, maxiter=2**32 - 1, cancel=cancel)
            except CancelledError:
                longest = max(longest, time.perf_counter() - begin[0])
            timer.join()
    return (
        "from cancellation to the end of the call, longest of 12",
        "≤ 50 ms",
        (f"{1e3 * longest:.1f} ms"),
    )


def targets(rows: list[Row]) -> list[tuple[str, str, str]]:
    """Return (what, target, measured) for the figures that single tiles have to reach."""
    at = {(row.tile, row.maxiter): row for row in rows}
    minibrot, seahorse = at["period-3 minibrot", 2000], at["seahorse", 2000]
    slowest = min(rows, key=lambda row: row.seed / row.fast)
    bound = [row for row in rows if row.c is not None and row.mean > LONG]
    dearest = max(
        (row for row in rows if row.escalated < FEW), key=lambda row: row.exact / row.fast
    )
    begin = time.thread_time()
    center, width = TILES["seahorse 1e-10"]
    pyramid = Pyramid(levels=1, tilesize=SIZE, center=center, width=width)
    render_tile(pyramid, 1, 0, 0, maxiter=5000)
    deep = time.thread_time() - begin
    figures = [
        ("fast, minibrot at 2 000", "≥ 20× seed", f"{minibrot.seed / minibrot.fast:.1f}×"),
        ("fast, seahorse at 2 000", "≥ 14× seed", f"{seahorse.seed / seahorse.fast:.1f}×"),
        (
            f"fast, slowest against the seed ({slowest.tile}, {slowest.maxiter})",
            "≥ 1× seed",
            f"{slowest.seed / slowest.fast:.1f}×",
        ),
        (
            f"exact against fast, < 1 % escalated, dearest ({dearest.tile}, {dearest.maxiter})",
            "≤ 1.7×",
            f"{dearest.exact / dearest.fast:.2f}×",
        ),
        (
            "exact, whole set at 10 000",
            "≤ 40 ms",
            f"{1e3 * at['whole set', 10_000].exact:.1f} ms",
        ),
        ("exact, seahorse 1e-10 at 5 000", "≤ 2 s", f"{deep:.2f} s"),
    ]
    if bound:
        worst = max(bound, key=lambda row: row.fast / (row.c or 1))
        figures.append(
            (
                f"fast against C, worst iteration-bound tile ({worst.tile}, {worst.maxiter})",
                "≤ 1.3×",
                f"{worst.fast / (worst.c or 1):.2f}×",
            )
        )
    return figures


def machine() -> str:
    """Describe this machine in a line."""
    name = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = dict(
            (part.strip() for part in line.split(":", 1))
            for line in cpuinfo.read_text().split("\n\n")[0].splitlines()
        )
        name = f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']})"
    simd = numba.core.codegen.get_host_cpu_features()
    widest = "AVX-512" if "+avx512f" in simd else "AVX2" if "+avx2" in simd else "SSE2"
    return (
        f"{name}, {os.cpu_count()} cores, {widest}; Python {platform.python_version()}, "
        f"numba {numba.__version__}, NumPy {np.__version__}; load average at the end "
        f"{os.getloadavg()[0]:.1f}"
    )


def plot(rows: list[Row], path: Path) -> None:
    """Draw nanoseconds per iteration and pixel for every tile and kernel."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - needed for --write only

    shown = [row for row in rows if row.mean > LONG]
    labels = [f"{row.tile}, {row.maxiter}" for row in shown]
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(shown) + 1.2), layout="constrained")
    marks = {"seed": "o", "c": "s", "fast": "D", "exact": "X"}
    for key, mark in marks.items():
        times = [getattr(row, key) or float("nan") for row in shown]
        each = [1e9 * t / SIZE**2 / (row.mean + 1) for t, row in zip(times, shown, strict=True)]
        axes.plot(each, labels, mark, label={"c": "C"}.get(key, key))
    axes.axvline(LIMIT, color="grey", linestyle=":", label=f"{LIMIT} ns")
    axes.set_xscale("log")
    axes.set_xlabel("ns per iteration and pixel (below the line: iterations saved by proofs)")
    axes.invert_yaxis()
    axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run everything; print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kernel = c_kernel(folder)
        rows = [
            measure(name, maxiter, options.rounds, kernel) for name in TILES for maxiter in CAPS
        ]
    figures = [
        *targets(rows),
        *constant_tiles(),
        two_threads(),
        *start_up(),
        cancellation(),
        memory(),
    ]
    if importlib.util.find_spec("fractalshades") is None:
        print("Fractalshades: skipped, it is not installed")
    summary = "\n".join(
        ["| figure | target | measured |", "|---|---|---|"]
        + [f"| {what} | {target} | {measured} |" for what, target, measured in figures]
    )
    report = f"Machine: {machine()}.\n\n{summary}\n\n{tile_table(rows)}\n"
    print(report)
    if options.write:
        text = REPORT.read_text()
        begin, end = "<!-- measured -->\n", "<!-- end -->"
        head, tail = text.split(begin)[0], text.split(end)[1]
        REPORT.write_text(f"{head}{begin}{report}{end}{tail}")
        plot(rows, REPORT.with_suffix(".svg"))


if __name__ == "__main__":
    main()
