"""The one event loop on which every window's RPC runs, in a thread of its own.

A kernel delivers widget messages on its main thread (ipykernel 6) or on a subshell's (ipykernel 7).
Handing each to this loop makes the host independent of that, and keeps it answering while a cell
runs.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

T = TypeVar("T")

WORKERS = 32
"""Threads for the pages' calls of plain (not ``async``) functions; they mostly wait."""

_starting = threading.Lock()


@cache
def _start() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(WORKERS, thread_name_prefix="imjoy_host"))
    threading.Thread(target=loop.run_forever, name="imjoy_host", daemon=True).start()
    return loop


def host_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop; the first call starts it."""
    with _starting:
        return _start()


def call_soon(function: Callable[..., object], *args: object) -> None:
    """Run ``function(*args)`` on the host's loop, in the order of the calls; from any thread."""
    host_loop().call_soon_threadsafe(function, *args)


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the host's loop; from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, host_loop())
