"""Messages that come close after one another travel together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imjoy_host import outbox
from imjoy_host.loop import submit

if TYPE_CHECKING:
    import pytest


def test_what_is_said_in_one_breath_travels_together_and_so_does_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "GATHERING", 0.5)  # longer than a busy machine's pauses
    sent: list[list[str]] = []

    async def put() -> None:
        box = outbox.Outbox(lambda batch: sent.append([message["type"] for message in batch]))
        for breath in ("ab", "c", "de"):
            for name in breath:
                box.put({"type": name})
            await asyncio.sleep(2 * outbox.TOGETHER)
        assert sent == [["a", "b"]]
        await asyncio.sleep(2 * outbox.GATHERING)
        box.put({"type": "later"})
        await asyncio.sleep(2 * outbox.GATHERING)

    submit(put()).result(timeout=10)
    assert sent == [["a", "b"], ["c", "d", "e"], ["later"]]
