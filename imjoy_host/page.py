"""One live page: the Python end of ImJoy RPC with one document in one iframe."""

from __future__ import annotations

import asyncio  # noqa: TC003 # false: see the import of imjoy_rpc
import inspect
import logging
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, cast

# Importing imjoy_rpc points the root logger to stdout, that is, into some cell's output. Whether
# and where to log is for the notebook's author to say.
_handlers = logging.root.handlers[:]
from imjoy_rpc.rpc import ALLOWED_MAGIC_METHODS, RPC  # noqa: E402
from imjoy_rpc.utils import (  # noqa: E402
    ContextLocal,
    MessageEmitter,
    ReferenceStore,
    dotdict,
)

logging.root.handlers[:] = _handlers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    Message = dict[str, Any]


class PageClosedError(ConnectionError):
    """The page went away (closed, reloaded, re-run) before it answered a call."""


class _References(ReferenceStore):  # type: ignore[misc] # imjoy_rpc ships no types
    """The functions that the page may call once; of the two of a promise, it calls one.

    imjoy_rpc (0.5.59) would keep the other one, and with it the answer, as long as the page.
    """

    def __init__(self) -> None:
        super().__init__()
        self._others: dict[str, str] = {}

    def pair(self, one: str, other: str) -> None:
        """Note that two ids are those of one promise."""
        self._others |= {one: other, other: one}

    def fetch(self, search_id: str) -> object:
        """Return a function by its id, or None; it is forgotten, and so is its counterpart."""
        if other := self._others.pop(search_id, None):
            del self._others[other], self._store[other]
        return cast("object", super().fetch(search_id))


class _RPC(RPC):  # type: ignore[misc] # imjoy_rpc ships no types
    """imjoy_rpc's RPC, answering every call in a task of its own, out of order."""

    def __init__(
        self, connection: Page, api: Mapping[str, object], codecs: Mapping[str, object]
    ) -> None:
        super().__init__(connection, ContextLocal(), {"name": "imjoy_host"}, codecs)
        self._store = _References()
        self._tasks: set[asyncio.Task[None]] = set()
        self.set_interface(dict(api))

    def note_promise(self, promise: Iterable[Mapping[str, str]]) -> None:
        """Note the two functions, as they were sent, one of which the page will call."""
        self._store.pair(*(function["_rvalue"] for function in promise))

    def cancel(self) -> None:
        """Cancel every call that the page still waits for."""
        for task in self._tasks:
            task.cancel()

    def _handle_method(self, data: Message) -> None:
        # RPC looks dotted names up with getattr: "getItem.__globals__.…" would reach all of Python
        # from inside the sandbox.
        name = str(data.get("name"))
        if any(
            part.startswith("_") for part in name.split(".") if part not in ALLOWED_MAGIC_METHODS
        ):
            msg = (
                f"{name!r} is not a method of this interface; expected a name without '_' in front"
            )
            if "promise" in data:
                self.unwrap(data["promise"], False)[1](PermissionError(msg))  # noqa: FBT003 # RPC's
            return
        super()._handle_method(data)

    def _call_method(  # the signature is RPC's
        self,
        method: Callable[..., object],
        args: list[object],
        kwargs: dict[str, object],
        resolve: Callable[[object], object] | None = None,
        reject: Callable[[Exception], object] | None = None,
        method_name: str | None = None,  # noqa: ARG002
    ) -> None:
        task = self.loop.create_task(
            self._answer(partial(method, *args, **kwargs), resolve, reject)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self,
        call: partial[object],
        resolve: Callable[[object], object] | None,
        reject: Callable[[Exception], object] | None,
    ) -> None:
        try:
            if inspect.iscoroutinefunction(call.func):
                result = await cast("Awaitable[object]", call())
            else:
                result = await self.loop.run_in_executor(None, copy_context().run, call)
                if inspect.isawaitable(result):
                    result = await result
        except Exception as error:  # noqa: BLE001 # whatever it is, the page is told
            if reject is not None:
                reject(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            if resolve is not None:
                resolve(result)


class Page(MessageEmitter):  # type: ignore[misc] # imjoy_rpc ships no types
    """A page that runs an ImJoy window plugin, as Python sees it.

    All methods but `call` belong to the host's event loop.

    Parameters
    ----------
    send
        Sends one RPC message to the page.
    api
        What the page gets from ``setupRPC``: names to functions.
    codecs
        ImJoy codecs, ``{"name", "type", "encoder"}`` each.
    on_ready
        Called (once for each document that loads) when the page has exported its interface.

    Attributes
    ----------
    is_ready : bool
        Whether the document has also been set up.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        *,
        api: Mapping[str, object],
        codecs: Iterable[Mapping[str, object]],
        on_ready: Callable[[Page], None],
    ) -> None:
        super().__init__()
        self.peer_id: str | None = None
        self.is_ready = False
        self._send = send
        self._api = api
        self._codecs = {str(codec["name"]): dotdict(codec) for codec in codecs}
        self._on_ready = on_ready
        self._rpc: _RPC | None = None
        self._pending: set[asyncio.Future[object]] = set()

    @property
    def exports(self) -> list[str]:
        """Names of the functions that the page exports."""
        interface = self._interface()
        return sorted(name for name in interface if callable(interface[name]))

    async def call(self, name: str, *args: object) -> object:
        """Call an exported function of the page and return its result.

        Raises
        ------
        AttributeError
            The page exports no such function.
        PageClosedError
            The page went away before it answered.
        Exception
            What the page's function threw, as text.
        """
        function = self._interface().get(name)
        if not callable(function):
            msg = f"the page exports no {name!r}; it exports {', '.join(self.exports) or 'nothing'}"
            raise AttributeError(msg)  # noqa: TRY004 # it is missing, not of a wrong type
        answer = function(*args)
        self._pending.add(answer)
        try:
            return await answer
        finally:
            self._pending.discard(answer)

    def receive(self, message: Message) -> None:
        """Take one message from the page."""
        if message["type"] == "imjoyRPCReady":  # a page that called waitForInitialization()
            reply = {"type": "initialize", "config": message.get("config") or {}}
            self._send(reply | {"peer_id": message.get("peer_id")})
        elif message["type"] == "initialized":
            if message["peer_id"] != self.peer_id:  # another document: nothing of before holds
                self.close()
                self._connect(message["peer_id"])
        else:
            self._fire(message["type"], message)

    def emit(self, message: Message) -> None:
        """Send one message of the RPC to the page."""
        if self._rpc is not None and "promise" in message:
            self._rpc.note_promise(message["promise"])
        self._send(message | {"peer_id": self.peer_id})

    def disconnect(self) -> None:
        """Do nothing: `close` ends a page, and RPC asks its connection for this method."""

    def close(self) -> None:
        """Forget the document: cancel what it asked for, fail what it was asked."""
        if self._rpc is not None:
            self._rpc.cancel()
        self._rpc = None
        self.is_ready = False
        self.off()
        for answer in self._pending.copy():
            if not answer.done():
                answer.set_exception(PageClosedError("the page was closed before it answered"))

    def _connect(self, peer_id: str) -> None:
        self.peer_id = peer_id
        rpc = self._rpc = _RPC(self, self._api, self._codecs)
        rpc.once("remoteReady", lambda _: self._on_ready(self))
        rpc.send_interface()
        rpc.request_remote()

    def _interface(self) -> dict[str, Any]:
        if self._rpc is None:
            msg = "the page was closed"
            raise PageClosedError(msg)
        return self._rpc.get_remote() or {}
