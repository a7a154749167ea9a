"""A browser without a browser: pages that speak ImJoy RPC with a window, through widget messages.

`imjoy_rpc`'s own RPC class plays the page, as npm's imjoy-rpc does in a real one. What passes is
serialised as the kernel's messages are: JSON, and the binary parts beside it.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

from imjoy_rpc.rpc import RPC
from imjoy_rpc.utils import ContextLocal, MessageEmitter
from ipywidgets.widgets.widget import _put_buffers, _remove_buffers

if TYPE_CHECKING:
    from collections.abc import Callable

    from imjoy_host import ImJoyWindow

SECONDS = 20


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds, whichever thread makes it so."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 # there is no event to wait for
            await asyncio.sleep(0.01)


class FakeBrowser:
    """All views of one window. Make it on the event loop of the test."""

    def __init__(self, window: ImJoyWindow) -> None:
        self.window = window
        self.pages: list[FakePage] = []
        self.problems: list[str] = []
        self.received: list[str] = []
        self.answers_roll_call = True
        self._loop = asyncio.get_running_loop()
        self._html: asyncio.Future[str] = self._loop.create_future()
        window.send = self._from_kernel

    async def open(self, exports: dict[str, Callable[..., object]] | None) -> FakePage:
        """Show the window once more, with a page that exports these functions (None: nothing)."""
        page = FakePage(self)
        self.pages.append(page)
        page.load(exports)
        if exports is not None:
            async with asyncio.timeout(SECONDS):
                await page.ready.wait()
        return page

    async def html(self) -> str:
        """Fetch the page's HTML."""
        self.to_kernel({"type": "page", "connection": "any"})
        async with asyncio.timeout(SECONDS):
            return await self._html

    def to_kernel(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Deliver a widget message as a kernel may: on a thread of its own."""
        content = json.loads(json.dumps(content))
        views = [memoryview(buffer) for buffer in buffers or []]
        arguments = (content, views)
        thread = threading.Thread(target=self.window._handle_custom_msg, args=arguments)
        thread.start()
        thread.join()

    def _from_kernel(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        content = json.loads(json.dumps(content))
        self._loop.call_soon_threadsafe(self._receive, content, list(map(bytes, buffers or [])))

    def _receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.received.append(content["type"])
        if content["type"] == "page":
            self._html.set_result(gzip.decompress(buffers[0]).decode())
        if content["type"] == "problem":
            self.problems.append(content["text"])
        for page in self.pages:
            if content["type"] == "roll call" and self.answers_roll_call:
                self.to_kernel({"type": "present", "connection": page.connection})
            if content.get("connection") == page.connection:
                page.receive(content, buffers)


class FakePage(MessageEmitter):
    """One view: an iframe and its connection."""

    _numbers = itertools.count()

    def __init__(self, browser: FakeBrowser) -> None:
        super().__init__()
        self.browser = browser
        self.connection = f"connection-{next(self._numbers)}"
        self.ready = asyncio.Event()
        self.reloads = 0
        self.peer_id = ""

    def load(self, exports: dict[str, Callable[..., object]] | None) -> None:
        """Load the document, again or for the first time."""
        self.off()
        self.ready.clear()
        self.exports = exports
        self.peer_id = f"peer-{next(self._numbers)}"
        self.rpc = RPC(self, ContextLocal(), {"name": "page"})
        if exports is not None:
            self.rpc.set_interface(exports)
        self.emit({"type": "initialized", "config": {}, "peer_id": self.peer_id})

    @property
    def host(self) -> Any:
        """What setupRPC() resolves to in a real page."""
        return self.rpc.get_remote()

    def emit(self, message: dict[str, Any]) -> None:
        plain, paths, buffers = _remove_buffers({"messages": [message]})
        paths = [path[1:] for path in paths]
        content = {"type": "rpc", "connection": self.connection, "paths": paths, **plain}
        self.browser.to_kernel(content, buffers)

    def receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if content["type"] == "reload":
            self.reloads += 1
            self.load(self.exports)
        if content["type"] == "rpc":
            messages = content["messages"]
            _put_buffers(messages, content["paths"], buffers)
            for message in messages:
                if message["type"] == "ready":
                    self.ready.set()
                elif message["peer_id"] == self.peer_id:
                    self._fire(message["type"], message)

    def disconnect(self) -> None:
        """RPC asks its connection for this."""

    def close(self) -> None:
        """Go away, and say so."""
        self.browser.to_kernel({"type": "closed", "connection": self.connection})
