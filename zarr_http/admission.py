"""How many requests may wait for a value at a time."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Admission", "RefusedError"]


class RefusedError(Exception):
    """A request came while as many as may wait were waiting.

    Attributes
    ----------
    status : int
        Of HTTP: 429 where the client itself has too many, 503 where all clients together have.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Admission:
    """Counts those who wait, in all and for each client. For one event loop.

    Parameters
    ----------
    most, most_per_client : int
        How many may wait at a time.
    """

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def admit(self, client: str) -> Iterator[None]:
        """Count a request of `client` as one that waits, inside the ``with`` statement.

        Raises
        ------
        RefusedError
            There are as many already as may be.
        """
        if self._waiting.total() >= self._most:
            msg = f"{self._most} requests are waiting already, as many as may; ask again later"
            raise RefusedError(503, msg)
        if self._waiting[client] >= self._most_per_client:
            msg = (
                f"{self._most_per_client} requests of yours are waiting already, as many as may; "
                "ask again when they are answered"
            )
            raise RefusedError(429, msg)
        self._waiting[client] += 1
        try:
            yield
        finally:
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client]
