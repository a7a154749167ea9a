"""The viewer of ``mandelbrot serve``: a browser and no notebook."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from generative_zarr import LRUStoreCache
from imjoy_plugin import BUNDLED_VIEWER
from mandelbrot_store import MandelbrotStore
from tests.browser.notebook import ARTIFACTS
from zarr_http import listen, make_server, zarr_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PAINTED_MS = 60_000


@pytest.fixture
def served() -> Iterator[tuple[LRUStoreCache, str]]:
    store = LRUStoreCache(MandelbrotStore(tilesize=256, maxiter=200), 2**28)
    app = zarr_app(store, name="mandelbrot.zarr", page=BUNDLED_VIEWER)
    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server = make_server(app)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield store, address
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


def test_the_page_explores_the_store_without_a_notebook(served, page):
    store, address = served
    page.goto(address)
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
