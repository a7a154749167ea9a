"""The real vizarr, as @galaxyproject/vizarr on npm builds it, reads the store over HTTP."""

from __future__ import annotations

import io
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mandelbrot_store import MandelbrotStore
from tests.browser.notebook import ARTIFACTS
from tests.browser.peers import npm_packages
from zarr_http import listen, make_server, zarr_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Page, Route

GALAXY = "http://galaxy.localhost"
JPX = "https://cdn.jsdelivr.net/gh/mozilla/pdf.js@30bd5f0/src/core/jpx.js"
LONG = 60_000  # milliseconds
LEVELS = 4


@contextmanager
def served(store: MandelbrotStore) -> Iterator[str]:
    """Serve a store on a port of this machine, and yield its address."""
    listener = listen("127.0.0.1", 0)
    server = make_server(zarr_app(store, name="set.zarr"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield "http://127.0.0.1:{1}/set.zarr".format(*listener.getsockname())
    finally:
        server.should_exit = True
        thread.join()


def open_galaxy(browser: Browser, source: str) -> Page:
    """Open the app as Galaxy does: the data set's name in its page, where it is from its API."""
    incoming = json.dumps({"root": f"{GALAXY}/", "visualization_config": {"dataset_id": "set"}})
    module = "data:text/javascript,export class JpxImage {}"
    page = f"""<!doctype html>
<script type="importmap">{json.dumps({"imports": {JPX: module}})}</script>
<div id="app" data-incoming='{incoming}' style="width: 800px; height: 800px"></div>
<script type="module" src="/index.js"></script>"""
    answers = {
        "/": (page, "text/html"),
        "/index.js": (
            (npm_packages() / "@galaxyproject/vizarr/static/index.js").read_text(),
            "text/javascript",
        ),
        "/api/datasets/set": (
            json.dumps({"name": "set", "state": "deferred", "sources": [{"source_uri": source}]}),
            "application/json",
        ),
    }

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(GALAXY)
        body, kind = answers.get(path, ("", "text/plain"))
        route.fulfill(body=body, headers={"Content-Type": kind}, status=200 if body else 404)

    context = browser.new_context(
        viewport={"width": 800, "height": 800}, permissions=["local-network-access"]
    )
    tab = context.new_page()
    tab.route(f"{GALAXY}/**", answer)
    tab.goto(f"{GALAXY}/")
    return tab


def test_the_real_vizarr_shows_the_set(browser: Browser) -> None:
    store = MandelbrotStore(levels=LEVELS, tilesize=512)
    with served(store) as address:
        tab = open_galaxy(browser, address)
        tab.locator("canvas").first.wait_for(timeout=LONG)
        for _ in range(80):  # it says nowhere that it has drawn
            pixels = np.asarray(Image.open(io.BytesIO(tab.screenshot())).convert("L"))
            if looks_right(pixels):
                break
            tab.wait_for_timeout(500)
        tab.screenshot(path=ARTIFACTS / "upstream-app.png")
        tab.context.close()
    assert looks_right(pixels)


def looks_right(pixels: NDArray[np.uint8]) -> bool:
    """Whether points of the set are white, others dark: the image is fitted into the window."""
    side = 7 / 8 * len(pixels)

    def value(point: complex) -> int:
        x, y = (point.real + 2.5) / 5 * side, (2.5 - point.imag) / 5 * side
        return int(pixels[int(y + len(pixels) / 16), int(x + len(pixels) / 16)])

    inside = [value(point) for point in (0, -1, -0.2 + 0.7j, -0.2 - 0.7j)]
    outside = [value(point) for point in (0.6, -1.5 + 0.5j, 0.5 + 1j, -1 - 1j, 2 + 2j, -2 - 2j)]
    return min(inside) > 200 and max(outside) < 60
