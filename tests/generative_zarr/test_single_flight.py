"""SingleFlight: futures completed by hand, so that every interleaving is a chosen one."""

import asyncio
import gc
import logging
import threading
import time
import weakref
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from generative_zarr.single_flight import Cancellation, SingleFlight, current_cancellation


class Bench:
    """A SingleFlight whose computations are futures that the test completes."""

    def __init__(self):
        self.started = []
        self.flights = SingleFlight(self.start)

    def start(self, key, cancellation):
        future = Future()
        self.started.append((key, future, cancellation))
        return future

    def wait_for(self, key, waiters):
        """Wait until so many have joined."""
        while (flight := self.flights._flights.get(key)) is None or flight.waiters != waiters:
            time.sleep(0.001)

    def waiting_loop(self, pool, key, tasks):
        """Run an event loop in a thread, with tasks that wait; return the future of its results."""

        async def main():
            waits = (self.flights.result(key) for _ in range(tasks))
            return await asyncio.gather(*waits, return_exceptions=True)

        return pool.submit(asyncio.run, main())


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_threads_and_event_loops_share_one_computation(bench, pool):
    threads = [pool.submit(bench.flights.result_sync, "k") for _ in range(4)]
    loops = [bench.waiting_loop(pool, "k", 5) for _ in range(3)]
    bench.wait_for("k", 19)
    [(key, future, cancellation)] = bench.started
    assert key == "k"
    future.set_result("value")
    assert [thread.result() for thread in threads] == ["value"] * 4
    assert [loop.result() for loop in loops] == [["value"] * 5] * 3
    assert bench.flights._flights == {}
    assert not cancellation.cancelled


def test_different_keys_are_computed_apart(bench, pool):
    a, b = (pool.submit(bench.flights.result_sync, key) for key in "ab")
    bench.wait_for("a", 1)
    bench.wait_for("b", 1)
    for key, future, _ in bench.started:
        future.set_result(key * 2)
    assert (a.result(), b.result()) == ("aa", "bb")


def test_a_result_that_nobody_holds_is_freed_at_once(pool):
    class Result:
        pass

    def compute():
        result = Result()
        kept.append(weakref.ref(result))
        return result

    kept = []
    flights = SingleFlight(lambda _key, _cancellation: pool.submit(compute))
    gc.disable()
    try:
        flights.result_sync("k")
        asyncio.run(flights.result("k"))
        pool.submit(int).result()  # the pool's thread lets go of its last work with its next
        deadline = time.monotonic() + 10
        while any(result() for result in kept) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [result() for result in kept] == [None, None]
    finally:
        gc.enable()


def test_an_exception_reaches_every_waiter_and_is_forgotten(bench, pool):
    thread = pool.submit(bench.flights.result_sync, "k")
    loop = bench.waiting_loop(pool, "k", 2)
    bench.wait_for("k", 3)
    error = OSError("no such luck")
    bench.started[0][1].set_exception(error)
    assert thread.exception() is error
    assert loop.result() == [error, error]
    again = pool.submit(bench.flights.result_sync, "k")
    bench.wait_for("k", 1)
    bench.started[1][1].set_result("better")
    assert again.result() == "better"


def test_an_error_on_starting_is_the_callers():
    def refuse(key, cancellation):  # noqa: ARG001 - a start function
        raise RuntimeError("the pool is shut down")  # noqa: EM101, TRY003 - as a pool says it

    flights = SingleFlight(refuse)
    with pytest.raises(RuntimeError, match="shut down"):
        flights.result_sync("k")
    assert flights._flights == {}


def test_a_computation_that_ends_at_once():
    def at_once(key, cancellation):  # noqa: ARG001 - a start function
        future = Future()
        future.set_result(key)
        return future

    flights = SingleFlight(at_once)
    assert flights.result_sync("k") == "k"
    assert asyncio.run(flights.result("k")) == "k"
    assert flights._flights == {}


async def test_a_cancelled_waiter_does_not_disturb_the_others(bench):
    first, second = (asyncio.create_task(bench.flights.result("k")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    [(_, future, cancellation)] = bench.started
    assert not future.cancelled()
    assert not cancellation.cancelled
    future.set_result("value")
    assert await second == "value"


async def test_a_queued_computation_is_dropped_when_the_last_waiter_leaves(bench):
    tasks = [asyncio.create_task(bench.flights.result("k")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    [(_, future, _)] = bench.started
    assert future.cancelled()
    assert bench.flights._flights == {}


async def test_a_running_computation_is_told_to_stop_and_a_newcomer_gets_its_own(bench):
    task = asyncio.create_task(bench.flights.result("k"))
    await asyncio.sleep(0)
    [(_, running, cancellation)] = bench.started
    running.set_running_or_notify_cancel()
    task.cancel()
    await asyncio.wait([task])
    assert cancellation.flag.tolist() == [1]

    newcomer = asyncio.create_task(bench.flights.result("k"))
    await asyncio.sleep(0)
    _, (_, future, fresh) = bench.started
    running.set_exception(CancelledError())
    assert not fresh.cancelled
    later = asyncio.create_task(bench.flights.result("k"))  # joins the newcomer
    await asyncio.sleep(0)
    future.set_result("value")
    assert [await newcomer, await later] == ["value", "value"]
    assert len(bench.started) == 2


def test_the_end_of_the_first_waiters_event_loop(bench, pool):
    async def leave():
        task = asyncio.create_task(bench.flights.result("k"))
        await asyncio.sleep(0)
        return task  # asyncio.run cancels it

    joined = threading.Event()

    async def lead():
        await leave()
        await asyncio.to_thread(joined.wait)

    leader = pool.submit(asyncio.run, lead())
    bench.wait_for("k", 1)
    thread = pool.submit(bench.flights.result_sync, "k")
    loop = bench.waiting_loop(pool, "k", 2)
    bench.wait_for("k", 4)
    joined.set()
    leader.result()
    bench.wait_for("k", 3)
    bench.started[0][1].set_result("value")
    assert thread.result() == "value"
    assert loop.result() == ["value", "value"]


def test_an_event_loop_closed_with_its_tasks_pending(bench, pool, caplog):
    abandoned = asyncio.new_event_loop()
    task = abandoned.create_task(bench.flights.result("k"))
    abandoned.run_until_complete(asyncio.sleep(0))
    abandoned.close()
    thread = pool.submit(bench.flights.result_sync, "k")
    bench.wait_for("k", 2)
    with caplog.at_level(logging.CRITICAL):  # asyncio reports the abuse of the loop
        bench.started[0][1].set_result("value")
    assert thread.result() == "value"
    task._log_destroy_pending = False  # it is: that is the case under test


def test_keyboard_interrupt_leaves(bench, monkeypatch):
    def interrupted(self, timeout=None):  # noqa: ARG001 - Future.result
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.flights.result_sync("k")
    assert bench.started[0][1].cancelled()


def test_current_cancellation():
    outer, inner = Cancellation(), Cancellation()
    seen = outer.run(
        lambda: (current_cancellation(), inner.run(current_cancellation), current_cancellation())
    )
    assert seen == (outer, inner, outer)
    assert current_cancellation() not in {outer, inner}
    assert not current_cancellation().cancelled


def test_flag_is_what_kernels_poll():
    cancellation = Cancellation()
    assert cancellation.flag.dtype == "uint8"
    assert cancellation.flag.shape == (1,)
    assert not cancellation.cancelled
    cancellation.cancel()
    assert cancellation.flag.tolist() == [1]
    assert cancellation.cancelled
