"""Memory between what is kept is given back, now and then."""

import os
import sys

import numpy as np
import pytest
from numcodecs import Blosc

from generative_zarr import GenerativeStore, heap


class Columns(GenerativeStore):
    """Tiles of many values, except where the row is 0."""

    def tile(self, level, row, column):  # noqa: ARG002
        if row == 0:
            return np.broadcast_to(np.uint8(7), self.tile_shape)
        return np.full(self.tile_shape, column, "u1")


def test_memory_is_given_back_after_so_many_bytes_of_pixels(monkeypatch):
    calls = []
    monkeypatch.setattr(heap, "_malloc_trim", calls.append)
    monkeypatch.setattr(heap, "_since", 0)
    monkeypatch.setattr(heap, "EVERY", 4 * 64**2)
    store = Columns(levels=5, tilesize=64, dtype="u1", compressor=Blosc())
    for column in range(9):
        store[f"1/1.{column}"]
    assert len(calls) == 2
    for column in range(9):  # encoded once
        store[f"1/0.{column}"]
    assert len(calls) == 2


def test_where_the_c_library_cannot_all_is_as_ever(monkeypatch):
    monkeypatch.setattr(heap, "_malloc_trim", None)
    monkeypatch.setattr(heap, "EVERY", 1)
    store = Columns(levels=5, tilesize=64, dtype="u1", compressor=Blosc())
    assert (store.decode(store["1/1.3"]) == 3).all()


@pytest.mark.skipif(
    sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="not glibc"
)
def test_the_c_library_gives_memory_back():
    assert heap._malloc_trim is not None
    heap._malloc_trim(0)
