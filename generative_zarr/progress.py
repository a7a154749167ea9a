"""How far computations are: told by those who compute, heard by those who wait."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProgressListener", "current_listener", "progress_listener", "report_progress"]

ProgressListener = Callable[[float, float], object]
"""Called with what is done and what there is to do, in any unit that grows with time."""

_listener: ContextVar[ProgressListener | None] = ContextVar(
    "generative_zarr.progress", default=None
)


def report_progress(done: float, total: float) -> None:
    """Tell those who wait for the computation that the caller is part of how far it is.

    For computations that may take longer than a person likes to wait without a word. Calls cost
    little, but they are not for innermost loops. Outside of any computation nobody listens.

    Parameters
    ----------
    done, total : float
        What is done and what there is to do, in any unit that grows evenly with time. A
        computation of several parts may begin again, with another total.
    """
    listener = _listener.get()
    if listener is not None:
        listener(done, total)


def current_listener() -> ProgressListener | None:
    """Return who listens in this context, if anybody does."""
    return _listener.get()


@contextmanager
def progress_listener(listener: ProgressListener) -> Iterator[None]:
    """Have `listener` told how far the computations are that are waited for inside the block.

    It holds for reads of stores of this package, through whatever lies in between, as long as
    that is in the same context (tasks made in the block are). It is called from the threads that
    compute, and must neither block nor raise.

    Parameters
    ----------
    listener : callable ``(done, total)``
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
