"""The widget: an iframe in a notebook output, and the live pages behind its views."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

# Public in effect: the wire format of every widget message with binary parts.
from ipywidgets.widgets.widget import _put_buffers, _remove_buffers

from imjoy_host.cells import forget, note_shown
from imjoy_host.loop import call_soon, host_loop, submit
from imjoy_host.outbox import Outbox
from imjoy_host.page import Page, PageClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

logger = logging.getLogger(__name__)

ROLL_CALL_SECONDS = 30
"""How long a view has to answer a roll call; a background tab's timers fire once a second."""


class ImJoyWindow(anywidget.AnyWidget):
    """A notebook output that shows an ImJoy window plugin and speaks ImJoy RPC with it.

    The page runs in an iframe with ``sandbox="allow-scripts allow-downloads"``: it reaches neither
    the notebook nor its cookies. It is loaded once for each place the widget is shown, and again
    when the notebook page is reloaded; ``on_page`` runs each time, so that the page can be given
    its state.

    Calls from a page are answered concurrently and out of order: ``async`` functions on one event
    loop shared by all windows, others in a pool of threads.

    Parameters
    ----------
    html
        The page: HTML text, or the path of a file. Where there is the same name with ``.gz``
        behind it, that is taken for the file compressed, as web servers do.
    url
        The page's address. With `html` as well, that page is shown, with a sentence, when the
        address cannot be reached from the browser.
    api
        Functions that the page gets from ``imjoyRPC.setupRPC()``, by name.
    codecs
        ImJoy codecs: ``{"name": str, "type": type, "encoder": callable}`` each.
    on_page
        Awaited with each `Page` that has exported its interface, on the host's event loop.
        What it raises is shown in the output.
    height
        Pixels, or any CSS length.
    timeout
        Seconds after which a page (or kernel) that does not answer is reported in the output.

    Raises
    ------
    TypeError
        Neither `html` nor `url` is given; `height` is no number of pixels and no text.
    ValueError
        `height` is below 1.
    FileNotFoundError
        `html` is a path, and there is no such file.

    Examples
    --------
    >>> window = ImJoyWindow(html=page)                    # doctest: +SKIP
    >>> window                                             # doctest: +SKIP
    >>> window.call("add", 1, 2).result()                  # doctest: +SKIP
    3
    """

    _esm = Path(__file__).with_name("relay.js")
    _css = Path(__file__).with_name("relay.css")

    _page_key = traitlets.Unicode().tag(sync=True)
    _url = traitlets.Unicode().tag(sync=True)
    _height = traitlets.Unicode().tag(sync=True)
    _timeout = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        *,
        html: str | Path | None = None,
        url: str | None = None,
        api: Mapping[str, Callable[..., object]] | None = None,
        codecs: Iterable[Mapping[str, object]] = (),
        on_page: Callable[[Page], Awaitable[None]] | None = None,
        height: int | str = 600,
        timeout: float = 20,
    ) -> None:
        if html is None and url is None:
            msg = "html=None, url=None: expected one; pass the page or its address"
            raise TypeError(msg)
        packed = b"" if html is None else _packed(html)
        super().__init__(
            _page_key=hashlib.sha256(packed).hexdigest() if packed else "",
            _url=url or "",
            _height=_css_length(height),
            _timeout=float(timeout),
        )
        if self.comm is not None:
            # ipykernel 7.4 sends a comm's messages to the shell that used the comm last: after any
            # call in a cell, that is the one where cells run. The front end chooses better.
            self.comm._reply_subshell_for = None  # noqa: SLF001 # there is no public way
        self._page_gzip = packed
        self._api = {**_LOGGING_API, **(api or {})}
        self._codecs = list(codecs)
        self._on_page = on_page
        self._pages: dict[str, Page] = {}  # by connection, one for each view; the loop's own
        self._heard: dict[str, float] = {}  # loop time of each connection's last message
        self._served: set[str] = set()  # connections that were sent the page's HTML
        self._tasks: set[asyncio.Task[None]] = set()
        self.ready: Future[Page] = Future()
        self.on_msg(lambda _, content, buffers: call_soon(self._receive, content, buffers))

    @property
    def pages(self) -> list[Page]:
        """The pages that are ready, one for each view of the window, the newest last."""
        return [page for page in self._pages.values() if page.is_ready]

    def call(self, name: str, *args: object) -> Future[object]:
        """Call a function that the page exports; before the page is ready, queue the call.

        With several views the newest answers. Never wait for the result in a cell on ipykernel 6,
        where messages from the page are only delivered between cells.

        Returns
        -------
        Future
            The function's result. Raises what `Page.call` raises.
        """
        return submit(self._call(name, *args))

    def report(self, text: str) -> None:
        """Show a sentence above the page, in every view."""
        self.send({"type": "problem", "text": text})

    def reload(self, page: Page) -> None:
        """Load a page again; `on_page` is called with it when it is ready."""
        for connection, candidate in self._pages.items():
            if candidate is page:
                self.send({"type": "reload", "connection": connection})

    def close(self) -> None:
        """Take the window away: its pages, and its widget on both sides."""
        if hasattr(self, "_pages"):  # not when the constructor raised: widgets close in __del__
            forget(self)
            call_soon(self._drop_all)
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:  # noqa: ANN401 # IPython's
        note_shown(self)
        return super()._repr_mimebundle_(**kwargs)

    async def _call(self, name: str, *args: object) -> object:
        await asyncio.shield(asyncio.wrap_future(self.ready))
        if not (pages := self.pages):
            msg = f"{name!r} was not called: the window shows no page any more; display it again"
            raise PageClosedError(msg)
        return await pages[-1].call(name, *args)

    def _receive(self, content: dict[str, Any], buffers: list[memoryview]) -> None:
        connection = content.get("connection", "")
        if connection in self._pages:
            self._heard[connection] = host_loop().time()
        match content.get("type"):
            case "page" if connection not in self._served:  # views ask until they are answered
                self._served.add(connection)
                self.send({"type": "page", "key": self._page_key}, [self._page_gzip])
            case "rpc":
                messages = content["messages"]
                _put_buffers(messages, content["paths"], buffers)
                for message in messages:
                    self._relay(connection, message)
            case "ping":
                self.send({"type": "pong"})
            case "present":
                pass  # heard, which is all
            case "closed":
                self._drop(connection)

    def _relay(self, connection: str, message: dict[str, Any]) -> None:
        page = self._pages.get(connection)
        if page is None and message["type"] in {"initialized", "imjoyRPCReady"}:
            page = self._pages[connection] = self._new_page(connection)
            if len(self._pages) > 1:
                self._start(self._roll_call())
        if page is None:  # dropped at a roll call, or from before a restart of the kernel
            self.send({"type": "reload", "connection": connection})
        else:
            page.receive(message)

    def _new_page(self, connection: str) -> Page:
        def send(messages: list[dict[str, Any]]) -> None:
            plain, paths, buffers = _remove_buffers({"messages": messages})
            paths = [path[1:] for path in paths]
            self.send({"type": "rpc", "connection": connection, "paths": paths, **plain}, buffers)

        def on_ready(page: Page) -> None:
            self._start(self._set_up(page, outbox))

        outbox = Outbox(send)
        return Page(outbox.put, api=self._api, codecs=self._codecs, on_ready=on_ready)

    async def _set_up(self, page: Page, outbox: Outbox) -> None:
        """Run the plugin's life cycle, then hand the page to its owner."""
        try:
            for name, args in (("setup", ()), ("run", ({"data": {}, "config": {}},))):
                if name in page.exports:
                    await page.call(name, *args)
            page.is_ready = True
            outbox.put({"type": "ready"})
            if not self.ready.done():
                self.ready.set_result(page)
            if self._on_page is not None:
                await self._on_page(page)
        except PageClosedError:
            pass  # whatever closed it has told the view
        except Exception as error:
            logger.debug("setting up the page failed", exc_info=True)
            self.report(f"The page failed while it was set up. {error}")

    async def _roll_call(self) -> None:
        """Drop the pages whose browser tab went away without saying so."""
        asked = host_loop().time()
        self.send({"type": "roll call"})
        await asyncio.sleep(ROLL_CALL_SECONDS)
        for connection in list(self._pages):
            if self._heard.get(connection, asked) < asked:
                self._drop(connection)

    def _start(self, coroutine: Any) -> None:  # noqa: ANN401 # any coroutine
        task = host_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _drop(self, connection: str) -> None:
        self._heard.pop(connection, None)
        self._served.discard(connection)
        if page := self._pages.pop(connection, None):
            page.close()

    def _drop_all(self) -> None:
        for connection in list(self._pages):
            self._drop(connection)
        for task in self._tasks:
            task.cancel()
        if not self.ready.done():
            self.ready.set_exception(PageClosedError("the window was closed"))


def _css_length(height: object) -> str:
    if isinstance(height, str):
        return height
    if isinstance(height, bool) or not isinstance(height, int):
        kind: type[Exception] = TypeError
    elif height < 1:
        kind = ValueError
    else:
        return f"{height}px"
    msg = f"height={height!r}: expected pixels, an integer of at least 1, or a CSS length: '60vh'"
    raise kind(msg)


def _packed(html: str | Path) -> bytes:
    if isinstance(html, str):
        return gzip.compress(html.encode(), mtime=0)
    # To compress 3 MB takes a fifth of a second, in the cell that shows the window.
    packed = html.with_name(f"{html.name}.gz")
    return packed.read_bytes() if packed.exists() else gzip.compress(html.read_bytes(), mtime=0)


def _log(*args: object) -> None:
    logger.info("%s", " ".join(map(str, args)))


def _log_error(*args: object) -> None:
    logger.error("%s", " ".join(map(str, args)))


_LOGGING_API = {
    "log": _log,
    "error": _log_error,
    "alert": _log_error,
    "showMessage": _log,
    "showStatus": _log,
}
"""The part of ImJoy's core API that window plugins call without being asked to."""
