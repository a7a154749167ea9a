"""ImJoyWindow in real front ends, with an echo page built on npm's imjoy-rpc."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.notebook import Notebook

SET_UP = """
import asyncio, threading, time, zlib
from pathlib import Path
from imjoy_host import ImJoyWindow
page = Path({page!r})

async def first(future, seconds=60):
    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
"""

MEGABYTES_8 = 8 * 2**20
LONG = 60_000  # milliseconds


@pytest.fixture
def set_up(echo_page: Path) -> str:
    return SET_UP.format(page=str(echo_page))


def expect_ready(notebook: Notebook, cell: int) -> None:
    expect(notebook.window(cell).locator("#state")).to_have_text("ready", timeout=LONG)


def test_binary_round_trip(notebook: Notebook, set_up: str) -> None:
    size = MEGABYTES_8
    cells = [
        set_up,
        "window = ImJoyWindow(html=page); window",
        f"""
data = bytes(i % 241 for i in range({size}))
there = await first(window.call('checksum', data))
back = await first(window.call('make', {size}))
print(there == zlib.adler32(data), back == bytes(i % 251 for i in range({size})))
""",
        "print(await first(window.call('echo', {'a': [b'xy', {'b': b''}], 'c': None})))",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_all()
    expect_ready(notebook, 1)
    assert "True True" in notebook.text(2)
    assert "{'a': [b'xy', {'b': b''}], 'c': None}" in notebook.text(3)
    assert notebook.blocked == []


def test_calls_are_answered_out_of_order_while_a_cell_runs(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up,
        """
