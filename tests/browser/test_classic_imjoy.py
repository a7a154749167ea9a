"""The bundled viewer as a window of classic ImJoy: its JupyterLab extension and its core.

The extension comes from PyPI, the core and what it loads from npm, served in place of the CDNs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import zarr
from playwright.sync_api import expect

from mandelbrot_store import MandelbrotStore
from tests.browser.peers import npm_packages, pip_target
from tests.browser.picture import Picture
from tests.browser.server import serve
from tests.browser.test_mandelbrot import IMPORTS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.notebook import Notebook
    from tests.browser.server import Server

LONG = 60_000  # milliseconds
EXTENSION = "imjoy-jupyterlab-extension==0.2.6"
SERVED = {
    "https://cdn.jsdelivr.net/npm/vue@2.6.10/dist/vue.min.js": "vue/dist/vue.min.js",
    "https://imjoy-team.github.io/vue-js-modal/index.js": "vue-js-modal/dist/index.js",
    "https://imjoy-team.github.io/vue-js-modal/styles.css": "vue-js-modal/dist/styles.css",
    "https://cdn.jsdelivr.net/npm/imjoy-core@*/dist/imjoy-core.min.js": (
        "imjoy-core/dist/imjoy-core.min.js"
    ),
    "https://cdn.jsdelivr.net/npm/imjoy-rpc@*/dist/imjoy-rpc.min.js": (
        "imjoy-rpc/dist/imjoy-rpc.min.js"
    ),
}
TYPES = {".js": "text/javascript", ".css": "text/css"}

# ImJoy's fork of this library is not on npm. It draws floating windows; ours is in the output.
VUE_WINDOW = """window.VueWindow = { install(Vue) {
  const template = "<div><slot/></div>";
  Vue.component("hsc-window", { template });
  Vue.component("hsc-window-style-material", { template });
} };"""


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch
) -> Iterator[Server]:
    folder = pip_target(tmp_path_factory.mktemp("extension"), EXTENSION)
    monkeypatch_module.setenv("JUPYTER_PATH", str(folder / "share" / "jupyter"))
    with serve("lab", tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_the_bundled_viewer_is_an_imjoy_window(notebook: Notebook) -> None:
    packages = npm_packages()
    for address, path in SERVED.items():
        file = packages / path
        notebook.stand_in(address, file.read_bytes(), TYPES[file.suffix])
    notebook.stand_in(
        "https://cdn.jsdelivr.net/npm/@oeway/vue-window@*/**", VUE_WINDOW, TYPES[".js"]
    )
    more = (
        f"from imjoy import api\nfrom imjoy_plugin import Plugin\napi.export(Plugin(img, {WHOLE}))"
    )
    notebook.open(notebook.write([IMPORTS, more]))
    notebook.page.wait_for_function("() => window.connectPlugin", timeout=LONG)
    notebook.run_all()

    # The loader of the page's address has a frame of its own.
    window = (
        notebook.output(1).locator("iframe").first.content_frame.locator("iframe").content_frame
    )
    expect(window.locator("main.viewer")).to_have_attribute("data-complete", "true", timeout=LONG)
    picture = Picture(notebook, 1, window)
    picture.wait()
    levels = zarr.open_group(MandelbrotStore(), mode="r")
    picture.expect_to_show(levels["39"], 39, WHOLE)
    notebook.screenshot("classic-imjoy")
