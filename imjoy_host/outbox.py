"""Messages for one page, sent together where they come close after one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imjoy_host.loop import host_loop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    Message = dict[str, Any]

TOGETHER = 0.002
"""Seconds that the first message waits for those which are said in the same breath."""
GATHERING = 0.02
"""Seconds from one sending to the next: each widget message has its price on its whole way."""


class Outbox:
    """Sends messages together that come right after one another.

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
        wait = max(TOGETHER, self._next - host_loop().time())
        self._timer = host_loop().call_later(wait, self._flush)

    def _flush(self) -> None:
        self._timer = None
        messages, self._waiting = self._waiting, []
        self._next = host_loop().time() + GATHERING
        self._send(messages)
