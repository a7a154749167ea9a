"""What is reported in a computation reaches everybody who waits for it, and nobody else."""

import asyncio
import threading

import numpy as np
import pytest
from zarr.core.buffer import default_buffer_prototype

from generative_zarr import GenerativeStore, LRUStoreCache, progress_listener, report_progress

PROTOTYPE = default_buffer_prototype()


class Stepwise(GenerativeStore):
    """Tiles that report a step whenever the test lets them take one."""

    def __init__(self):
        super().__init__(levels=2, tilesize=2, dtype="uint8")
        self.steps = threading.Semaphore(0)
        self.reported = threading.Semaphore(0)

    def tile(self, level, row, column):  # noqa: ARG002
        for done in range(1, 4):
            assert self.steps.acquire(timeout=20)
            report_progress(done, 3)
            self.reported.release()
        return np.zeros((2, 2), "uint8")

    async def step(self):
        self.steps.release()
        assert await asyncio.to_thread(self.reported.acquire, timeout=20)


@pytest.mark.parametrize("cached", [False, True])
async def test_everybody_who_waits_is_told(cached):
    store = Stepwise()
    reader = LRUStoreCache(store, 10**6) if cached else store
    heard = {"first": [], "second": [], "gone": [], "other": []}

    def read(name):
        with progress_listener(lambda *progress: heard[name].append(progress)):
            return asyncio.create_task(reader.get("0/0.0", PROTOTYPE))

    first, gone = read("first"), read("gone")
    await asyncio.sleep(0)  # both wait now
    with progress_listener(lambda *progress: heard["other"].append(progress)):
        await store.step()
    second = read("second")
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await store.step()
    await store.step()
    assert (await first).to_bytes() == (await second).to_bytes() == bytes(4)
    assert heard == {
        "first": [(1, 3), (2, 3), (3, 3)],
        "second": [(2, 3), (3, 3)],
        "gone": [(1, 3)],
        "other": [],
    }


def test_threads_that_read_are_told():
    store, heard = Stepwise(), []
    store.steps.release(3)
    with progress_listener(lambda *progress: heard.append(progress)):
        assert store["0/0.0"] == bytes(4)
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_outside_of_a_computation_nobody_is_told():
    report_progress(1, 2)
