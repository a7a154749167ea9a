"""The project as a person meets it: the notebook in real front ends, without a network."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from playwright.sync_api import expect

from imjoy_host.left_behind import SENTENCE
from mandelbrot_store import MandelbrotStore
from tests.browser.picture import Picture
from tests.browser.server import REPOSITORY

if TYPE_CHECKING:
    from tests.browser.notebook import Notebook

LONG = 60_000  # milliseconds
SIZE = 2**50  # level-0 pixels a side
INTERIOR = 255

# Notebook 7.6 logs this for any notebook, however plain.
NOTEBOOK_7_ITSELF = {"Cannot read properties of undefined (reading 'schema')"}

IMPORTS = """
import time
import zarr
from imjoy_plugin import run_vizarr
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from numcodecs import Blosc
store = LRUStoreCache(MandelbrotStore(compressor=Blosc()), max_size=2**28)
img = {"source": zarr.open(store, mode="r"), "name": "mandelbrot"}
"""
# One screen pixel per pixel of level 39, the whole set in view.
WHOLE = {"zoom": -40, "target": [SIZE / 2, SIZE / 2]}


@pytest.fixture(scope="session")
def levels() -> zarr.Group:
    """The data to compare with, computed in this process."""
    return zarr.open_group(MandelbrotStore(), mode="r")


def whole_set(notebook: Notebook, *more: str) -> Picture:
    """Open a notebook that shows the whole set in cell 1, run it, and wait for the picture."""
    notebook.open(notebook.write([IMPORTS, f"viewer = run_vizarr(img, {WHOLE})", *more]))
    notebook.run_cell(0)
    notebook.run_cell(1)
    picture = Picture(notebook, 1)
    picture.wait()
    return picture


def wheel(notebook: Notebook, picture: Picture, notches: int) -> None:
    """Turn the mouse wheel over the middle of the picture; up zooms in."""
    box = picture.root.bounding_box()
    assert box
    notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(abs(notches)):
        notebook.page.mouse.wheel(0, -120 if notches > 0 else 120)
        notebook.page.wait_for_timeout(60)


def test_the_notebook_runs_from_top_to_bottom(notebook: Notebook, levels: zarr.Group) -> None:
    shutil.copy(REPOSITORY / "notebooks" / "mandelbrot.ipynb", notebook.server.root)
    notebook.open("mandelbrot.ipynb")
    notebook.run_all()
    cells = notebook.page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets.map(c => c.model.sharedModel.source)"
    )
    shown = next(i for i, source in enumerate(cells) if "viewer = run_vizarr(img)" in source)
    picture = Picture(notebook, shown)
    picture.wait()
    notebook.screenshot("notebook")
    moved = next(source for source in cells if "viewer.set_view_state" in source)
    seahorse = complex(-0.7436, 0.1318)
    assert str(seahorse)[1:-1].split("+")[0] in moved
    view = {
        "zoom": -32,
        "target": [(seahorse.real + 2.5) / 5 * SIZE, (2.5 - seahorse.imag) / 5 * SIZE],
    }
    picture.expect_to_show(levels["32"], 32, view)

    second = next(i for i, source in enumerate(cells) if "second = run_vizarr" in source)
    Picture(notebook, second).wait()
    notebook.screenshot("notebook-end")
    # They are linked; that the second opened with the whole set has not moved the first.
    picture.wait()
    picture.expect_to_show(levels["32"], 32, view)
    assert notebook.blocked == []
    assert [line for line in notebook.console if line not in NOTEBOOK_7_ITSELF] == []


def test_inside_and_outside_are_where_they_belong(notebook: Notebook, levels: zarr.Group) -> None:
    picture = whole_set(notebook)
    notebook.screenshot("whole-set")
    picture.expect_to_show(levels["39"], 39, WHOLE)
    pixels = picture.pixels()
    height, width, _ = pixels.shape

    def colour(point: complex) -> np.ndarray:
        per_unit = SIZE / 5 * 2.0 ** WHOLE["zoom"]
        x, y = width / 2 + point.real * per_unit, height / 2 - point.imag * per_unit
        return pixels[int(y), int(x)].astype(int)

    inside = [colour(point) for point in (0, -1, -0.2 + 0.7j, -0.2 - 0.7j)]
    outside = [colour(point) for point in (0.6, -1.5 + 0.5j, 1j + 0.5, -1 - 1j)]
    assert np.ptp(inside, axis=0).max() <= 4
    assert max(map(sum, inside)) < min(map(sum, outside))


def test_few_calls_before_the_first_picture(notebook: Notebook) -> None:
    notebook.page.add_init_script(
        """window.calls = [];
        addEventListener("message", ({ data }) => data?.type === "method" && calls.push(data));"""
    )
    picture = whole_set(notebook)
    calls = notebook.page.evaluate("() => calls.map(({ name, args }) => [name, args?.[0]])")
    assert 5 <= len(calls) <= 8
    tiles = [str(key) for _, key in calls if str(key).startswith("39/")]
    assert sorted(tiles) == ["39/0.0", "39/0.1", "39/1.0", "39/1.1"]
    assert picture.count("requested") == 4


def test_the_wheel_brings_finer_tiles(notebook: Notebook, levels: zarr.Group) -> None:
    picture = whole_set(notebook, "print(viewer.view_state)")
    wheel(notebook, picture, 20)
    notebook.page.wait_for_timeout(1000)  # the view state is told when the camera has come to rest
    picture.wait()
    assert picture.count("requested") > 4
    notebook.run_cell(2)
    view = eval(notebook.text(2))  # noqa: S307 - a dict of numbers that our own kernel printed
    assert view["zoom"] > WHOLE["zoom"] + 2
    notebook.screenshot("zoomed-by-wheel")
    level = max(0, -round(view["zoom"] + 0.5 - 1e-9))
    picture.expect_to_show(levels[str(level)], level, view)


def test_tiles_arrive_while_a_cell_runs(notebook: Notebook) -> None:
    picture = whole_set(notebook, "time.sleep(20)")
    notebook.run_cell(2, wait=False)
    before = picture.count("loaded")
    wheel(notebook, picture, 20)
    expect(picture.root).not_to_have_attribute("data-loaded", str(before), timeout=10_000)
    picture.wait()
    assert picture.count("loaded") > before
    assert notebook.is_busy()


def test_running_the_cell_again_shows_it_again(notebook: Notebook, levels: zarr.Group) -> None:
    picture = whole_set(notebook)
    notebook.run_cell(1)
    picture.wait()
    expect(notebook.output(1).locator("iframe")).to_have_count(1)
    picture.expect_to_show(levels["39"], 39, WHOLE)


def test_two_windows_show_different_places(notebook: Notebook, levels: zarr.Group) -> None:
    view = {"zoom": -38, "target": [SIZE * 0.35, SIZE * 0.5]}
    first = whole_set(notebook, f"second = run_vizarr(img, {view})")
    notebook.run_cell(2)
    second = Picture(notebook, 2)
    second.wait()
    notebook.screenshot("two-windows")
    second.expect_to_show(levels["38"], 38, view)
    first.wait()
    first.expect_to_show(levels["39"], 39, WHOLE)


def test_after_a_kernel_restart_a_sentence_says_what_to_do(
    notebook: Notebook, levels: zarr.Group
) -> None:
    picture = whole_set(notebook)
    notebook.restart_kernel()
    expect(notebook.notice(1)).to_contain_text("Run this cell again", timeout=LONG)
    notebook.screenshot("restarted")
    # Nothing of the window is left in a page that is loaded now.
    notebook.reload()
    notebook.select(1)
    left_behind = notebook.output(1).get_by_text(SENTENCE)
    expect(left_behind).to_be_visible(timeout=LONG)
    notebook.screenshot("left behind")
    notebook.run_cell(0)
    notebook.run_cell(1)
    picture.wait()
    expect(notebook.notice(1)).to_be_hidden()
    expect(left_behind).to_be_hidden()
    picture.expect_to_show(levels["39"], 39, WHOLE)


def test_a_reloaded_page_shows_the_picture_again(notebook: Notebook, levels: zarr.Group) -> None:
    whole_set(notebook)
    notebook.reload()
    picture = Picture(notebook, 1)
    picture.wait()
    picture.expect_to_show(levels["39"], 39, WHOLE)


FAILING = """
import numpy as np
from generative_zarr import GenerativeStore

