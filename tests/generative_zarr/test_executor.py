"""Tiles computed by an executor of the caller's choice: the same bytes, once, and cancelled."""

import asyncio
import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from numcodecs import Blosc
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from generative_zarr import GenerativeStore, LRUStoreCache, current_cancellation
from mandelbrot_store import MandelbrotStore


class Whereabouts(GenerativeStore):
    """Each pixel is the process that computed it."""

    def __init__(self, executor=None, **more):
        super().__init__(levels=4, tilesize=16, dtype="int64", executor=executor, **more)

    def tile(self, level, row, _column):
        if (level, row) == (0, 13):
            msg = "thirteen"
            raise ValueError(msg)
        return np.full((16, 16), os.getpid())


class ByHand(Executor):
    """Runs nothing by itself; keeps what was submitted."""

    def __init__(self):
        self.submitted = []

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        self.submitted.append((future, lambda: function(*args, **kwargs)))
        return future


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        yield executor


def test_other_processes_give_the_same_bytes(processes):
    parameters = {"levels": 3, "tilesize": 64, "maxiter": 200, "compressor": Blosc()}
    here = MandelbrotStore(**parameters)
    there = MandelbrotStore(**parameters, executor=processes)
    for key in ("2/0.0", "1/1.2", "0/3.5"):
        assert there[key] == here[key]


def test_the_work_is_done_there(processes):
    values = zarr.open(LRUStoreCache(Whereabouts(processes), 2**20), mode="r")["3"][:]
    assert os.getpid() not in values


def test_a_class_that_cannot_be_imported_travels(processes):
    class Local(Whereabouts):
        def tile(self, level, row, column):
            return super().tile(level, row, column) * 0 + 7

    assert set(np.frombuffer(Local(processes)["3/0.0"], "int64")) == {7}


def test_errors_come_back(processes):
    with pytest.raises(ValueError, match="thirteen"):
        Whereabouts(processes)["0/13.1"]


def test_copies_work_there_too(processes):
    copy = Whereabouts(processes).with_read_only(read_only=True)
    assert os.getpid() not in np.frombuffer(copy["3/0.0"], "int64")


def test_what_is_submitted_is_small_and_pickled():
    executor = ByHand()
    reading = threading.Thread(target=lambda: MandelbrotStore(executor=executor)["39/0.0"])
    reading.start()
    while not executor.submitted:
        time.sleep(0.001)
    (future, call), *_ = executor.submitted
    function, arguments = call.__closure__[1].cell_contents, call.__closure__[0].cell_contents
    work = pickle.dumps((function, arguments))
    assert len(work) < 3000, len(work)
    function, arguments = pickle.loads(work)  # noqa: S301 - ours
    future.set_result(function(*arguments))
    reading.join()


def test_readers_at_the_same_time_share_one_computation():
    executor = ByHand()
    store = Whereabouts(executor)
    values = []
    threads = [threading.Thread(target=lambda: values.append(store["3/0.0"])) for _ in range(5)]
    for thread in threads:
        thread.start()
    while not executor.submitted:
        time.sleep(0.001)
    time.sleep(0.05)
    ((future, call),) = executor.submitted
    future.set_result(call())
    for thread in threads:
        thread.join()
    assert len(set(values)) == 1
    assert len(values) == 5


def test_what_nobody_waits_for_is_cancelled():
    executor = ByHand()

    async def give_up():
        store = Whereabouts(executor)
        reading = asyncio.ensure_future(store.get("3/0.0", default_buffer_prototype()))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])

    sync(give_up())
    ((future, _),) = executor.submitted
    assert future.cancelled()


def test_threads_of_ones_own_stop_what_nobody_waits_for():
    started, stopped = threading.Event(), threading.Event()

    class Endless(Whereabouts):
        def tile(self, *_address):
            started.set()
            while not current_cancellation().cancelled:
                time.sleep(0.001)
            stopped.set()
            return np.zeros((16, 16), "int64")

    async def give_up(store):
        reading = asyncio.ensure_future(store.get("3/0.0", default_buffer_prototype()))
        await asyncio.to_thread(started.wait)
        reading.cancel()
        await asyncio.wait([reading])

    with ThreadPoolExecutor(1) as executor:
        sync(give_up(Endless(executor)))
        assert stopped.wait(30)


def test_the_executor_is_neither_pickled_nor_compared(processes):
    store = Whereabouts(processes)
    assert store == Whereabouts()
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - ours
    assert set(np.frombuffer(again["3/0.0"], "int64")) == {os.getpid()}


def test_an_executor_that_has_ended_is_an_error_and_not_a_wait():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    store = Whereabouts(executor)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="after shutdown"):
            store["3/0.0"]


@pytest.mark.parametrize("executor", [4, "threads", ThreadPoolExecutor])
def test_what_is_no_executor(executor):
    with pytest.raises(TypeError, match=r"executor is .*get_executor"):
        Whereabouts(executor)
