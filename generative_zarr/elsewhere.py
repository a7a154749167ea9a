"""Tiles that other processes compute: what goes to them, and what they do with it."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import cloudpickle

if TYPE_CHECKING:
    from generative_zarr.keys import Address
    from generative_zarr.store import GenerativeStore

__all__ = ["encoded_tile", "recipe"]

_STORES = 8
"""Stores that a process keeps ready: making one costs as much as a small tile."""


def recipe(store: GenerativeStore) -> bytes:
    """Return what another process makes an equal store of.

    Classes that it cannot import, such as a notebook's own, travel with it.
    """
    return cast("bytes", cloudpickle.dumps(store))


def encoded_tile(recipe: bytes, address: Address) -> bytes:
    """Compute a chunk of the store of a recipe: what an executor in another process runs."""
    return _store(recipe).encoded_tile(address)


@lru_cache(_STORES)
def _store(recipe: bytes) -> GenerativeStore:
    return cast("GenerativeStore", pickle.loads(recipe))  # noqa: S301 - from whoever may run code here anyway
