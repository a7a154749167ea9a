"""ImJoyWindow in real front ends, with an echo page built on npm's imjoy-rpc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.notebook import Notebook


SET_UP = """
import asyncio, time, zlib
from pathlib import Path
from imjoy_host import ImJoyWindow
page = Path({page!r})
"""


@pytest.fixture
def set_up(echo_page: Path) -> str:
    return SET_UP.format(page=str(echo_page))


def test_page_is_ready(notebook: Notebook, set_up: str) -> None:
    path = notebook.write([set_up + "window = ImJoyWindow(html=page); window"])
    notebook.open(path)
    notebook.run_all()
    expect(notebook.window(0).locator("#state")).to_have_text("ready")
    notebook.screenshot("echo")
