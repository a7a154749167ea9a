"""A web application that answers for a Zarr store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import _get_loop

from zarr_http.admission import Admission, RefusedError
from zarr_http.byte_range import content_range, parse_range

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from os import PathLike

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send
    from zarr.abc.store import ByteRequest, Store

__all__ = ["zarr_app"]

T = TypeVar("T")

METADATA = frozenset({".zattrs", ".zgroup", ".zarray", ".zmetadata", "zarr.json"})
"""The last part of the keys of documents: small, never computed, and always admitted."""

LONGEST_KEY = 10_000
"""Characters. A tile 12 000 levels deep has two indices of 3613 digits."""

PIECE = 2**16
"""Bytes sent at a time: a client that takes none of them for long is cut off."""

RETRY_SECONDS = "2"
FOREVER = "public, max-age=31536000, immutable"
log = logging.getLogger("zarr_http")


def zarr_app(
    store: Store,
    *,
    name: str = "image.zarr",
    version: str | None = None,
    page: str | PathLike[str] | None = None,
    most_waiting: int = 256,
    most_waiting_per_client: int = 64,
) -> Starlette:
    """Return an ASGI application that serves a store.

    ``/NAME/KEY`` is the value of a key, to be asked for anew each time (which costs a few bytes
    when it is unchanged), and ``/VERSION/NAME/KEY`` the same value, to be kept for ever. GET and
    HEAD, byte ranges, ETags and requests of pages from elsewhere (CORS) are understood. Requests
    run concurrently in the event loop of Zarr; one whose client has gone is cancelled.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Of any kind; only read.
    name : str
        What the store is called in addresses.
    version : str, optional
        Stands for the bytes of all values: it has to differ whenever they do. Default: random, so
        that nothing is kept from one run of the server to the next.
    page : path, optional
        A viewer's page, served as ``/viewer.html`` (compressed: what is beside it with the suffix
        ``.gz``); ``/`` leads to it, and tells it in ``?source=`` where the store is, relative to
        the page.
    most_waiting, most_waiting_per_client : int
        Requests for chunks that may wait at a time, in all and from one address. Those beyond are
        answered 503 or 429, with ``Retry-After``. Requests for metadata are always admitted.

    Raises
    ------
    ValueError
        `name` or `version` cannot be part of an address.

    Returns
    -------
    starlette.applications.Starlette
        ``app.state.source`` is the path of the store's immutable address.
    """
    version = secrets.token_hex(8) if version is None else version
    for what, text in (("name", name), ("version", version)):
        if not re.fullmatch(r"[\w-][\w.-]*", text):
            msg = f"{what} is {text!r}, expected letters, digits, '.', '-' and '_'; rename it"
            raise ValueError(msg)
    source = f"{version}/{name}"
    admission = Admission(most_waiting, most_waiting_per_client)
    values = _Values(store, version, admission, "no-cache")
    routes = [
        Route(f"/{version}/{name}/{{key:path}}", values.keeping(FOREVER).answer),
        Route(f"/{name}/{{key:path}}", values.answer),
    ]
    if page is not None:
        html = partial(_html, Path(page))
        routes += [
            Route("/", RedirectResponse(f"viewer.html?source={source}"), methods=["GET"]),
            Route("/viewer.html", html, methods=["GET"], middleware=[Middleware(GZipMiddleware)]),
        ]
    cors = Middleware(
        _SameForAll,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        allow_headers=["Range", "If-None-Match", "If-Range", "Cache-Control", "Pragma"],
        allow_private_network=True,
        expose_headers=["Accept-Ranges", "Content-Range", "Content-Length", "ETag", "Retry-After"],
        max_age=86_400,
    )
    app = Starlette(routes=routes, middleware=[cors])
    app.state.source = source
    return app


class _SameForAll(CORSMiddleware):
    """Tells everybody that pages from anywhere may read the answer.

    Starlette tells only who comes with an origin, and then adds ``Vary: Origin``: a shared cache
    asks for each tile once for every page's origin, or, where it looks at no ``Vary`` as some
    networks do, gives pages an answer that they may not read.
    """

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:  # noqa: ARG002 - Starlette's signature
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            MutableHeaders(scope=message).update(self.simple_headers)
        await send(message)


async def _html(page: Path, request: Request) -> Response:
    """Answer with a page, as it was compressed beforehand where that lies beside it."""
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    packed = page.with_name(f"{page.name}.gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.exists():
        return FileResponse(
            packed, media_type="text/html", headers={**headers, "Content-Encoding": "gzip"}
        )
    return FileResponse(page, media_type="text/html", headers=headers)


class _Values:
    """Answers requests for the values of a store."""

    def __init__(self, store: Store, version: str, admission: Admission, keep: str) -> None:
        self._store = store
        self._version = version
        self._admission = admission
        self._keep = keep

    def keeping(self, keep: str) -> _Values:
        """Return the same with another word for caches."""
        return _Values(self._store, self._version, self._admission, keep)

    async def answer(self, request: Request) -> Response:
        key: str = request.path_params["key"]
        if len(key) > LONGEST_KEY:
            return _refusal(414, f"a key of {len(key)} characters, expected {LONGEST_KEY} at most")
        if not _is_key(key):
            return _refusal(404, "no such key: expected names between single slashes")
        try:
            return await _while_connected(request, self._value(request, key))
        except RefusedError as refusal:
            return _refusal(refusal.status, str(refusal), {"Retry-After": RETRY_SECONDS})
        except Exception:
            log.exception("reading %.200r", key)
            return _refusal(500, "this value could not be read; the server's log says why")

    async def _value(self, request: Request, key: str) -> Response:
        etag = f'"{self._version}"'
        headers = {"ETag": etag, "Cache-Control": self._keep, "Accept-Ranges": "bytes"}
        if _matches(request.headers.get("if-none-match"), etag):
            known = await _on_zarr_loop(self._store.exists(key))
            return Response(status_code=304, headers=headers) if known else _no_such(key)
        wanted = parse_range(request.headers.get("range"))
        if request.headers.get("if-range", etag) != etag or request.method == "HEAD":
            wanted = None
        if key.rpartition("/")[2] in METADATA:
            return await self._read(key, wanted, headers)
        client = request.client.host if request.client else ""
        with self._admission.admit(client):
            return await self._read(key, wanted, headers)

    async def _read(
        self, key: str, wanted: ByteRequest | None, headers: dict[str, str]
    ) -> Response:
        read = self._store.get(key, default_buffer_prototype(), wanted)
        if wanted is None:
            buffer = await _on_zarr_loop(read)
            return _no_such(key) if buffer is None else _Pieces(buffer.to_bytes(), 200, headers)
        # Together, so that a value that has to be computed for both is computed once.
        sizing = self._store.getsize(key)
        buffer, size = await _on_zarr_loop(_both(read, sizing))
        if size is None:
            return _no_such(key)
        part = content_range(wanted, size)
        if part is None or buffer is None:
            return _refusal(
                416, f"no such range of {size} bytes", {"Content-Range": f"bytes */{size}"}
            )
        start, end = part
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return _Pieces(buffer.to_bytes(), 206, headers)


async def _both(
    read: Coroutine[Any, Any, T], sizing: Coroutine[Any, Any, int]
) -> tuple[T | None, int | None]:
    """Await both; None stands for what is not there."""
    buffer, size = await asyncio.gather(read, sizing, return_exceptions=True)
    if isinstance(size, FileNotFoundError):
        return None, None
    for result in (buffer, size):
        if isinstance(result, BaseException):
            raise result
    return buffer, size


class _Pieces(Response):
    """Sends its body in pieces, each when the client has taken those before."""

    media_type = "application/octet-stream"

    def __init__(self, content: bytes, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(content, status_code, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        body = memoryview(self.body)
        for start in range(0, len(body) if scope["method"] != "HEAD" else 0, PIECE):
            piece = bytes(body[start : start + PIECE])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _on_zarr_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a store's coroutine where stores expect to run; cancelling reaches it."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, _get_loop()))


async def _while_connected(request: Request, answer: Coroutine[Any, Any, Response]) -> Response:
    """Await an answer, or cancel it as soon as its client has gone."""
    answering = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(_disconnection(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else Response(status_code=499)
    finally:
        for task in (answering, leaving):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await answering  # its place among those who wait is free only then


async def _disconnection(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _is_key(key: str) -> bool:
    """Whether a text can be a Zarr key: no way out of a folder, nothing a file system twists."""
    parts = key.split("/")
    return key.isprintable() and "\\" not in key and not {"", ".", ".."} & set(parts)


def _matches(header: str | None, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return etag in tags or tags == ["*"]


def _no_such(key: str) -> Response:
    return _refusal(404, f"no such key: {key:.100}")


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, {"Cache-Control": "no-store", **(headers or {})})
