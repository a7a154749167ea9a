"""GenerativeStore under concurrent readers: one computation per tile, a bounded pool, stopping."""

import asyncio
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest
from zarr.core.buffer import default_buffer_prototype

from generative_zarr import GenerativeStore, LRUStoreCache, current_cancellation
from generative_zarr import store as store_module

PROTOTYPE = default_buffer_prototype()
WORKERS = store_module._pool._max_workers


class Gated(GenerativeStore):
    """Tiles are computed when the gate is open, or stop when they are cancelled."""

    def __init__(self):
        super().__init__(levels=12, tilesize=2, dtype="uint16")
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.started, self.stopped = [], []
        self.running = self.most_running = 0

    def tile(self, level, row, column):
        with self.lock:
            self.started.append((level, row, column))
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            cancellation = current_cancellation()
            while not self.gate.wait(0.001):
                if cancellation.flag[0]:
                    self.stopped.append((level, row, column))
                    raise CancelledError
        finally:
            with self.lock:
                self.running -= 1
        return np.full((2, 2), row + column, "uint16")


@pytest.fixture
def store():
    store = Gated()
    yield store
    store.gate.set()


def until(condition):
    while not condition():
        time.sleep(0.001)


async def until_async(condition):
    while not condition():  # noqa: ASYNC110 - what is awaited happens in other threads
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("cached", [False, True])
def test_readers_in_threads_and_loops_share_one_computation(store, cached):
    reader = LRUStoreCache(store, 10**6) if cached else store
    arrived = threading.Barrier(7)

    async def read_in_loop():
        reads = [asyncio.create_task(reader.get("0/1.2", PROTOTYPE)) for _ in range(5)]
        await asyncio.sleep(0)
        arrived.wait()
        return [buffer.to_bytes() for buffer in await asyncio.gather(*reads)]

    def read_in_thread():
        arrived.wait()
        return [reader["0/1.2"]]

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(asyncio.run, read_in_loop()) for _ in range(3)]
        readers += [pool.submit(read_in_thread) for _ in range(3)]
        arrived.wait()
        until(lambda: store.started)
        store.gate.set()
        values = [value for reader in readers for value in reader.result()]
    assert values == [np.full(4, 3, "<u2").tobytes()] * 18
    if cached:  # what came too late for the computation came from the cache
        assert store.started == [(0, 1, 2)]
    else:  # without a cache a late thread may have had to start again
        assert len(store.started) <= 4


async def test_concurrent_reads_in_one_loop_make_one_computation(store):
    reads = [asyncio.create_task(store.get("0/1.2", PROTOTYPE)) for _ in range(100)]
    await until_async(lambda: store.started)
    store.gate.set()
    assert len({buffer.to_bytes() for buffer in await asyncio.gather(*reads)}) == 1
    assert store.started == [(0, 1, 2)]


async def test_computations_of_all_stores_share_one_bounded_pool(store):
    other = Gated()
    other.gate, other.lock, other.started = store.gate, store.lock, store.started
    reads = [
        asyncio.create_task(each.get(f"0/0.{column}", PROTOTYPE))
        for column in range(20)
        for each in (store, other)
    ]
    await until_async(lambda: len(store.started) == WORKERS)
    await asyncio.sleep(0.02)
    assert len(store.started) == WORKERS
    store.gate.set()
    await asyncio.gather(*reads)
    assert len(store.started) == 40
    assert os.cpu_count() == WORKERS