class Failing(GenerativeStore):
    working = False

    def tile(self, level, row, column):
        if (row, column) == (0, 1) and not Failing.working:
            raise OSError("the microscope is switched off")
        return np.full((self.tilesize, self.tilesize), 60 + 120 * column + 40 * row, self.dtype)

failing = Failing(levels=1, tilesize=512, dtype="uint8")
"""


def test_a_tile_that_fails_says_so_and_is_tried_again(notebook: Notebook) -> None:
    cells = [
        IMPORTS + FAILING,
        "run_vizarr({'source': zarr.open(failing, mode='r'), 'contrast_limits': [0, 255]})",
        "Failing.working = True",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    notebook.run_cell(1)
    picture = Picture(notebook, 1)
    notice = picture.root.get_by_text("the microscope is switched off")
    expect(notice).to_be_visible(timeout=LONG)
    notebook.screenshot("failed-tile")
    notebook.run_cell(2)
    expect(notice).to_be_hidden(timeout=LONG)
    picture.wait()
    pixels = picture.pixels()
    height, width, _ = pixels.shape
    corners = [
        int(pixels[height // 2 + dy, width // 2 + dx].mean())
        for dy in (-40, 40)
        for dx in (-40, 40)
    ]
    np.testing.assert_allclose(corners, [60, 180, 100, 220], atol=2)


def test_a_source_that_cannot_be_read_fails_at_the_call(notebook: Notebook) -> None:
    cells = [
        IMPORTS,
        "run_vizarr({'source': zarr.open_group(store, path='99', mode='r')})",
        "run_vizarr({'source': img['source'], 'colourmap': 'magma'})",
    ]
    notebook.open(notebook.write(cells))
    for cell in range(3):
        notebook.run_cell(cell)
    assert "GroupNotFoundError" in notebook.text(1)
    assert "TypeError" in notebook.text(2)
    assert "colormap" in notebook.text(2)


HEAVY = """
class Heavy(MandelbrotStore):
    def tile(self, *address):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            counts = super().tile(*address)
        return counts
"""


def test_another_clients_cell_does_not_wait_for_tiles(notebook: Notebook) -> None:
    """While tiles are computed, the kernel still runs cells at once."""
    view = {"zoom": -32, "target": [SIZE * 0.35128, SIZE * 0.47364]}
    cells = [
        IMPORTS + HEAVY,
        f"run_vizarr({{'source': zarr.open(Heavy(), mode='r')}}, {view})",
        "print(time.perf_counter_ns())",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    notebook.run_cell(1)
    picture = Picture(notebook, 1)
    expect(picture.root).to_have_attribute("data-state", "loading", timeout=LONG)
    notebook.run_cell(2)
    assert notebook.text(2).strip().isdigit()
    assert picture.root.get_attribute("data-state") == "loading"
