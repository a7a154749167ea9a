"""Whether the kernel's memory has an end: ``python -m benchmarks.many_tiles [thousands]``.

A real kernel, and in the browser's place a program that speaks the viewer's messages. It asks for
tiles at random places of 70 levels and abandons a tenth of them, until all caches are full, and
then for as many again.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
import time
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_async_kernel

from benchmarks.flying import CACHE, KERNEL
from benchmarks.viewer import SET_UP, TILE
from tests.fake_page import FakePage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.asynchronous.client import AsyncKernelClient

PLACE = Fraction("-0.743643887037151"), Fraction("0.131825904205330")
LEVELS = -30, 39
REACH = 30
"""Tiles around the place that are asked for at a level, in each direction."""
TOGETHER = 8


class Front:
    """What a front end is to a kernel with one window."""

    def __init__(self, client: AsyncKernelClient) -> None:
        self._client = client
        self._comm = ""
        self._texts: defaultdict[str, str] = defaultdict(str)
        self._idle: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.page = FakePage(self)  # type: ignore[arg-type] # all that it uses is `to_kernel`
        self._listening = [asyncio.create_task(self._listen()), asyncio.create_task(self._drain())]

    def to_kernel(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a widget message."""
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": self._comm, "data": data})
        self._client.session.send(self._client.shell_channel.socket, message, buffers=buffers)

    async def run(self, code: str) -> str:
        """Run a cell and return what it printed."""
        run = self._client.execute(code)
        await self._idle[run].wait()
        return self._texts.pop(run, "")

    async def _drain(self) -> None:
        while True:
            await self._client.get_shell_msg()

    async def _listen(self) -> None:
        while True:
            message = await self._client.get_iopub_msg()
            content, parent = message["content"], message["parent_header"].get("msg_id")
            match message["msg_type"]:
                case "comm_open" if "_esm" in content["data"].get("state", {}):
                    self._comm = content["comm_id"]
                case "comm_msg" if content["comm_id"] == self._comm:
                    if content["data"]["method"] == "custom":
                        said = content["data"]["content"]
                        if said.get("connection") == self.page.connection:
                            self.page.receive(said, list(map(bytes, message["buffers"])))
                case "stream":
                    self._texts[parent] += content["text"]
                case "status" if content["execution_state"] == "idle":
                    self._idle[parent].set()


def keys() -> Iterator[str]:
    """Yield keys of chunks, the same every time."""
    chance = random.Random(1)  # noqa: S311 # not for secrets
    while True:
        level = chance.randint(*LEVELS)
        side = 2 ** (40 - level)
        column, row = (
            int((part + Fraction(5, 2)) / 5 * side) + chance.randint(-REACH, REACH)
            for part in (PLACE[0], -PLACE[1])
        )
        if 0 <= column < side and 0 <= row < side:
            yield f"{level}/{row}.{column}"


async def measure(front: Front, thousands: int) -> list[float]:
    """Ask for tiles; return megabytes of the kernel's process after each thousand."""
    source: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    await front.run(SET_UP.format(tile=TILE, cache=CACHE, height=600))
    front.page.load({"add_image": lambda config: source.set_result(config["source"])})
    remote = await source
    places, numbers = keys(), itertools.count()
    chance = random.Random(2)  # noqa: S311 # not for secrets

    async def ask(count: int) -> None:
        for _ in range(count):
            number = next(numbers)
            answer = remote["getItem"](next(places), {"id": number})
            if chance.random() < 0.1:  # noqa: PLR2004 # a tenth
                await asyncio.sleep(0.02 * chance.random())
                remote["cancelItems"]([number])
            await answer

    sizes, begin = [], time.monotonic()
    for thousand in range(1, thousands + 1):
        await asyncio.gather(*(ask(1000 // TOGETHER) for _ in range(TOGETHER)))
        kernel, cache, orbits = (int(text) / 2**20 for text in (await front.run(KERNEL)).split())
        sizes.append(kernel)
        print(
            f"{time.monotonic() - begin:4.0f} s: {thousand} 000 tiles, kernel {kernel:.0f}, cache "
            f"{cache:.0f}, orbits {orbits:.0f}, rest {kernel - cache - orbits:.0f} MB",
            flush=True,
        )
    return sizes


async def run(thousands: int) -> None:
    """Measure and print."""
    manager, client = await start_new_async_kernel()
    try:
        sizes = await measure(Front(client), thousands)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    quarter = len(sizes) // 4
    for name, part in (("third", sizes[2 * quarter : 3 * quarter]), ("last", sizes[3 * quarter :])):
        print(
            f"the {name} quarter: median {statistics.median(part):.0f} MB, {min(part):.0f} to "
            f"{max(part):.0f}"
        )


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
