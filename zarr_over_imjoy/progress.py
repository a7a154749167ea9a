"""What a page is told of the computations that it waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from generative_zarr import progress_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PATIENCE = 0.5
"""Seconds that a request waits before a word is said of it: most are answered by then."""
PERIOD = 0.2
"""Seconds from one word to the next."""
ANSWER = 10
"""Seconds that a page has to take a word in before it is held to be gone."""


@dataclass
class _Request:
    since: float = field(default_factory=time.monotonic)
    progress: tuple[float, float] | None = None


class ProgressTeller:
    """Tells one page, now and then, how far the computations are that it waits for.

    All methods belong to the event loop of the page. Progress may come from any thread.
    """

    def __init__(self) -> None:
        self._requests: dict[object, _Request] = {}
        self._lock = threading.Lock()
        self._changed: Callable[[list[dict[str, Any]]], Any] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._last: list[dict[str, Any]] = []

    async def listen(self, listener: Mapping[str, Any]) -> None:
        """Tell a page's object from now on: its function ``changed`` is called with a list."""
        self._changed = listener["changed"]

    @contextmanager
    def following(self, request: object) -> Iterator[None]:
        """Listen to what is computed for a request inside of the block."""
        report = partial(self._report, asyncio.get_running_loop(), request)
        with self._lock:
            self._requests[request] = _Request()
        try:
            with progress_listener(report):
                yield
        finally:
            with self._lock:
                self._requests.pop(request, None)
            if self._last:
                self._tell()

    def _report(
        self, loop: asyncio.AbstractEventLoop, request: object, done: float, total: float
    ) -> None:
        with self._lock:
            asked = self._requests.get(request)
            if asked is None or time.monotonic() < asked.since + PATIENCE:
                return
            asked.progress = (float(done), float(total))
        if self._telling is None:
            loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if self._changed is not None and self._telling is None:
            self._telling = asyncio.ensure_future(self._tell_all(self._changed))

    async def _tell_all(self, changed: Callable[[list[dict[str, Any]]], Any]) -> None:
        try:
            while (news := self._news()) != self._last:
                self._last = news
                async with asyncio.timeout(ANSWER):
                    await changed(news)
                await asyncio.sleep(PERIOD)
        except Exception:  # noqa: BLE001 # the page is gone, or wants to hear no more
            self._changed = None
        finally:
            self._telling = None

    def _news(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"id": request, "done": asked.progress[0], "total": asked.progress[1]}
                for request, asked in self._requests.items()
                if asked.progress is not None
            ]
