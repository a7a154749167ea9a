"""A superseded tile is not computed: from the page's cancelItems to the kernel's threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import pytest

from generative_zarr import current_cancellation
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from tests.fake_page import FakeBrowser, eventually
from zarr_over_imjoy import Viewer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Watched(MandelbrotStore):
    """Tiles wait for a gate, as if they were hard; what happens to each is written down."""

    def __init__(self) -> None:
        super().__init__(levels=40, tilesize=64)
        self.gate = threading.Event()
        self.started: list[int] = []
        self.stopped: list[int] = []
        self.finished: list[int] = []

    def tile(self, level: int, row: int, column: int) -> NDArray[Any]:
        if level == 39:  # the first picture, which the viewer reads while its page is loading
            return super().tile(level, row, column)
        self.started.append(level)
        cancellation = current_cancellation()
        while not self.gate.wait(0.001):
            if cancellation.flag[0]:
                self.stopped.append(level)
                raise CancelledError
        counts = super().tile(level, row, column)
        self.finished.append(level)
        return counts


@pytest.mark.parametrize("cached", [False, True])
async def test_after_ten_levels_only_the_last_is_computed(
    cached: bool,  # noqa: FBT001 # pytest's
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Watched()
    source: object = LRUStoreCache(store, 2**24) if cached else store
    viewer = Viewer([{"source": source}], url="https://example.org/viewer")
    configs: list[dict[str, Any]] = []

    def add_image(config: dict[str, Any]) -> str:
        configs.append(config)
        return "page-1"

    await FakeBrowser(viewer.window).open({"add_image": add_image})
    await eventually(lambda: configs)
    page = configs[0]["source"]
    passed, ids = [], iter(range(1, 1000))
    try:
        for level in range(38, 28, -1):
            requests = {next(ids): f"{level}/{row}.{column}" for row in (0, 1) for column in (0, 1)}
            passed += [
                asyncio.ensure_future(page.getItem(key, {"id": request}))
                for request, key in requests.items()
            ]
            # The kernel is at work on the first of them (if a thread is free) when the page moves.
            await eventually(lambda level=level: level in store.started)
            await page.cancelItems(list(requests))
        last = asyncio.ensure_future(page.getItem("28/0.0", {"id": next(ids)}))
        await eventually(lambda: 28 in store.started)
        assert await asyncio.gather(*passed) == [None] * 40
        store.gate.set()
        assert len(await last) == 64 * 64
    finally:
        store.gate.set()
        viewer.close()
    del last, passed
    gc.collect()
    assert caplog.records == []  # nothing of this is an error
    # What had begun was stopped, what had not was never begun, and one tile was finished.
    assert store.finished == [28]
    assert len(store.stopped) == len(store.started) - 1
    # No level is begun once the page has moved on from it.
    assert store.started == sorted(store.started, reverse=True)
