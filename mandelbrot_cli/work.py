"""Many pieces of work, a bounded number at a time, with their progress shown."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from mandelbrot_cli.errors import CommandError, need

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from mandelbrot_store import MandelbrotStore

__all__ = ["add_scheduler_option", "chunk", "computers", "do_all"]

T = TypeVar("T")

AHEAD = 3
"""Tiles asked for per processor: one is computed, one waits, one is on its way."""

CLUSTER_AHEAD = 8
"""The same for a thread of a Dask worker: more are on their way, because that takes some 10 ms."""


def add_scheduler_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that `computers` reads."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers compute the tiles; "
        "default: this machine's processors",
    )


@contextmanager
def computers(
    scheduler: str | None, patience: str = "10s"
) -> Iterator[tuple[Executor | None, int]]:
    """Yield an executor (None: the stores' own threads), and how many tiles to ask it for at once.

    Raises
    ------
    CommandError
        There is no scheduler at the address.
    """
    if scheduler is None:
        yield None, AHEAD * (os.cpu_count() or 1)
        return
    need("dask", "distributed")
    import distributed  # noqa: PLC0415 - an optional part

    try:
        client: Any = distributed.Client(scheduler, timeout=patience)  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler at {scheduler} ({error}); start one with `dask scheduler`"
        raise CommandError(msg) from error
    with client:
        client.wait_for_workers(1)
        yield client.get_executor(pure=False), CLUSTER_AHEAD * sum(client.nthreads().values())


async def do_all(items: Iterable[T], work: Callable[[T], Awaitable[None]], at_a_time: int) -> None:
    """Await ``work(item)`` for each item, `at_a_time` of them concurrently.

    Items are taken only when their turn comes. The first error, or cancellation, ends all.
    """
    running: set[asyncio.Task[None]] = set()
    try:
        for item in items:
            while len(running) >= at_a_time:
                running = await _after_some(running)
            running.add(asyncio.ensure_future(work(item)))
        while running:
            running = await _after_some(running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def chunk(store: MandelbrotStore, level: int, row: int, column: int) -> bytes:
    """Return the bytes of a tile's chunk."""
    from zarr.core.buffer import default_buffer_prototype  # noqa: PLC0415 - `--help` needs none of it

    key = store.chunk_key(level, row, column)
    buffer = await store.get(key, default_buffer_prototype())
    if buffer is None:
        raise AssertionError(key)  # unreachable: the tile is inside the pyramid
    return buffer.to_bytes()


async def _after_some(running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    done, still = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    try:
        for task in done:
            task.result()
    except BaseException:
        for task in still:
            task.cancel()
        raise
    return still
