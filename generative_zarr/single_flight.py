"""One computation for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - see _abandon_at_exit
import os
import threading
import weakref
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import numpy as np

from generative_zarr.progress import ProgressListener, current_listener, progress_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

    from numpy.typing import NDArray

__all__ = ["Cancellation", "SingleFlight", "current_cancellation"]

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")
P = ParamSpec("P")


class Cancellation:
    """Tells a running computation that nobody waits for its result any more.

    Attributes
    ----------
    flag : ndarray of uint8, shape (1,)
        0, and 1 once cancelled. An array, so that compiled code can poll it.
    """

    __slots__ = ("flag",)

    def __init__(self) -> None:
        self.flag: NDArray[np.uint8] = np.zeros(1, np.uint8)

    @property
    def cancelled(self) -> bool:
        """Whether the computation should stop."""
        return bool(self.flag[0])

    def cancel(self) -> None:
        """Ask the computation to stop; it does when it next looks at `flag`."""
        self.flag[0] = 1

    def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function`, inside of which `current_cancellation` returns this object."""
        previous = _current.set(self)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(previous)


_current: ContextVar[Cancellation] = ContextVar("generative_zarr.cancellation")


def current_cancellation() -> Cancellation:
    """Return the cancellation of the computation that the caller is part of.

    Returns
    -------
    Cancellation
        Outside of any computation, a new one that nobody will cancel.
    """
    return _current.get(None) or Cancellation()


@dataclass(slots=True)
class _Flight(Generic[T]):
    cancellation: Cancellation = field(default_factory=Cancellation)
    waiters: int = 0
    listeners: list[ProgressListener] = field(default_factory=list)
    future: Future[T] = field(init=False)

    def tell(self, done: float, total: float) -> None:
        """Pass on how far the computation is to everybody who listens."""
        for listener in tuple(self.listeners):
            listener(done, total)


class SingleFlight(Generic[K, T]):
    """Shares one computation per key among everybody who waits for it.

    Waiters may be plain threads and tasks of any number of event loops. An exception reaches
    every waiter; nothing is remembered once the computation has ended. A waiter that gives up
    (its task is cancelled, its event loop ends) does not disturb the others; when the last one
    gives up, a computation that has not begun is dropped, and one that runs is asked to stop
    through its `Cancellation`.

    Parameters
    ----------
    start : callable ``(key, Cancellation) -> concurrent.futures.Future``
        Begins the computation. It is called under a lock and must not block. Progress that is
        reported in (a copy of) the context of this call reaches the waiters' listeners.
    """

    def __init__(self, start: Callable[[K, Cancellation], Future[T]]) -> None:
        self._start = start
        self._reset()
        _instances.add(self)

    def _reset(self) -> None:
        # Re-entrant, because the garbage collector may finalise a waiter of a dead event loop
        # (and so call `_leave`) while this very thread holds the lock.
        self._lock = threading.RLock()
        self._flights: dict[K, _Flight[T]] = {}

    async def result(self, key: K) -> T:
        """Wait, in an event loop, for the value of `key`."""
        flight, listener = self._join(key)
        wait = asyncio.wrap_future(flight.future)
        # A waiter that has given up does not look at how the computation ended, which asyncio
        # would report as an error that nobody has seen.
        wait.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        try:
            return await asyncio.shield(wait)
        finally:
            self._leave(key, flight, listener)

    def result_sync(self, key: K) -> T:
        """Wait, blocking the calling thread, for the value of `key`."""
        flight, listener = self._join(key)
        try:
            return flight.future.result()
        finally:
            self._leave(key, flight, listener)

    def _join(self, key: K) -> tuple[_Flight[T], ProgressListener | None]:
        listener = current_listener()
        with self._lock:
            known = self._flights.get(key)
            flight = known or _Flight()
            flight.waiters += 1
            if listener is not None:
                flight.listeners.append(listener)
            if known is None:
                self._launch(key, flight)
        return flight, listener

    def _launch(self, key: K, flight: _Flight[T]) -> None:
        if _exiting.is_set():
            msg = "the interpreter is exiting, no computation can start any more"
            raise RuntimeError(msg)
        with progress_listener(flight.tell):
            flight.future = self._start(key, flight.cancellation)
        self._flights[key] = flight
        # Nothing here that leads from the future back to itself: the result, a chunk or one that a
        # cluster keeps for it, would stay until the garbage collector comes by.
        flight.future.add_done_callback(partial(self._forget, key))

    def _leave(self, key: K, flight: _Flight[T], listener: ProgressListener | None) -> None:
        with self._lock:
            flight.waiters -= 1
            if listener is not None:
                flight.listeners.remove(listener)
            if flight.waiters or flight.future.done():
                return
            self._forget(key, flight.future)
        flight.future.cancel()
        flight.cancellation.cancel()

    def _forget(self, key: K, future: Future[T]) -> None:
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and flight.future is future:
                del self._flights[key]

    def _abandon(self) -> None:
        with self._lock:
            flights = list(self._flights.values())
        for flight in flights:
            flight.future.cancel()
            flight.cancellation.cancel()


_instances: weakref.WeakSet[SingleFlight[Any, Any]] = weakref.WeakSet()


def _reset_after_fork() -> None:
    # A forked child has no thread that would ever finish what was in flight in its parent.
    for instance in _instances:
        instance._reset()  # noqa: SLF001 - this module's own class


def _abandon_at_exit() -> None:
    # Python waits for the threads of a pool, which would go on computing what nobody will see.
    _exiting.set()
    for instance in list(_instances):
        instance._abandon()  # noqa: SLF001 - this module's own class


_exiting = threading.Event()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_after_fork)
# `atexit` is too late: it comes after the wait. What `concurrent.futures.thread` uses itself is
# private, but the same since Python 3.9. It runs what was registered last first, and that module,
# imported above, has registered its wait.
threading._register_atexit(_abandon_at_exit)  # type: ignore[attr-defined]  # noqa: SLF001 - see above
