from __future__ import annotations

import asyncio
import io
import pickle
import sys
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from imjoy_plugin import Viewer
from tests.fake_page import FakeBrowser, eventually
from zarr_over_imjoy import Bookmark

URL = "https://example.org/viewer"
HOME = Bookmark("home", ("-0.75", "0.1"), "1e-3", b"\x89PNG thumbnail")
FAR = {"name": "far", "center": ["-1." + "2" * 300, "0"], "width": "1e-300"}


def png(text: str) -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("Location", text)
    file = io.BytesIO()
    Image.new("RGB", (3, 2), (1, 2, 3)).save(file, "png", pnginfo=texts)
    return file.getvalue()


class Page:
    """A page that keeps bookmarks and takes pictures."""

    def __init__(self) -> None:
        self.bookmarks: list[list[dict[str, Any]]] = []
        self.listener: Any = None

    def exports(self) -> dict[str, Any]:
        return {
            "add_image": lambda _: "image",
            "set_bookmarks": self.bookmarks.append,
            "on_bookmarks": lambda listener: setattr(self, "listener", listener),
            "screenshot": lambda: png("re: -0.75"),
        }


async def open_page(browser: FakeBrowser) -> Page:
    page = Page()
    await browser.open(page.exports())
    return page


async def test_a_page_is_given_the_bookmarks_and_gives_back_the_persons() -> None:
    viewer = Viewer(url=URL)
    viewer.bookmarks = [HOME, FAR]
    browser = FakeBrowser(viewer.window)
    first = await open_page(browser)
    await eventually(lambda: first.bookmarks)
    home, far = first.bookmarks[0]
    assert (home["name"], bytes(home["thumbnail"])) == ("home", HOME.thumbnail)
    assert far["center"][0] == FAR["center"][0]
    assert "thumbnail" not in far

    second = await open_page(browser)
    await eventually(lambda: second.bookmarks)
    await first.listener["changed"]([FAR])
    await eventually(lambda: len(second.bookmarks) == 2)
    assert viewer.bookmarks == [Bookmark("far", tuple(FAR["center"]), "1e-300")]
    assert [bookmark["name"] for bookmark in second.bookmarks[1]] == ["far"]
    assert len(first.bookmarks) == 1, "what a page says is not said back to it"


async def test_a_page_without_bookmarks_goes_without() -> None:
    viewer = Viewer(url=URL)
    viewer.bookmarks = [HOME]
    browser = FakeBrowser(viewer.window)
    await browser.open({"add_image": lambda _: "image"})
    assert viewer.bookmarks == [HOME]
    assert browser.problems == []


@pytest.mark.parametrize(
    "bookmarks",
    [
        None,
        "home",
        HOME.for_page(),
        ["home"],
        [{"name": "home"}],
        [{"name": "home", "center": [-0.75, 0.1], "width": "1"}],
        [FAR | {"thumbnail": "text"}],
    ],
)
def test_what_is_no_bookmark_is_refused(bookmarks: Any) -> None:
    viewer = Viewer(url=URL)
    with pytest.raises(TypeError, match=r"expected zarr_over_imjoy\.Bookmark objects"):
        viewer.bookmarks = bookmarks
    assert viewer.bookmarks == []


def test_a_bookmark_is_shown_as_its_picture_and_can_be_kept() -> None:
    assert HOME._repr_png_() == HOME.thumbnail
    assert Bookmark("bare", ("0", "0"), "1")._repr_png_() is None
    assert repr(HOME) == "Bookmark(name='home', center=('-0.75', '0.1'), width='1e-3')"
    assert pickle.loads(pickle.dumps(HOME)) == HOME  # noqa: S301 # our own


async def test_a_screenshot_is_a_picture_that_knows_where_it_was_taken() -> None:
    viewer = Viewer(url=URL)
    taken = viewer.screenshot()
    assert not taken.done()
    await open_page(FakeBrowser(viewer.window))
    image = await asyncio.wrap_future(taken)
    assert image.size == (3, 2)
    assert image.info["Location"] == "re: -0.75"


async def test_without_pillow_a_screenshot_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pillow"):
        await asyncio.wrap_future(Viewer(url=URL).screenshot())
