from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import threading
import types
from typing import TYPE_CHECKING

import pytest
from imjoy_rpc.utils import FuturePromise

from imjoy_host import ImJoyWindow, Page, PageClosedError, window
from tests.fake_page import FakeBrowser, eventually

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

HTML = "<p>é</p>"


async def result(future: Future[object]) -> object:
    return await asyncio.wait_for(asyncio.wrap_future(future), 20)


async def test_page_is_sent_on_request_only() -> None:
    window = ImJoyWindow(html=HTML * 1000)
    state = window.get_state()
    assert len(state.pop("_esm")) > 1000
    assert HTML not in str(state)
    assert await FakeBrowser(window).html() == HTML * 1000


def test_page_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(HTML, encoding="utf-8")
    assert ImJoyWindow(html=file)._page_key == ImJoyWindow(html=HTML)._page_key
    with pytest.raises(FileNotFoundError, match="missing"):
        ImJoyWindow(html=tmp_path / "missing.html")


def test_html_or_url() -> None:
    assert ImJoyWindow(url="https://example.org")._page_key == ""
    with pytest.raises(TypeError, match="expected one"):
        ImJoyWindow()
    both = ImJoyWindow(html=HTML, url="https://example.org")  # the page in case of need
    assert both._page_key == ImJoyWindow(html=HTML)._page_key


@pytest.mark.parametrize(("height", "css"), [(300, "300px"), ("50vh", "50vh")])
def test_height(height: int | str, css: str) -> None:
    assert ImJoyWindow(html=HTML, height=height)._height == css


