"""What a person keeps: bookmarks, pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PIL import Image

from tests.browser.picture import Picture
from tests.browser.test_mandelbrot import IMPORTS, WHOLE

if TYPE_CHECKING:
    from tests.browser.notebook import Notebook

PATIENCE = 60  # seconds
SHOW = f"viewer = run_vizarr(img, {WHOLE})"
TAKE = """
image = viewer.screenshot().result(20)
print(image.size, repr(image.info["Location"]))
print([(b.name, b.center, b.thumbnail[1:4]) for b in viewer.bookmarks])
"""
GIVE = "viewer.bookmarks = [*viewer.bookmarks, {'name': 'i', 'center': ['0', '1'], 'width': '1'}]"


def test_bookmarks_and_pictures_reach_the_notebook(notebook: Notebook) -> None:
    notebook.open(notebook.write([IMPORTS, SHOW, TAKE, GIVE]))
    notebook.run_cell(0)
    notebook.run_cell(1)
    picture = Picture(notebook, 1)
    picture.wait()
    picture.frame.locator(".stage").focus()
    notebook.page.keyboard.press("b")
    picture.frame.get_by_text("Kept as Place 1.").wait_for()

    notebook.run_cell(2)
    text = notebook.text(2)
    assert "'re: 0\\nim: 0\\nwidth: " in text
    assert "[('Place 1', ('0', '0'), b'PNG')]" in text

    notebook.run_cell(3)
    places = picture.frame.get_by_role("button", name="Places", exact=True)
    given = picture.frame.get_by_role("button", name="Go to i")
    end = time.monotonic() + PATIENCE
    while not given.is_visible():
        # A front end that scrolls may load the page again, and then the panel is closed.
        expanded = places.get_attribute("aria-expanded", timeout=PATIENCE * 1000)
        buttons = picture.frame.get_by_role("button").evaluate_all(
            "all => all.map(b => b.ariaLabel)"
        )
        assert time.monotonic() < end, (expanded, buttons, notebook.text(3), notebook.console)
        if expanded != "true":
            places.click()
        notebook.page.wait_for_timeout(200)
    notebook.screenshot("bookmarks")

    with notebook.page.expect_download() as download:
        picture.frame.get_by_role("button", name="Save PNG").click()
    with Image.open(download.value.path()) as saved:
        assert saved.info["Location"].startswith("re: 0\nim: 0\nwidth: ")
