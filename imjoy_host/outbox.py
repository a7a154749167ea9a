"""Messages for one page, sent together where they come close after one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imjoy_host.loop import host_loop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    Message = dict[str, Any]

GATHERING = 0.02
"""Seconds from one sending to the next: each widget message has its price on its whole way."""


class Outbox:
    """Sends the first message at once, and those that come right after it together.

    Belongs to the host's event loop.

    Parameters
    ----------
    send
        Sends messages, in their order.
    """

    def __init__(self, send: Callable[[list[Message]], None]) -> None:
        self._send = send
        self._waiting: list[Message] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0

    def put(self, message: Message) -> None:
        """Send a message, soon."""
        self._waiting.append(message)
        if self._timer is not None:
            return
        wait = self._next - host_loop().time()
        if wait > 0:
            self._timer = host_loop().call_later(wait, self.flush)
        else:
            self.flush()

    def flush(self) -> None:
        """Send everything now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        messages, self._waiting = self._waiting, []
        self._next = host_loop().time() + GATHERING
        self._send(messages)
