"""`run_vizarr(…, viewer=…)`: upstream's viewers, old and new, by pages with their entry points.

Neither build is on a registry; what reads the store here is what reads it there, zarr.js 0.6 and
zarrita.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import zarr
from playwright.sync_api import expect

from imjoy_plugin import VIZARR, VIZARR_0_3
from mandelbrot_store import MandelbrotStore
from tests.browser.peers import VIEWER_PACKAGES, bundle, npm_packages
from tests.browser.picture import Picture
from tests.browser.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.notebook import Notebook
    from tests.browser.server import Server

LONG = 60_000  # milliseconds
IMPORTS = """
import zarr
from imjoy_plugin import VIZARR_0_3, run_vizarr
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from numcodecs import Blosc
store = LRUStoreCache(MandelbrotStore(levels=6, tilesize=256, compressor=Blosc()), max_size=2**28)
img = {"source": zarr.open(store, mode="r"), "name": "mandelbrot"}
"""
VIEW = {"zoom": -2, "target": [512, 256]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return JupyterLab only: the page inside the window is the same in every front end."""
    with serve("lab", tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    """What a reader finds in the coarsest level's first chunk."""
    chunk = zarr.open_array(MandelbrotStore(levels=6, tilesize=256), path="5", mode="r")[:256, :256]
    return {
        "name": "mandelbrot",
        "shape": [512, 512],
        "chunk": chunk[0, :4].tolist(),
        "total": int(chunk.sum()),
    }


def show(notebook: Notebook, viewer: str, *more: str) -> None:
    notebook.open(notebook.write([IMPORTS, f"viewer = run_vizarr(img, viewer={viewer})", *more]))
    notebook.run_all()


def test_a_classic_page_reads_with_zarr_js(notebook: Notebook, expected: dict[str, object]) -> None:
    script = bundle("classic.js", npm_packages()).replace("</script", r"<\/script")
    page = f'<!doctype html><main></main><script type="module">{script}</script>'
    notebook.stand_in(VIZARR_0_3, page, "text/html")
    show(notebook, "VIZARR_0_3", f"viewer.set_view_state({VIEW})")
    main = notebook.window(1).locator("main")
    notebook.window(1).locator("[data-image]").wait_for(state="attached", timeout=LONG)
    assert json.loads(main.get_attribute("data-image") or "") == expected | {"missing": False}
    assert json.loads(main.get_attribute("data-view") or "") == VIEW
    notebook.screenshot("classic-page")


def test_the_upstream_library_reads_with_zarrita(
    notebook: Notebook, expected: dict[str, object]
) -> None:
    notebook.stand_in(VIZARR, bundle("vizarr.js", VIEWER_PACKAGES), "text/javascript")
    show(
        notebook,
        "'vizarr'",
        f"viewer.set_view_state({VIEW})",
        "viewer.update_image('image-0', opacity=0.5)",
    )
    place = notebook.window(1).locator(".upstream[data-images*=opacity]")
    place.wait_for(state="attached", timeout=LONG)
    images = json.loads(place.get_attribute("data-images") or "")
    assert images == [expected | {"opacity": 0.5}]
    assert json.loads(place.get_attribute("data-view") or "") == VIEW
    assert place.get_attribute("data-menu-open") == "true"


@pytest.mark.parametrize("viewer", ["VIZARR_0_3", "'vizarr'"])
def test_what_cannot_be_reached_is_said_and_replaced(notebook: Notebook, viewer: str) -> None:
    show(notebook, viewer)
    Picture(notebook, 1).wait()
    # The relay says it of a page, the page of a module.
    window = notebook.window(1)
    sentence = notebook.notice(1) if viewer == "VIZARR_0_3" else window.get_by_role("alert").first
    expect(sentence).to_contain_text("so this is the")
    notebook.screenshot(f"unreachable-{viewer}")
