"""A web server that slow clients cannot hold up."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from starlette.types import ASGIApp

__all__ = ["listen", "make_server"]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 stands for any that is free.

    Raises
    ------
    OSError
        The address cannot be had.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=512)


def make_server(
    app: ASGIApp,
    *,
    patience: float = 20,
    most_connections: int = 1000,
    access_log: bool = False,
    ready: Callable[[], Any] | None = None,
) -> uvicorn.Server:
    """Return a server for an application; ``run([listener])`` serves until it is told to end.

    SIGINT or SIGTERM tell it, or ``should_exit = True``. It then takes no more connections, and
    ends when what is under way is done, or after `patience`.

    Parameters
    ----------
    app
        An ASGI application.
    patience : float
        Seconds after which a client is cut off that has not sent its request, or has taken
        nothing of the answer.
    most_connections : int
        Clients connected at a time; more are answered 503.
    access_log : bool
        Whether to log each request.
    ready : callable, optional
        Called once connections are accepted.
    """
    config = uvicorn.Config(
        app,
        http=type("Protocol", (_ImpatientProtocol,), {"patience": patience}),
        ws="none",
        lifespan="off",
        access_log=access_log,
        log_level="info" if access_log else "warning",
        limit_concurrency=most_connections,
        timeout_keep_alive=max(1, int(patience)),
        timeout_graceful_shutdown=max(1, int(patience)),
        server_header=False,
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], Any] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None:
            self._ready()


class _ImpatientProtocol(H11Protocol):
    """Cuts off clients that neither send nor take anything: uvicorn itself waits for ever."""

    patience: float

    _deadline: asyncio.TimerHandle | None = None

    def _hurry(self) -> None:
        self._relax()
        self._deadline = self.loop.call_later(self.patience, self.transport.abort)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # An answer is written in several pieces: with Nagle's algorithm the last of them waits for
        # the client to acknowledge the others, 40 ms. asyncio turns it off only for sockets that
        # were made with the protocol's number, which those of `listen` are not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._hurry()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._relax()  # the request is here

    def on_response_complete(self) -> None:
        self._hurry()  # the next request, and whatever of this answer is still to be taken
        super().on_response_complete()  # may find the next request in what has come already
        if not self.cycle.response_complete:
            self._relax()

    def pause_writing(self) -> None:
        self._hurry()
        super().pause_writing()

    def resume_writing(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._relax()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)
