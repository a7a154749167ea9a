from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import zarr
from traitlets import link

import imjoy_plugin
from imjoy_host.left_behind import left_behind
from imjoy_plugin import Viewer, run_vizarr
from tests.fake_page import FakeBrowser, eventually
from zarr_over_imjoy import Location

URL = "https://example.org/viewer"


@pytest.fixture(autouse=True)
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    shown: list[object] = []
    monkeypatch.setattr(imjoy_plugin, "display", lambda what, **_: shown.append(what))
    return shown


@pytest.fixture
def group() -> zarr.Group:
    group = zarr.create_group(zarr.storage.MemoryStore(), path="p", zarr_format=2)
    group.create_array("0", data=np.arange(16, dtype="u1").reshape(4, 4), compressors=None)
    group.attrs["multiscales"] = [{"version": "0.4", "datasets": [{"path": "0"}]}]
    return group


class PageState:
    """What a page that exports the whole protocol was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.configs: list[dict[str, Any]] = []
        self.listener: Any = None
        self.palette_listener: Any = None
        self.reached: dict[str, Any] | None = None

    def add_image(self, config: dict[str, Any]) -> str:
        if config.get("name") == "bad":
            msg = "no such colormap"
            raise ValueError(msg)
        self.configs.append(config)
        self.calls.append(("add_image", config.get("name")))
        return f"page-{len(self.configs)}"

    def remove_image(self, image_id: str) -> None:
        self.calls.append(("remove_image", image_id))

    def update_image(self, image_id: str, changes: dict[str, Any]) -> None:
        self.calls.append(("update_image", image_id, dict(changes)))

    def set_view_state(self, state: dict[str, Any]) -> dict[str, Any] | None:
        self.calls.append(("set_view_state", dict(state)))
        return self.reached

    def go_to(self, location: dict[str, Any]) -> None:
        self.calls.append(("go_to", dict(location)))

    def on_palette(self, listener: Any) -> None:
        self.palette_listener = listener

    def on_view_state(self, listener: Any) -> None:
        self.listener = listener

    def exports(self, *names: str) -> dict[str, Any]:
        every = (
            *("add_image", "remove_image", "update_image"),
            *("set_view_state", "on_view_state", "go_to", "on_palette"),
        )
        return {name: getattr(self, name) for name in names or every}

    async def heard(self, *call: object) -> None:
        await eventually(lambda: call in self.calls)


async def show(viewer: Viewer, *names: str) -> tuple[FakeBrowser, PageState]:
    browser, state = FakeBrowser(viewer.window), PageState()
    await browser.open(state.exports(*names))
    return browser, state


def test_displays_the_window_once_and_returns_a_handle(displayed: list[object]) -> None:
    viewer = run_vizarr({"source": URL, "name": "far away"}, viewer=URL, height=300)
    assert displayed == [viewer.window, left_behind()]
    assert repr(viewer) == "<Viewer of 'far away'>"
    assert (viewer.window._url, viewer.window._height) == (URL, "300px")


def test_missing_bundled_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = imjoy_plugin.BUNDLED_VIEWER.with_name("missing.html")
    monkeypatch.setattr(imjoy_plugin, "BUNDLED_VIEWER", missing)
    with pytest.raises(FileNotFoundError, match=r"missing\.html: expected .*; run `pip install"):
        run_vizarr(URL)


@pytest.mark.parametrize("viewer", ["vizar", "ftp://a.org", ""])
def test_viewer_is_a_url(viewer: str) -> None:
    with pytest.raises(ValueError, match=f"viewer='{viewer}': expected None .*; for example https"):
        run_vizarr(URL, viewer=viewer)


@pytest.mark.parametrize(
    ("images", "view_state", "message"),
    [
        ({"source": URL, "colr": "FF0000"}, None, "did you mean 'color'"),
        ([{"source": URL}, {"name": "x"}], None, "has no 'source'"),
        ({"source": URL}, {"zoom": 1}, "expected {'zoom': number"),
        ([3], None, "source is 3"),
    ],
)
def test_wrong_input_is_refused_at_the_call(
    displayed: list[object], images: object, view_state: object, message: str
) -> None:
    with pytest.raises(TypeError) as refused:
        run_vizarr(images, view_state, viewer=URL)
    assert message in str(refused.value)
    assert displayed == []


async def test_page_reads_zarr_through_python(group: zarr.Group) -> None:
    viewer = run_vizarr([{"source": group, "name": "a"}, group["0"]], viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", None)
    source, array = (config["source"] for config in page.configs)
    assert (source["_rtype"], array["_rtype"]) == ("zarr-group", "zarr-array")
    assert b"multiscales" in await source.getItem(".zattrs", {"id": 1})
    assert await array.getItem("0.0") == bytes(range(16))
    assert await source.getItem("nothing") is None
    assert await source.containsItem("0/0.0") is True
    assert await source.cancelItems([5]) is None
    with pytest.raises(Exception, match="PermissionError: 'x' cannot be changed"):
        await source.setItem("x", b"")


async def test_changes_reach_the_page() -> None:
    viewer = run_vizarr({"source": URL, "name": "first"}, {"zoom": 0, "target": [1, 2]}, viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", "first")
    assert page.calls[0] == ("set_view_state", {"zoom": 0, "target": [1, 2]})
    second = viewer.add_image({"source": URL, "name": "second"})
    await page.heard("add_image", "second")
    viewer.update_image(second, opacity=0.5)
    await page.heard("update_image", "page-2", {"opacity": 0.5})
    viewer.remove_image(second)
    await page.heard("remove_image", "page-2")
    viewer.set_view_state({"zoom": 3, "target": [0, 0]})
    await page.heard("set_view_state", {"zoom": 3, "target": [0, 0]})
    assert viewer.images == {"image-0": "first"}
    assert len(page.calls) == 6


async def test_view_state_of_the_page_is_known_and_survives_a_reload() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    browser, page = await show(viewer)
    await page.heard("add_image", None)
    assert viewer.view_state is None
    await page.listener.changed({"zoom": -2.5, "target": [10, 20]})
    assert viewer.view_state == {"zoom": -2.5, "target": [10, 20]}
    page.calls.clear()
    browser.pages[0].load(page.exports())
    await page.heard("add_image", None)
    assert page.calls == [
        ("set_view_state", {"zoom": -2.5, "target": [10, 20]}),
        ("add_image", None),
    ]


DEEP = {"center": ["-0.75", "1" + "0" * 40 + "e-41"], "width": "1.25e-300"}
FAR = {"zoom": 300.5, "target": [1, 2], "center": ["-0.5", "0.1"], "width": "2e-80"}


def seen(viewer: Viewer, *names: str) -> list[object]:
    changes: list[object] = []
    viewer.observe(lambda change: changes.append(change["new"]), names=names)
    return changes


async def test_places_are_exact_in_both_directions() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", None)
    assert (viewer.location, viewer.center, viewer.width) == (None, None, None)
    page.reached = {"zoom": 300.5, "target": [1, 2], **DEEP}
    viewer.location = Location.check(DEEP["center"], DEEP["width"])
    sent = {"center": ["-0.75", "0.1" + "0" * 40], "width": "1.25E-300"}
    await page.heard("set_view_state", sent)
    await eventually(lambda: viewer.view_state == {"zoom": 300.5, "target": [1, 2]})
    assert viewer.center == (Decimal("-0.75"), Decimal("0.1"))
    assert viewer.width == Decimal("1.25e-300")

    page.reached = None
    changes = seen(viewer, "center", "width")
    await page.listener.changed(FAR)
    assert changes == [(Decimal("-0.5"), Decimal("0.1")), Decimal("2e-80")]
    assert page.calls[-1] == ("set_view_state", sent)  # nothing is told back
    viewer.width = "1e-90"
    await page.heard("set_view_state", {"center": ["-0.5", "0.1"], "width": "1E-90"})
    viewer.center = (0, "1.5")
    await page.heard("set_view_state", {"center": ["0", "1.5"], "width": "1E-90"})
    viewer.go_to("-1.25", 0, 0.5)
    await page.heard("go_to", {"center": ["-1.25", "0"], "width": "0.5"})
    assert viewer.location == Location.check(("-1.25", 0), 0.5)


async def test_a_place_told_with_other_digits_is_no_change() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", None)
    await page.listener.changed(FAR)
    changes = seen(viewer, "location", "center", "width")
    nearly = {"center": ["-0.5", "0.1" + "0" * 86 + "1"], "width": "2.0000001e-80"}
    await page.listener.changed(FAR | nearly)
    assert changes == []
    await page.listener.changed(FAR | {"width": "2.1e-80"})
    assert len(changes) == 2


async def test_two_lines_link_two_viewers() -> None:
    viewers = run_vizarr(URL, viewer=URL), run_vizarr(URL, viewer=URL)
    pages = [(await show(viewer))[1] for viewer in viewers]
    for page in pages:
        await page.heard("add_image", None)
        page.reached = FAR | {"zoom": 7.0}
    link((viewers[0], "location"), (viewers[1], "location"))
    await pages[0].listener.changed(FAR)
    await pages[1].heard("set_view_state", {"center": ["-0.5", "0.1"], "width": "2E-80"})
    back = FAR | {"center": ["0.25", "0.5"]}
    pages[0].reached = back | {"zoom": 9.0}
    await pages[1].listener.changed(back)
    await pages[0].heard("set_view_state", {"center": ["0.25", "0.5"], "width": "2E-80"})
    await eventually(lambda: viewers[0].view_state["zoom"] == 9.0)
    # One message each way, and then silence.
    assert [len(page.calls) for page in pages] == [2, 2]


async def test_a_page_that_opens_with_the_whole_image_moves_no_linked_viewer() -> None:
    viewers = run_vizarr(URL, viewer=URL), run_vizarr(URL, viewer=URL)
    first, second = [(await show(viewer))[1] for viewer in viewers]
    for page in first, second:
        await page.heard("add_image", None)
    link((viewers[0], "location"), (viewers[1], "location"))
    whole = {"zoom": -9, "target": [5, 5], "center": ["0", "0"], "width": "7", "fitted": True}
    changes = seen(viewers[0], "location")
    await second.listener.changed(whole)
    assert viewers[1].location == Location.check((0, 0), 7)  # it can be asked for
    assert (viewers[0].location, changes) == (None, [])
    await first.listener.changed(FAR)
    await second.heard("set_view_state", {"center": ["-0.5", "0.1"], "width": "2E-80"})
    await second.listener.changed(whole)  # on its way at that time
    assert viewers[1].location == viewers[0].location == Location.check(("-0.5", "0.1"), "2e-80")
    assert [len(page.calls) for page in (first, second)] == [1, 2]


async def test_views_of_one_viewer_follow_each_other() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    browser, first = await show(viewer)
    second = PageState()
    await browser.open(second.exports())
    await second.heard("add_image", None)
    await first.listener.changed(FAR)
    await second.heard("set_view_state", FAR)
    assert ("set_view_state", FAR) not in first.calls


async def test_palette_goes_both_ways() -> None:
    viewer = run_vizarr([{"source": URL, "name": "a"}, {"source": URL, "name": "b"}], viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", "b")
    viewer.palette = "viridis"
    await page.heard("update_image", "page-1", {"colormap": "viridis"})
    changes = seen(viewer, "palette")
    count = len(page.calls)
    await page.palette_listener.changed("twilight")
    assert (viewer.palette, changes) == ("twilight", ["twilight"])
    viewer.palette = "gray"
    await page.heard("update_image", "page-1", {"colormap": "gray"})
    assert len(page.calls) == count + 1


async def test_a_classic_page_cannot_look_at_an_exact_place() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    browser, page = await show(viewer, "add_image", "set_view_state")
    viewer.go_to(0, 0, 1)
    await eventually(lambda: browser.problems)
    assert "cannot look at an exact place" in browser.problems[0]
    assert "set_view_state" not in [name for name, *_ in page.calls]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("x", 0, 1), ValueError, r"center\[0\]='x': expected a finite decimal"),
        ((0, None, 1), TypeError, r"center\[1\]=None: expected a number; pass digits"),
        ((0, 0, 0), ValueError, "width=0: expected a number above 0"),
        ((0, 0, float("inf")), ValueError, "width=inf"),
    ],
)
def test_places_that_are_none_are_refused(
    arguments: tuple[object, object, object], error: type[Exception], message: str
) -> None:
    viewer = run_vizarr(URL, viewer=URL)
    with pytest.raises(error, match=message):
        viewer.go_to(*arguments)
    assert viewer.location is None


async def test_every_view_is_kept_up_to_date() -> None:
    viewer = run_vizarr([], viewer=URL)
    browser, first = await show(viewer)
    second = PageState()
    await browser.open(second.exports())
    viewer.add_image({"source": URL, "name": "late"})
    await first.heard("add_image", "late")
    await second.heard("add_image", "late")


async def test_what_a_classic_page_cannot_change_it_loads_again() -> None:
    viewer = run_vizarr([{"source": URL, "name": "a"}, {"source": URL, "name": "b"}], viewer=URL)
    browser, page = await show(viewer, "add_image", "set_view_state")
    await page.heard("add_image", "b")
    page.calls.clear()
    viewer.update_image("image-1", name="c")
    await page.heard("add_image", "c")
    assert page.calls == [("add_image", "a"), ("add_image", "c")]
    viewer.remove_image("image-0")
    await eventually(lambda: page.calls[2:] == [("add_image", "c")])
    assert browser.pages[0].reloads == 2


async def test_image_that_a_page_refuses_is_reported_and_the_others_shown() -> None:
    viewer = run_vizarr([{"source": URL, "name": "bad"}, {"source": URL, "name": "b"}], viewer=URL)
    browser, page = await show(viewer)
    await page.heard("add_image", "b")
    assert len(browser.problems) == 1
    assert browser.problems[0].startswith("'bad' cannot be shown.")
    assert "no such colormap" in browser.problems[0]


async def test_on_click_can_be_called_more_than_once() -> None:
    clicks: list[object] = []
    viewer = run_vizarr({"source": URL, "onClick": clicks.append}, viewer=URL)
    _, page = await show(viewer)
    await page.heard("add_image", None)
    for click in (1, 2):
        await page.configs[0]["onClick"](click)
    assert clicks == [1, 2]


def test_handle_refuses_what_it_does_not_know() -> None:
    viewer = run_vizarr(URL, viewer=URL)
    with pytest.raises(KeyError, match="no image 'x'"):
        viewer.remove_image("x")
    with pytest.raises(KeyError, match="no image 'x'"):
        viewer.update_image("x", name="y")
    with pytest.raises(TypeError, match="keeps its source"):
        viewer.update_image("image-0", source=URL)
    with pytest.raises(TypeError, match="did you mean 'opacity'"):
        viewer.update_image("image-0", opacty=1)
    viewer.close()
