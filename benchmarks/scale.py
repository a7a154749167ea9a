"""What it costs to have other processes compute the tiles, and what two of them gain.

    python -m benchmarks.scale [--tiles N]

Dask workers are processes of one thread each. The overhead of a tile is what it takes with one
worker more than with one thread of this process. Efficiency is the time with one worker over twice
the time with two; beside it stands the same for plain arithmetic in processes that share nothing,
the most that this machine allows.

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
    from concurrent.futures import Executor

ROUNDS = 5
HEAVY = {"tilesize": 1024, "maxiter": 20_000, "center": ("-0.7436", "0.1318"), "width": "0.001"}
CHEAP = {"tilesize": 16, "maxiter": 20, "center": (9, 9), "width": 1}


def seconds(executor: Executor | None, at_a_time: int, tiles: int, parameters: dict) -> float:
    """Time so many tiles of a level, asked for as `bake` and `render` do."""
    store = MandelbrotStore(10, compressor=Blosc(), executor=executor, **parameters)

    async def work(index: int) -> None:
        await chunk(store, 2, *divmod(index, 2**8))

    begin = time.perf_counter()
    asyncio.run(do_all(range(tiles), work, at_a_time))
    return time.perf_counter() - begin


def spin(_: object = None) -> int:
    """Do arithmetic for some tenths of a second."""
    total = 0
    for number in range(10_000_000):
        total += number & 7
    return total


def ceiling() -> float:
    """Return the efficiency of two processes that do plain arithmetic."""
    ratios = []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(spin, [0, 1])
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            pool.apply(spin)
            one = time.perf_counter() - begin
            begin = time.perf_counter()
            pool.map(spin, [0, 1], chunksize=1)
            ratios.append(one / (time.perf_counter() - begin))
    return statistics.median(ratios)


class Round(NamedTuple):
    """Milliseconds a tile, and the efficiency of two workers."""

    ms_of_a_tile_of_next_to_nothing_here: float
    ms_of_a_tile_of_next_to_nothing_with_a_worker: float
    ms_of_a_heavy_tile_here: float
    ms_of_a_heavy_tile_with_a_worker: float
    overhead_of_a_heavy_tile_in_ms: float
    efficiency_of_two_workers: float


def measure(thread: Executor, one: Executor, both: Executor, tiles: int) -> Round:
    """Time everything once, side by side."""
    cheap_here, cheap_there = (
        1e3 * seconds(executor, CLUSTER_AHEAD, 200, CHEAP) / 200 for executor in (thread, one)
    )
    here, there = (
        1e3 * seconds(executor, CLUSTER_AHEAD, tiles, HEAVY) / tiles for executor in (thread, one)
    )
    two = 1e3 * seconds(both, 2 * CLUSTER_AHEAD, tiles, HEAVY) / tiles
    return Round(cheap_here, cheap_there, here, there, there - here, there / two / 2)


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
    parser.add_argument("--tiles", type=int, default=60, help="heavy tiles a round (default: 60)")
    tiles = parser.parse_args().tiles
    warnings.filterwarnings("ignore", module="distributed")
    print(f"{os.cpu_count()} processors; medians of {ROUNDS} rounds")
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        first, second = (worker.worker_address for worker in cluster.workers.values())
        with Client(cluster) as client:
            one = client.get_executor(pure=False, workers=[first])
            both = client.get_executor(pure=False, workers=[first, second])
            for executor in (one, both):  # compile, import, connect
                seconds(executor, 8, 16, HEAVY)
                seconds(executor, 8, 16, CHEAP)
            thread = ThreadPoolExecutor(1)
            rounds = [measure(thread, one, both, tiles) for _ in range(ROUNDS)]
            thread.shutdown()
    for name, values in zip(rounds[0]._fields, zip(*rounds, strict=True), strict=True):
        print(f"{name.replace('_', ' ')}: {statistics.median(values):.2f}")
    print(f"efficiency of two processes of plain arithmetic: {ceiling():.2f}")
    requests()


if __name__ == "__main__":
    main()
