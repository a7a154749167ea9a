"""The real neuroglancer, as its Python package ships it, reads the store over HTTP."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from generative_zarr import LRUStoreCache
from mandelbrot_store import MandelbrotStore
from tests.browser.notebook import ARTIFACTS
from zarr_http import listen, make_server, zarr_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHADER = "void main() { emitGrayscale(float(toRaw(getDataValue())) / 50.0); }"


@pytest.mark.filterwarnings("ignore")  # its own
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_neuroglancer_shows_the_set(browser: Browser, zarr_format: int) -> None:
    neuroglancer = pytest.importorskip(
        "neuroglancer", reason="no neuroglancer: pip install --group readers"
    )
    store = LRUStoreCache(MandelbrotStore(9, 256, 200, zarr_format=zarr_format), 2**27)
    listener = listen("127.0.0.1", 0)
    server = make_server(zarr_app(store, name="set.zarr"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    page = browser.new_page(viewport={"width": 800, "height": 600})
    try:
        viewer = neuroglancer.Viewer()
        source = f"http://127.0.0.1:{listener.getsockname()[1]}/set.zarr|zarr{zarr_format}:"
        with viewer.txn() as state:
            state.layers["set"] = neuroglancer.ImageLayer(source=source, shader=SHADER)
            state.layout = "xy"
            state.cross_section_scale = 256
            state.show_axis_lines = False
        page.goto(viewer.get_viewer_url())

        def seen() -> np.ndarray:
            png = Image.open(io.BytesIO(page.screenshot()))
            return np.asarray(png.convert("L"))[100:560, 60:740]

        # The interior is white; its share of the picture is that of its 1.506 of 25 units of area.
        share = 1.506 / 25 * 512**2 / seen().size
        for _ in range(120):
            if abs(np.mean(seen() > 250) / share - 1) < 0.15:
                break
            page.wait_for_timeout(500)
        page.screenshot(path=ARTIFACTS / f"neuroglancer-{zarr_format}.png")
        assert abs(np.mean(seen() > 250) / share - 1) < 0.15
    finally:
        page.close()
        neuroglancer.stop()
        server.should_exit = True
        thread.join()
