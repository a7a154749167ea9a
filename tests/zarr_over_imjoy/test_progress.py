from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from generative_zarr import GenerativeStore, LRUStoreCache, report_progress
from tests.fake_page import FakeBrowser, eventually
from zarr_over_imjoy import Viewer, encode_source, progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Slow(GenerativeStore):
    """Tiles of a thousand steps, each of which takes a while until the test lets go."""

    def __init__(self) -> None:
        super().__init__(levels=1, tilesize=4, dtype="u1", attributes={"x": 1})
        self.go = threading.Event()

    def tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:  # noqa: ARG002
        for done in range(1000):
            report_progress(done, 1000)
            if self.go.wait(0.002):
                break
        return np.full((4, 4), column, "u1")


class Page:
    """Remembers each list that it is told, and when."""

    def __init__(self) -> None:
        self.told: list[list[dict[str, Any]]] = []
        self.times: list[float] = []

    async def changed(self, reports: list[dict[str, Any]]) -> None:
        self.told.append([dict(report) for report in reports])
        self.times.append(time.monotonic())


@pytest.fixture
def store() -> Any:
    store = Slow()
    yield store
    store.go.set()


async def test_a_page_is_told_of_its_requests_until_they_are_answered(store: Slow) -> None:
    page = Page()
    source = encode_source(zarr.open(LRUStoreCache(store, 10**6), mode="r"))
    other = encode_source(zarr.open(store, mode="r"))
    await source["onProgress"]({"changed": page.changed})
    tile = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    of_other = asyncio.ensure_future(other["getItem"]("0/0.0", {"id": 8}))
    await eventually(lambda: len(page.told) > 3)
    assert [set(report) for report in page.told[0]] == [{"id", "done", "total"}]
    assert {report["id"] for reports in page.told for report in reports} == {7}
    done = [report["done"] for reports in page.told for report in reports]
    assert done == sorted(set(done))
    assert {report["total"] for report in page.told[0]} == {1000}
    # Not more often than a person can read.
    assert min(np.diff(page.times)) > progress.PERIOD * 0.9
    store.go.set()
    assert await tile == bytes([1] * 16)
    await eventually(lambda: page.told[-1] == [])
    await of_other


async def test_a_request_that_is_cancelled_is_no_longer_told_of(store: Slow) -> None:
    page = Page()
    source = encode_source(zarr.open(store, mode="r"))
    await source["onProgress"]({"changed": page.changed})
    tile = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    await eventually(lambda: page.told)
    await source["cancelItems"]([7])
    assert await tile is None
    await eventually(lambda: page.told[-1] == [])


async def test_nothing_is_said_of_what_is_soon_done(
    store: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 1000)
    page = Page()
    source = encode_source(zarr.open(store, mode="r"))
    await source["onProgress"]({"changed": page.changed})
    tile = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    await asyncio.sleep(0.1)
    store.go.set()
    await tile
    assert page.told == []


async def test_a_page_that_fails_is_told_no_more(store: Slow) -> None:
    calls = []

    async def changed(reports: object) -> None:
        calls.append(reports)
        msg = "gone"
        raise RuntimeError(msg)

    source = encode_source(zarr.open(store, mode="r"))
    await source["onProgress"]({"changed": changed})
    tile = asyncio.ensure_future(source["getItem"]("0/0.1", {"id": 7}))
    await eventually(lambda: calls)
    store.go.set()
    assert await tile == bytes([1] * 16)
    await asyncio.sleep(2 * progress.PERIOD)
    assert len(calls) == 1


async def test_over_imjoy_rpc(store: Slow) -> None:
    viewer = Viewer([{"source": store}], url="https://example.org/viewer")
    configs: list[dict[str, Any]] = []

    def add_image(config: dict[str, Any]) -> str:
        configs.append(config)
        return "page-1"

    await FakeBrowser(viewer.window).open({"add_image": add_image})
    await eventually(lambda: configs)
    source, page = configs[0]["source"], Page()
    await source.onProgress({"_rintf": True, "changed": page.changed})
    tile = asyncio.ensure_future(source.getItem("0/0.1", {"id": 3}))
    await eventually(lambda: len(page.told) > 1)
    assert [report["id"] for report in page.told[1]] == [3]
    store.go.set()
    assert await tile == bytes([1] * 16)
    await eventually(lambda: page.told[-1] == [])
    viewer.close()