go = threading.Event()
api = {'wait': lambda: go.wait(60), 'go': go.set, 'data': bytes}
window = ImJoyWindow(html=page, api=api)
window
""",
        "go.wait(60) and print('done')",
        "window.call('show', 'a call from a cell'); time.sleep(20)",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect_ready(notebook, 1)
    page = notebook.window(1).locator("body")

    # Cell 2 ends only if a call is answered while it runs, and 'wait' only if 'go' overtakes it.
    notebook.run_cell(2, wait=False)
    answers = page.evaluate(
        "() => Promise.all([hostApi.wait(), hostApi.go().then(() => 'overtook')])"
    )
    assert answers == [True, "overtook"]
    expect(notebook.output(2)).to_contain_text("done")

    notebook.run_cell(3, wait=False)
    expect(page.locator("#state")).to_have_text("a call from a cell")
    sizes = page.evaluate(
        """async () => {
            const answers = await Promise.all([1e3, 1e6, 0].map((n) => hostApi.data(n)));
            return answers.map((bytes) => [bytes.constructor.name, bytes.byteLength]);
        }"""
    )
    assert sizes == [["ArrayBuffer", 1000], ["ArrayBuffer", 1_000_000], ["ArrayBuffer", 0]]
    assert notebook.is_busy()


def test_first_contact_while_a_cell_runs(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "window = ImJoyWindow(html=page); window",
        "print(window.call('echo', 'heard').result(60))",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_all()  # cell 1 is queued before the window appears
    assert notebook.text(1) == "heard"


def test_errors_cross_in_both_directions(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "def fail():\n    raise ValueError('tile 3 is broken')\n"
        "window = ImJoyWindow(html=page, api={'failing': fail}); window",
        "print(window.call('fail').exception(30))",
        "print(window.call('nothing').exception(30))",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_all()
    assert "the page says no" in notebook.text(1)
    assert "exports no 'nothing'; it exports checksum, echo" in notebook.text(2)
    error = (
        notebook.window(0)
        .locator("body")
        .evaluate("() => hostApi.failing().then(() => null, (error) => String(error))")
    )
    assert error == "Error: ValueError: tile 3 is broken"


def test_the_page_cannot_reach_out_of_the_sandbox(notebook: Notebook, set_up: str) -> None:
    notebook.open(notebook.write([set_up + "window = ImJoyWindow(html=page); window"]))
    notebook.run_all()
    expect_ready(notebook, 0)
    page = notebook.window(0).locator("body")
    seen = "() => { try { return String(parent.document.title) } catch (e) { return e.name } }"
    assert page.evaluate(seen) == "SecurityError"


def test_messages_of_other_frames_are_not_relayed(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "heard = []\nwindow = ImJoyWindow(html=page, api={'hear': heard.append}); window",
        "print(heard)",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    expect_ready(notebook, 0)
    # A method message just like the page's own, but from the notebook's window.
    notebook.page.evaluate("() => window.postMessage({ type: 'initialized', peer_id: 'x' }, '*')")
    notebook.window(0).locator("body").evaluate("() => hostApi.hear('mine')")
    notebook.run_cell(1)
    assert notebook.text(1) == "['mine']"


def test_two_windows_and_two_views(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "a = ImJoyWindow(html=page, height=120); a",
        "b = ImJoyWindow(html=page, height=120); b",
        "a",
        "a.call('show', 'first'); b.call('show', 'second'); print(len(a.pages), len(b.pages))",
    ]
    notebook.open(notebook.write(cells))
    for cell in range(3):
        notebook.run_cell(cell)
        expect_ready(notebook, cell)
    notebook.run_cell(3)
    assert notebook.text(3) == "2 1"
    expect(notebook.window(1).locator("#state")).to_have_text("second")
    expect(notebook.window(2).locator("#state")).to_have_text("first")  # the newest view answers
    assert notebook.page.evaluate("() => imjoyHostPages.size") == 1
    notebook.screenshot("two-windows")


def test_restarted_kernel_is_said_and_mended(notebook: Notebook, set_up: str) -> None:
    cells = [set_up + "window = ImJoyWindow(html=page); window"]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    expect_ready(notebook, 0)
    notebook.restart_kernel()
    expect(notebook.notice(0)).to_contain_text("Run this cell again")
    notebook.screenshot("kernel-restarted")
    notebook.run_cell(0)
    expect_ready(notebook, 0)
    expect(notebook.notice(0)).to_be_hidden()


def test_reloaded_browser_page_reconnects(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "async def greet(page):\n    await page.call('show', 'state is back')\n"
        "window = ImJoyWindow(html=page, on_page=greet); window",
        "print(len(window.pages))",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_cell(0)
    for _ in range(2):
        expect(notebook.window(0).locator("#state")).to_have_text("state is back", timeout=LONG)
        notebook.run_cell(1)
        assert notebook.text(1) == "1"  # the document of before the reload is forgotten
        notebook.reload()


def test_dead_kernel_at_reload_is_said(notebook: Notebook, set_up: str) -> None:
    notebook.open(notebook.write([set_up + "window = ImJoyWindow(html=page); window"]))
    notebook.run_cell(0)
    expect_ready(notebook, 0)
    notebook.restart_kernel()
    notebook.reload()
    notebook.page.wait_for_timeout(3000)
    notebook.screenshot("dead-kernel-reload")
    assert re.search("model not found|Run this cell again|run this cell again", notebook.text(0))


def test_run_again_cell_closes_the_old_window(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up
        + "from ipywidgets import Widget\nfrom ipywidgets.widgets.widget import _instances\n",
        "window = ImJoyWindow(html=page); window",
        "print(sum(isinstance(w, ImJoyWindow) for w in _instances.values()))",
    ]
    notebook.open(notebook.write(cells))
    for _ in range(3):
        notebook.run_all()
        expect_ready(notebook, 1)
        assert notebook.text(2) == "1"


def test_silent_page_is_said_and_retried(notebook: Notebook, set_up: str) -> None:
    cells = [set_up + "ImJoyWindow(html='<p>no plugin</p>', timeout=1)"]
    notebook.open(notebook.write(cells))
    notebook.run_all()
    expect(notebook.notice(0)).to_contain_text("The page has not answered for 1 s")
    notebook.screenshot("silent-page")
    notebook.notice(0).get_by_role("button", name="Retry").click()
    expect(notebook.notice(0)).to_be_hidden()
    expect(notebook.notice(0)).to_contain_text("The page has not answered for 1 s")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/viewer", "https://example.org/viewer"])
def test_unreachable_url_is_said(notebook: Notebook, set_up: str, url: str) -> None:
    notebook.open(notebook.write([set_up + f"ImJoyWindow(url={url!r})"]))
    notebook.run_all()
    expect(notebook.notice(0)).to_contain_text(f"{url} cannot be reached")
    notebook.screenshot("unreachable")


def test_failing_set_up_is_said(notebook: Notebook, set_up: str) -> None:
    cells = [
        set_up + "async def greet(page):\n    await page.call('fail')\n"
        "ImJoyWindow(html=page, on_page=greet)"
    ]
    notebook.open(notebook.write(cells))
    notebook.run_all()
    expect(notebook.notice(0)).to_contain_text("the page says no")
