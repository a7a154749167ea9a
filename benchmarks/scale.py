"""What it costs to have other processes compute the tiles, and what two of them gain.

    python -m benchmarks.scale [--tiles N]

Dask workers are processes of one thread each. The overhead is what a tile of next to nothing takes
with one worker more than with one thread of this process. Efficiency is the time of heavy tiles
with one worker over twice the time with two. What the machine itself allows stands beside it, from
the same rounds: the same for processes that share nothing and are told once what to do, once with
the same tiles and once with plain arithmetic.

Requests are those of one client in another process, for tiles that the server has in its cache.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from distributed import Client, LocalCluster
from numcodecs import Blosc

from mandelbrot_cli.work import CLUSTER_AHEAD, chunk, do_all
from mandelbrot_store import MandelbrotStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from multiprocessing.pool import Pool

ROUNDS = 5
LEVEL = 2
MIDDLE = 2**7
"""Row and column where four of the level's tiles meet."""

# Around the middle each pixel takes 1000 iterations and more until it escapes.
HEAVY = {
    "tilesize": 1024,
    "maxiter": 50_000,
    "center": ("-0.743643887037151", "0.131825904205330"),
    "width": "1e-7",
}
CHEAP = {"tilesize": 16, "maxiter": 20, "center": (9, 9), "width": 1}
CHEAP_TILES = 300


def address(index: int) -> tuple[int, int, int]:
    """Return the level, row and column of a tile near the middle."""
    return LEVEL, MIDDLE + index // 16, MIDDLE + index % 16


def seconds(executor: Executor | None, at_a_time: int, tiles: int, parameters: dict) -> float:
    """Time so many tiles of a level, asked for as `bake` and `render` do."""
    store = MandelbrotStore(10, compressor=Blosc(), executor=executor, **parameters)

    async def work(index: int) -> None:
        await chunk(store, *address(index))

    begin = time.perf_counter()
    asyncio.run(do_all(range(tiles), work, at_a_time))
    return time.perf_counter() - begin


def share(first: int, step: int, tiles: int) -> None:
    """Compute heavy tiles: every `step`-th, of so many."""
    store = MandelbrotStore(10, compressor=Blosc(), **HEAVY)
    for index in range(first, tiles, step):
        store.encoded_tile(address(index))


def spin(_: object = None) -> int:
    """Do arithmetic for some tenths of a second."""
    total = 0
    for number in range(10_000_000):
        total += number & 7
    return total


def timed(function: Callable[..., object], *arguments: object) -> float:
    """Return how many seconds a call takes."""
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def gain(pool: Pool, work: Callable[..., object], one: tuple, both: list[tuple]) -> float:
    """Return the time of one process over twice that of two; `both` is `one` in two parts."""
    return timed(pool.apply, work, one) / timed(pool.starmap, work, both, 1) / 2


class Round(NamedTuple):
    """Milliseconds a tile, and the efficiency of two workers."""

    ms_of_a_tile_of_next_to_nothing_here: float
    ms_of_a_tile_of_next_to_nothing_with_a_worker: float
    overhead_in_ms: float
    ms_of_a_processor_that_client_and_scheduler_take_for_a_tile: float
    ms_of_a_heavy_tile_here: float
    ms_of_a_heavy_tile_with_a_worker: float
    ms_of_a_heavy_tile_with_two_workers: float
    efficiency_of_two_workers: float
    efficiency_of_two_processes_that_share_nothing: float
    share_of_that_which_two_workers_reach: float
    efficiency_of_two_processes_of_plain_arithmetic: float


def measure(thread: Executor, one: Executor, both: Executor, pool: Pool, tiles: int) -> Round:
    """Time everything once, side by side."""
    cheap_here = 1e3 * seconds(thread, CLUSTER_AHEAD, CHEAP_TILES, CHEAP) / CHEAP_TILES
    used = time.process_time()  # the scheduler is in this process, too
    cheap_there = 1e3 * seconds(one, CLUSTER_AHEAD, CHEAP_TILES, CHEAP) / CHEAP_TILES
    passing_on = 1e3 * (time.process_time() - used) / CHEAP_TILES
    here = 1e3 * seconds(thread, CLUSTER_AHEAD, tiles, HEAVY) / tiles
    there = 1e3 * seconds(one, CLUSTER_AHEAD, tiles, HEAVY) / tiles
    two = 1e3 * seconds(both, 2 * CLUSTER_AHEAD, tiles, HEAVY) / tiles
    apart = gain(pool, share, (0, 1, tiles), [(0, 2, tiles), (1, 2, tiles)])
    return Round(
        cheap_here,
        cheap_there,
        cheap_there - cheap_here,
        passing_on,
        here,
        there,
        two,
        there / two / 2,
        apart,
        there / two / 2 / apart,
        2 * gain(pool, spin, (0,), [(0,), (1,)]),
    )


SERVER = """
from numcodecs import Blosc
from generative_zarr import LRUStoreCache
from mandelbrot_store import MandelbrotStore
from zarr_http import listen, make_server, zarr_app
store = LRUStoreCache(MandelbrotStore(maxiter=1000, compressor=Blosc()), 2**28)
listener = listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)
make_server(zarr_app(store, name="set.zarr", version="1")).run([listener])
"""


def requests() -> None:
    """Print how long a cached tile, and one that the client has already, keep the server."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        connection = http.client.HTTPConnection("127.0.0.1", int(process.stdout.readline()))
        for what, headers in (("cached tile", {}), ("tile the client has", {"If-None-Match": "*"})):
            times = []
            for index in range(600):
                begin = time.perf_counter()
                connection.request(
                    "GET", f"/set.zarr/38/{index // 4 % 4}.{index % 4}", None, headers
                )
                size = len(connection.getresponse().read())
                times.append(time.perf_counter() - begin)
            print(f"ms of a {what}: {1e3 * statistics.median(times):.2f} ({size} bytes)")
        process.kill()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=40, help="heavy tiles a round (default: 40)")
    tiles = parser.parse_args().tiles
    warnings.filterwarnings("ignore", module="distributed")
    print(f"{os.cpu_count()} processors; medians of {ROUNDS} rounds (least to most)")
    with (
        multiprocessing.get_context("spawn").Pool(2) as pool,
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        pool.starmap(share, [(0, 1, 2)] * 2, 1)  # compile, import
        first, second = (worker.worker_address for worker in cluster.workers.values())
        with Client(cluster) as client:
            one = client.get_executor(pure=False, workers=[first])
            both = client.get_executor(pure=False, workers=[first, second])
            for executor in (one, both):  # compile, import, connect
                seconds(executor, 8, 4, HEAVY)
                seconds(executor, 8, 16, CHEAP)
            thread = ThreadPoolExecutor(1)
            rounds = [measure(thread, one, both, pool, tiles) for _ in range(ROUNDS)]
            thread.shutdown()
        pool.close()
        pool.join()
    for name, values in zip(rounds[0]._fields, zip(*rounds, strict=True), strict=True):
        median = f"{name.replace('_', ' ')}: {statistics.median(values):.2f}"
        print(f"{median} ({min(values):.2f} to {max(values):.2f})")
    requests()


if __name__ == "__main__":
    main()
