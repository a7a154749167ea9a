"""The notebook's output as Google Colab shows it: a frame elsewhere, and comms of its own."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
import zarr
from jupyter_client.manager import start_new_kernel

from mandelbrot_store import MandelbrotStore
from tests.browser.notebook import ARTIFACTS
from tests.browser.picture import Picture
from tests.browser.server import REPOSITORY
from tests.browser.test_mandelbrot import IMPORTS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient
    from playwright.sync_api import Browser, Page

OUTPUT = "https://output.colab.stand-in/"
SCRIPT = Path(__file__).parent / "stand_ins/colab.js"
WIDGET = "application/vnd.jupyter.widget-view+json"
LONG = 60

COLAB = """
import sys, types
output = types.ModuleType("google.colab.output")
output.enable_custom_widget_manager = lambda: None
output._widgets = types.SimpleNamespace(_installed_url="https://colab.stand-in/manager.js")
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.ModuleType("google.colab")
sys.modules["google.colab.output"] = output
"""


class Kernel:
    """A kernel, what it says, and the frame that shows the window."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.states: dict[str, dict[str, Any]] = {}
        self.shown: dict[str, Any] = {}
        self.page: Page | None = None
        self.comm = ""

    def listen(self, seconds: float = 0.05) -> str:
        """Take a message of the kernel; pass it on if it is for the window."""
        try:
            message = self.client.get_iopub_msg(timeout=seconds)
        except Empty:
            return ""
        content, kind = message["content"], str(message["msg_type"])
        assert kind != "error", "\n".join(content["traceback"])
        if kind == "comm_open":
            self.states[content["comm_id"]] = content["data"]["state"]
        elif kind == "display_data":
            self.shown = content
        elif kind == "comm_msg" and content["comm_id"] == self.comm and self.page is not None:
            buffers = [base64.b64encode(buffer).decode() for buffer in message["buffers"]]
            call = "([data, buffers]) => window.comm.receive(data, buffers)"
            self.page.evaluate(call, [content["data"], buffers])
        return content["execution_state"] if kind == "status" else kind

    def send(self, data: dict[str, Any], buffers: list[str]) -> None:
        """Send what the frame says."""
        session, socket = self.client.session, self.client.shell_channel.socket
        message = session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        session.send(socket, message, buffers=[base64.b64decode(text) for text in buffers])


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(cwd=str(REPOSITORY))
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_window_needs_nothing_but_colabs_comms(browser: Browser, kernel: Kernel) -> None:
    kernel.client.execute(f"{COLAB}{IMPORTS}viewer = run_vizarr(img, {WHOLE})")
    end = time.monotonic() + LONG
    while not kernel.shown:
        assert time.monotonic() < end
        kernel.listen()
    kernel.comm = kernel.shown["data"][WIDGET]["model_id"]
    manager = kernel.shown["metadata"][WIDGET]["colab"]["custom_widget_manager"]
    assert manager == {"url": "https://colab.stand-in/manager.js"}

    context = browser.new_context(viewport={"width": 900, "height": 650})
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    empty = "<!doctype html><body>"
    context.route("**/*", lambda route: route.fulfill(body=empty, content_type="text/html"))
    page = kernel.page = context.new_page()
    said: list[tuple[dict[str, Any], list[str]]] = []
    page.expose_function("toKernel", lambda data, buffers: said.append((data, buffers)))
    page.goto(OUTPUT)
    page.add_script_tag(content=SCRIPT.read_text("utf-8"))
    page.evaluate("(state) => void window.show(state)", kernel.states[kernel.comm])
    frame = page.frame_locator(".imjoy-window iframe")
    drawn = frame.locator("main.viewer[data-state=idle][data-complete=true]")
    while not drawn.count():
        assert time.monotonic() < end, page.inner_text("body")
        page.wait_for_timeout(20)
        while said:
            kernel.send(*said.pop(0))
        kernel.listen()
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "colab.png")
    assert [url for url in asked if not url.startswith(("data:", "blob:", "about:"))] == [OUTPUT]
    whole = zarr.open_group(MandelbrotStore(), mode="r")["39"]
    Picture(None, 0, frame).expect_to_show(whole, 39, WHOLE)
    context.close()
