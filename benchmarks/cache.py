"""What the store and its cache cost beside computing tiles: ``python -m benchmarks.cache``.

Ratios in one process; medians over repetitions.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from generative_zarr import GenerativeStore, LRUStoreCache
from mandelbrot_store import MandelbrotStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PROTOTYPE = default_buffer_prototype()
SIDE = 512


class Tiles(GenerativeStore):
    """Tiles that cost nothing to compute; counts them."""

    def __init__(self) -> None:
        super().__init__(levels=8, tilesize=SIDE, dtype="uint8")
        self.computed: Counter[tuple[int, int, int]] = Counter()
        self.pixels = np.arange(SIDE**2, dtype="uint8").reshape(SIDE, SIDE)

    def tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:
        """Return always the same pixels."""
        self.computed[level, row, column] += 1
        return self.pixels


def median_us(action: Callable[[], object], repetitions: int = 2000) -> float:
    """Return the median time of an action, µs."""
    times = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def import_seconds(repetitions: int = 7) -> float:
    """Return the median time that ``import mandelbrot_store`` takes in a new process."""
    code = (
        "from time import perf_counter; begin = perf_counter(); import mandelbrot_store; "
        "print(perf_counter() - begin)"
    )
    command = [sys.executable, "-c", code]
    return statistics.median(
        float(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 - ours
        for _ in range(repetitions)
    )


async def reads_us(store: zarr.abc.store.Store, keys: list[str]) -> float:
    """Return the time of one of many reads, one after the other in one event loop, µs."""
    begin = time.perf_counter()
    for key in keys:
        await store.get(key, PROTOTYPE)
    return (time.perf_counter() - begin) / len(keys) * 1e6


def random_reads(threads: int, reads: int, keys: int) -> tuple[float, int, int]:
    """Read at random from threads; return reads/s, most computations of a key, most bytes."""
    below = Tiles()
    names = [f"2/{i // 40}.{i % 40}" for i in range(keys)]
    cache = LRUStoreCache(below, max_size=keys * SIDE**2)
    rng = random.Random(2)  # noqa: S311 - no cryptography
    most = 0

    def read(chosen: list[str]) -> None:
        nonlocal most
        for key in chosen:
            cache[key]
            most = max(most, cache.nbytes)

    chosen = [rng.choices(names, k=reads // threads) for _ in range(threads)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, chosen))
    rate = reads / (time.perf_counter() - begin)
    return rate, max(below.computed.values()), most


def main() -> None:
    """Print the table."""
    keys = [f"2/{i // 40}.{i % 40}" for i in range(1000)]
    store = Tiles()
    cache = LRUStoreCache(store, max_size=2**30)
    memory = MemoryStore()
    for key in keys:
        memory._store_dict[key] = PROTOTYPE.buffer.from_bytes(store[key])  # noqa: SLF001 - set up
    cold, warm = (asyncio.run(reads_us(cache, keys)) for _ in range(2))
    rate, computations, nbytes = random_reads(threads=8, reads=10_000, keys=1000)
    mandelbrot = MandelbrotStore()
    mandelbrot["39/0.0"]  # compiles
    tile = median_us(lambda: mandelbrot.tile(39, 0, 0), 5)
    huge = "9" * 10**7

    for name, value, unit in [
        ("import mandelbrot_store", import_seconds(), "s"),
        ("tile 39/0.0, 1024 px", tile, "µs"),
        ("a key, computing nothing", median_us(lambda: "0/123456789.987654321" in store), "µs"),
        ("a key of 10 MB", median_us(lambda: huge in store), "µs"),
        ("read, MemoryStore", asyncio.run(reads_us(memory, keys)), "µs"),
        ("read, store, beside the tile", asyncio.run(reads_us(store, keys)), "µs"),
        ("read, cache, missed", cold, "µs"),
        ("read, cache, hit", warm, "µs"),
        ("cache[key], hit", median_us(lambda: cache[keys[0]]), "µs"),
        ("10 000 reads, 8 threads", rate, "/s"),
        ("  most computations of a key", computations, ""),
        ("  most bytes / max_size", nbytes / (1000 * SIDE**2), ""),
    ]:
        print(f"{name:30}{value:12.2f} {unit}")
    array = {
        name: zarr.open_array(each, path="2", mode="r")[: 8 * SIDE, : 8 * SIDE]
        for name, each in (("store", store), ("cache", cache))
    }
    assert (array["store"] == array["cache"]).all()  # noqa: S101 - the figures are of right data


if __name__ == "__main__":
    main()
