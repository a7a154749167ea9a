"""The viewer of ``mandelbrot serve``: a browser and no notebook."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from generative_zarr import Channel, GenerativeStore, LRUStoreCache
from imjoy_plugin import BUNDLED_VIEWER
from mandelbrot_store import MandelbrotStore
from tests.browser.notebook import ARTIFACTS
from zarr_http import listen, make_server, zarr_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PAINTED_MS = 60_000


@contextmanager
def serving(store: LRUStoreCache) -> Iterator[str]:
    app = zarr_app(store, page=BUNDLED_VIEWER)
    listener = listen("127.0.0.1", 0)
    server = make_server(app)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 900, "height": 600})
    page.complaints = []
    page.on("console", lambda line: line.type == "error" and page.complaints.append(line.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    local = lambda route: (  # noqa: E731 - the one rule
        route.continue_() if urlsplit(route.request.url).hostname == "127.0.0.1" else route.abort()
    )
    page.route("**/*", local)
    yield page
    page.close()


def wait_for_picture(page: Page) -> None:
    root = page.locator("main.viewer")
    expect(root).to_have_attribute("data-state", "idle", timeout=PAINTED_MS)
    expect(root).to_have_attribute("data-complete", "true", timeout=PAINTED_MS)


def pixels(page: Page) -> np.ndarray:
    png = page.locator("canvas").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_the_page_explores_the_store_without_a_notebook(page):
    store = LRUStoreCache(MandelbrotStore(tilesize=256, maxiter=200), 2**28)
    with serving(store) as address:
        page.goto(address)
        explore(page, store)


def explore(page: Page, store: LRUStoreCache) -> None:
    wait_for_picture(page)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "serve.png")
    seen = pixels(page)
    height, width, _ = seen.shape
    # The set is dark, its surroundings are not, and it is symmetric about the real axis.
    middle, outside = seen[height // 2, width // 2], seen[height // 2, width - 200]
    assert middle.max() < 20
    assert outside.max() > 60
    rows = np.arange(100, height // 2 - 10)
    columns = slice(width // 2 - 150, width // 2 + 100)
    above, below = seen[rows, columns], seen[height - 1 - rows, columns]
    assert np.mean(np.abs(above - below).max(axis=-1) < 8) > 0.95

    # The same controls: turn the wheel, and finer tiles come.
    before = store.misses
    page.mouse.move(width / 2 - 100, height / 2)
    for _ in range(8):
        page.mouse.wheel(0, -300)
    page.wait_for_function("document.querySelector('main.viewer').dataset.state !== 'idle'")
    wait_for_picture(page)
    page.screenshot(path=ARTIFACTS / "serve-zoomed.png")
    assert store.misses > before
    assert page.locator("main.viewer").get_attribute("data-failed") == "0"
    assert page.complaints == []


class Stripes(GenerativeStore):
    """Four columns of tiles: in each of the first three one channel is bright, then two are."""

    def __init__(self) -> None:
        channels = [
            Channel("one", "FF0000", (0, 1000)),
            Channel("two", "00FF00", (500, 1500)),
            Channel("three", "0000FF", (0, 4000)),
            Channel("unseen", "FFFFFF", (0, 1), visible=False),
        ]
        super().__init__(levels=2, tilesize=256, dtype="uint16", channels=channels)

    def tile(self, level: int, row: int, column: int) -> np.ndarray:
        assert row < 2 ** (self.levels - level)
        stripe = column * 4 // 2 ** (self.levels - level)
        values = np.array(
            [(1000, 500, 0, 9), (0, 1500, 0, 9), (0, 0, 4000, 9), (500, 500, 4000, 9)]
        )
        tile = np.broadcast_to(values[stripe][:, None, None], self.tile_shape).copy()
        if level == 1:  # two stripes a tile
            tile[:, :, 128:] = values[stripe + 1][:, None, None]
        return tile.astype(self.dtype)


def test_several_channels_are_mixed_in_their_colours_and_limits(page):
    store = LRUStoreCache(Stripes(), 2**28)
    with serving(store) as address:
        page.goto(address)
        wait_for_picture(page)
        page.screenshot(path=ARTIFACTS / "channels.png")
        seen = pixels(page)
        height, width, _ = seen.shape
        colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 0, 255)]
        for stripe, colour in enumerate(colours):
            pixel = seen[height // 2, int(width / 2 + (stripe - 1.5) * height / 5)]
            assert np.abs(pixel - colour).max() <= 2, (stripe, pixel)
        assert page.complaints == []
    # One request for all channels of a tile.
    names = store.store.channels
    assert [channel.name for channel in names][:2] == ["one", "two"]
    assert store.hits + store.misses <= 4 + 4