@pytest.mark.parametrize("cached", [False, True])
async def test_a_queued_tile_that_nobody_waits_for_is_never_computed(store, cached):
    reader = LRUStoreCache(store, 10**6) if cached else store
    running = [
        asyncio.create_task(reader.get(f"0/0.{column}", PROTOTYPE)) for column in range(WORKERS)
    ]
    await until_async(lambda: len(store.started) == WORKERS)
    queued = [asyncio.create_task(reader.get("0/9.9", PROTOTYPE)) for _ in range(2)]
    kept = asyncio.create_task(reader.get("0/8.8", PROTOTYPE))
    await until_async(lambda: len(store._chunks._flights) == WORKERS + 2)
    for task in queued:
        task.cancel()
    await asyncio.wait(queued)
    await until_async(lambda: len(store._chunks._flights) == WORKERS + 1)
    store.gate.set()
    await asyncio.gather(kept, *running)
    assert (0, 9, 9) not in store.started
    assert (0, 8, 8) in store.started


@pytest.mark.parametrize("cached", [False, True])
async def test_a_running_tile_that_nobody_waits_for_is_stopped(store, cached):
    reader = LRUStoreCache(store, 10**6) if cached else store
    waiters = [asyncio.create_task(reader.get("0/1.2", PROTOTYPE)) for _ in range(3)]
    await until_async(lambda: store.started)
    for task in waiters[:2]:
        task.cancel()
    await asyncio.wait(waiters[:2])
    await asyncio.sleep(0.02)
    assert store.stopped == []
    waiters[2].cancel()
    await asyncio.wait(waiters[2:])
    await until_async(lambda: store.stopped)
    store.gate.set()
    assert (await reader.get("0/1.2", PROTOTYPE)).to_bytes() == np.full(4, 3, "<u2").tobytes()


async def test_a_timeout_is_a_cancellation(store):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.get("0/1.2", PROTOTYPE), 0.01)
    await until_async(lambda: store.stopped == store.started)


@pytest.mark.parametrize("cached", [False, True])
def test_an_error_reaches_every_reader_and_is_not_kept(cached):
    class Failing(Gated):
        def tile(self, level, row, column):
            tile = super().tile(level, row, column)
            if len(self.started) == 1:
                raise ArithmeticError("too deep")  # noqa: EM101, TRY003 - a test's own error
            return tile

    store = Failing()
    reader = LRUStoreCache(store, 10**6) if cached else store

    async def main():
        reads = [asyncio.create_task(reader.get("0/1.2", PROTOTYPE)) for _ in range(3)]
        await until_async(lambda: store.started)
        store.gate.set()
        return await asyncio.gather(*reads, return_exceptions=True)

    assert [repr(error) for error in asyncio.run(main())] == ["ArithmeticError('too deep')"] * 3
    assert reader["0/1.2"] == np.full(4, 3, "<u2").tobytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_child_computes_for_itself(store):
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(store.__getitem__, "0/1.2")
        until(lambda: store.started)
        with warnings.catch_warnings():
            # Python warns of forking a process that has threads: the case under test.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            store.gate.set()
            os._exit(0 if store["0/1.2"] == np.full(4, 3, "<u2").tobytes() else 1)
        store.gate.set()
        assert pending.result() == np.full(4, 3, "<u2").tobytes()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


PROGRAM = """
import contextlib, threading, time, zarr
import numpy as np
from generative_zarr import GenerativeStore, LRUStoreCache, current_cancellation

class Endless(GenerativeStore):
    def tile(self, level, row, column):
        started.set()
        while not current_cancellation().cancelled:
            time.sleep(0.001)
        return np.zeros((4, 4), "uint8")

started = threading.Event()
array = zarr.open_array(WRAP(Endless(levels=4, tilesize=4, dtype="uint8")), path="0", mode="r")

def read():
    with contextlib.suppress(BaseException):
        array[:]

threading.Thread(target=read, daemon=True).start()
started.wait()
print("leaving")
"""


@pytest.mark.parametrize("wrap", ["", "lambda store: LRUStoreCache(store, 1000)"])
def test_the_interpreter_ends_though_tiles_are_being_computed(wrap):
    program = PROGRAM.replace("WRAP", f"({wrap})" if wrap else "")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)  # noqa: S603 - ours
    assert done.stdout.split() == [b"leaving"]
