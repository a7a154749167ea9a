"""Messages that come close after one another travel together."""

from __future__ import annotations

import asyncio
from typing import Any

from imjoy_host.loop import submit
from imjoy_host.outbox import GATHERING, Outbox


def sent_by(*messages: str, flush: bool = False) -> list[list[str]]:
    """Put messages into an outbox one right after the other; return what was sent in one go."""
    sent: list[list[str]] = []

    async def put() -> None:
        def send(batch: list[dict[str, Any]]) -> None:
            sent.append([message["type"] for message in batch])

        outbox = Outbox(send)
        for message in messages:
            outbox.put({"type": message})
        if flush:
            outbox.flush()
        else:
            await asyncio.sleep(5 * GATHERING)
            outbox.put({"type": "later"})

    submit(put()).result(timeout=10)
    return sent


def test_the_first_message_is_sent_at_once_and_the_next_ones_together() -> None:
    assert sent_by("a", "b", "c", "d") == [["a"], ["b", "c", "d"], ["later"]]


def test_what_waits_can_be_sent_now() -> None:
    assert sent_by("a", "b", flush=True) == [["a"], ["b"]]
    assert sent_by(flush=True) == []