@pytest.mark.parametrize(
    ("height", "error"), [(0, ValueError), (-5, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_height_that_is_none(height: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"height={height}: expected pixels"):
        ImJoyWindow(html="", height=height)  # type: ignore[arg-type]


async def test_life_cycle_runs_in_order() -> None:
    steps = []

    async def on_page(page: Page) -> None:
        steps.append(("on_page", await page.call("add", 1, 2)))

    def run(context: object) -> None:
        steps.append(("run", context))

    window = ImJoyWindow(html=HTML, on_page=on_page)
    exports = {"setup": lambda: steps.append("setup"), "run": run, "add": lambda a, b: a + b}
    await FakeBrowser(window).open(exports)
    await eventually(lambda: len(steps) == 3)
    assert steps == ["setup", ("run", {"data": {}, "config": {}}), ("on_page", 3)]
    assert window.ready.result().exports == ["add", "run", "setup"]


async def test_calls_are_queued_until_the_page_is_ready() -> None:
    window = ImJoyWindow(html=HTML)
    future = window.call("double", b"xy")
    assert not future.done()
    await FakeBrowser(window).open({"double": lambda data: data * 2})
    assert await result(future) == b"xyxy"


async def test_binary_travels_beside_json() -> None:
    window = ImJoyWindow(html=HTML, api={"flip": lambda data: {"parts": [data["a"][::-1], b""]}})
    page = await FakeBrowser(window).open({})
    assert await page.host.flip({"a": b"\x00\xff"}) == {"parts": [b"\xff\x00", b""]}


async def test_calls_are_answered_out_of_order() -> None:
    go = threading.Event()
    later = asyncio.Event()

    async def wait_async() -> str:
        await later.wait()
        return "async"

    def open_all() -> str:
        go.set()
        return "first"

    def wait() -> str:
        return "sync" if go.wait(20) else "never"

    async def set_later() -> None:
        later.set()

    api = {"wait": wait, "wait_async": wait_async, "go": open_all, "later": set_later}
    page = await FakeBrowser(ImJoyWindow(html=HTML, api=api)).open({})
    waiting = asyncio.gather(page.host.wait(), page.host.wait_async())
    assert await page.host.go() == "first"
    await page.host.later()
    assert await waiting == ["sync", "async"]


async def test_a_call_that_has_been_answered_leaves_nothing_behind() -> None:
    def promises() -> int:
        gc.collect()
        return sum(type(thing) is FuturePromise for thing in gc.get_objects())

    def fail() -> None:
        raise ValueError

    window = ImJoyWindow(html=HTML)
    await FakeBrowser(window).open({"picture": lambda: b"large", "fail": fail})
    before = promises()
    for _ in range(10):
        await result(window.call("picture"))
        with pytest.raises(Exception, match="ValueError"):
            await result(window.call("fail"))
    # 20 calls; the log and the last exception may hold on to one or two.
    assert promises() < before + 5


async def test_errors_reach_the_other_side() -> None:
    def fail() -> None:
        msg = "no such tile"
        raise ValueError(msg)

    async def fail_async() -> None:
        fail()

    window = ImJoyWindow(html=HTML, api={"fail": fail, "fail_async": fail_async})
    page = await FakeBrowser(window).open({"fail": fail})
    for name in ("fail", "fail_async"):
        with pytest.raises(Exception, match=r"^ValueError: no such tile$"):
            await page.host[name]()
    with pytest.raises(Exception, match="no such tile"):
        await result(window.call("fail"))
    with pytest.raises(AttributeError, match="exports no 'other'; it exports fail"):
        await result(window.call("other"))


@pytest.mark.parametrize("name", ["log.__globals__.logger", "__class__", "log.__call__"])
async def test_a_page_reaches_exported_names_only(name: str) -> None:
    page = await FakeBrowser(ImJoyWindow(html=HTML)).open({})
    object_id = next(iter(page.rpc._object_weakmap.values()))
    method = page.rpc._gen_remote_method(None, name, object_id)
    with pytest.raises(Exception, match="is not a method of this interface"):
        await method()


async def test_second_view_and_its_end() -> None:
    window = ImJoyWindow(html=HTML)
    browser = FakeBrowser(window)
    first = await browser.open({"who": lambda: "first"})
    second = await browser.open({"who": lambda: "second"})
    assert await result(window.call("who")) == "second"
    second.close()
    assert await result(window.call("who")) == "first"
    first.close()
    with pytest.raises(PageClosedError, match="display it again"):
        await result(window.call("who"))


async def test_reloaded_document_starts_afresh() -> None:
    welcomed = []

    async def on_page(page: Page) -> None:
        welcomed.append(page)

    window = ImJoyWindow(html=HTML, on_page=on_page)
    never = asyncio.Event()
    page = await FakeBrowser(window).open({"wait": never.wait})
    unanswered = window.call("wait")
    await eventually(lambda: window.pages[0]._pending)
    page.load({"wait": lambda: "back"})
    await page.ready.wait()
    with pytest.raises(PageClosedError):
        await result(unanswered)
    assert await result(window.call("wait")) == "back"
    await eventually(lambda: len(welcomed) == 2)
    never.set()


async def test_what_a_closed_page_asked_for_is_cancelled() -> None:
    cancelled = threading.Event()
    started = threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(20)
        finally:
            cancelled.set()

    page = await FakeBrowser(ImJoyWindow(html=HTML, api={"work": work})).open({})
    page.host.work()
    await asyncio.to_thread(started.wait, 20)
    page.close()
    assert await asyncio.to_thread(cancelled.wait, 20)


async def test_repeated_messages_are_taken_once() -> None:
    welcomed = []

    async def on_page(page: Page) -> None:
        welcomed.append(page)

    browser = FakeBrowser(ImJoyWindow(html=HTML, on_page=on_page))
    page = await browser.open({"who": lambda: "me"})
    await browser.html()
    for _ in range(3):
        page.emit({"type": "initialized", "config": {}, "peer_id": page.peer_id})
        browser.to_kernel({"type": "page", "connection": "any"})
    assert await result(browser.window.call("who")) == "me"
    assert len(welcomed) == 1
    assert browser.received.count("page") == 1


async def test_unknown_connection_is_told_to_reload() -> None:
    window = ImJoyWindow(html=HTML)
    browser = FakeBrowser(window)
    page = await browser.open({"who": lambda: "me"})
    browser.to_kernel({"type": "closed", "connection": page.connection})
    page.host.log("still here")
    await eventually(lambda: page.reloads == 1)
    await page.ready.wait()
    assert await result(window.call("who")) == "me"


async def test_views_that_vanished_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "ROLL_CALL_SECONDS", 0.2)
    shown = ImJoyWindow(html=HTML)
    vanished = FakeBrowser(shown)
    await vanished.open({"who": lambda: "vanished"})
    assert "roll call" not in vanished.received  # there is nobody else to forget
    vanished.answers_roll_call = False
    browser = FakeBrowser(shown)  # the browser page was reloaded
    await browser.open({"who": lambda: "new"})
    await eventually(lambda: len(shown._pages) == 1)
    await asyncio.sleep(0.3)
    assert await result(shown.call("who")) == "new"


async def test_ping() -> None:
    browser = FakeBrowser(ImJoyWindow(html=HTML))
    browser.to_kernel({"type": "ping", "connection": "any"})
    await eventually(lambda: browser.received == ["pong"])


@pytest.mark.parametrize("step", ["setup", "on_page"])
async def test_failing_set_up_is_reported(step: str) -> None:
    def fail() -> None:
        msg = "out of order"
        raise RuntimeError(msg)

    async def on_page(page: Page) -> None:
        await page.call("fail")

    browser = FakeBrowser(ImJoyWindow(html=HTML, on_page=on_page))
    page = await browser.open(None)
    page.load({"fail": fail} | ({"setup": fail} if step == "setup" else {}))
    await eventually(lambda: browser.problems)
    assert "The page failed while it was set up" in browser.problems[0]
    assert "out of order" in browser.problems[0]


async def test_closing_ends_everything() -> None:
    window = ImJoyWindow(html=HTML)
    waiting = window.call("anything")
    window.close()
    with pytest.raises(PageClosedError, match="closed"):
        await result(waiting)


async def test_page_that_waits_for_initialization() -> None:
    browser = FakeBrowser(ImJoyWindow(html=HTML))
    page = await browser.open(None)
    replies = []
    page.on("initialize", replies.append)
    page.emit({"type": "imjoyRPCReady", "config": {"name": "old"}, "peer_id": page.peer_id})
    await eventually(lambda: replies)
    assert replies[0]["config"] == {"name": "old"}


async def test_page_messages_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="imjoy_host.window")
    page = await FakeBrowser(ImJoyWindow(html=HTML)).open({})
    await page.host.log("hello", 3)
    await page.host.error("bad")
    assert [record.getMessage() for record in caplog.records] == ["hello 3", "bad"]


def test_import_leaves_logging_alone() -> None:
    code = "import logging, imjoy_host; assert not logging.root.handlers, logging.root.handlers"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 # our own command


def test_colab_is_asked_for_its_widget_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    url = "https://ssl.gstatic.com/colaboratory-static/widgets/manager.js"
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: asked.append(True)
    output._widgets = types.SimpleNamespace(_installed_url=url)
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    bundle, metadata = ImJoyWindow(html=HTML)._repr_mimebundle_() or ({}, {})
    assert asked
    kind = "application/vnd.jupyter.widget-view+json"
    assert kind in bundle
    assert metadata == {kind: {"colab": {"custom_widget_manager": {"url": url}}}}
