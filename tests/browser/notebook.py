"""A notebook in a real front end, as a person drives it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import nbformat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, FrameLocator, Locator, Route

    from tests.browser.server import Server

ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
LOAD_MS = 60_000
LOCAL_SCHEMES = {"data", "blob", "about"}
LOCAL_HOSTS = {"127.0.0.1", "localhost"}


class Notebook:
    """One browser tab with one notebook, in JupyterLab 4 or Notebook 7.

    Every request that leaves the machine is aborted and noted in `blocked`.

    Parameters
    ----------
    browser
        The browser to open a fresh context in.
    server
        The server whose front end shows the notebook.

    Attributes
    ----------
    page
        Playwright's page.
    blocked
        Addresses of the requests that were aborted.
    console
        Texts that the page wrote to the console as errors, with those of its frames.
    """

    def __init__(self, browser: Browser, server: Server) -> None:
        self.server = server
        self.blocked: list[str] = []
        self.console: list[str] = []
        self._path = ""
        self._context = browser.new_context(viewport={"width": 1280, "height": 900})
        self._context.route("**/*", self._local_only)
        self.page = self._context.new_page()
        self.page.on(
            "console", lambda line: line.type == "error" and self.console.append(line.text)
        )
        self.page.on("pageerror", lambda error: self.console.append(str(error)))

    def close(self) -> None:
        """Close the tab, and shut the notebook's kernels down."""
        self.page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        self._context.close()

    def stand_in(self, url: str, body: str | bytes, content_type: str) -> None:
        """Answer requests for an address outside of this machine; `url` may be a glob."""
        headers = {"Content-Type": content_type, "Access-Control-Allow-Origin": "*"}
        self._context.route(url, lambda route: route.fulfill(body=body, headers=headers))

    def write(self, cells: Sequence[str], name: str = "test.ipynb") -> str:
        """Write a notebook with these code cells on the server, and return its path there."""
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.server.root / name)
        return name

    def open(self, path: str) -> None:
        """Open the notebook at `path` (relative to the server's root) and wait for its kernel."""
        self._path = path
        # Without a reset, JupyterLab brings back the tabs of the test before, in front at times.
        self.page.goto(f"{self.server.page(path)}?reset", timeout=LOAD_MS)
        self._wait_until_loaded()

    def reload(self) -> None:
        """Save the notebook and reload the browser page; the kernel lives on."""
        self.command("docmanager:save")
        self.page.reload(timeout=LOAD_MS)
        self._wait_until_loaded()

    def command(self, name: str, *, wait: bool = True) -> None:
        """Execute a command of the front end; without `wait`, return at once."""
        call = "name => { const done = jupyterapp.commands.execute(name); %s }"
        self.page.evaluate(call % ("return done.then(() => null)" if wait else ""), name)

    def run_all(self, *, wait: bool = True) -> None:
        """Run all cells, and `wait` until the last one has ended."""
        self.command("notebook:run-all-cells", wait=wait)

    def run_cell(self, index: int, *, wait: bool = True) -> None:
        """Run one cell, and `wait` until it has ended."""
        self.select(index)
        self.command("notebook:run-cell", wait=wait)

    def select(self, index: int) -> None:
        """Make a cell the active one, and scroll to it (long notebooks are virtualised)."""
        self.page.evaluate(
            """async index => {
                const { content } = jupyterapp.shell.currentWidget;
                content.activeCellIndex = index;
                await content.scrollToItem(index, "auto");
            }""",
            index,
        )

    def restart_kernel(self) -> None:
        """Restart the kernel, and wait until it is idle again."""
        self._kernel("restart()")
        self.wait_until_idle()

    def shut_down_kernel(self) -> None:
        """Shut the kernel down; no other takes its place."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def wait_until_idle(self) -> None:
        """Wait until the kernel runs nothing."""
        self.page.wait_for_function(
            "() => 'idle' ==="
            " jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status",
            timeout=LOAD_MS,
        )

    def is_busy(self) -> bool:
        """Whether the kernel is running a cell."""
        return bool(
            self.page.evaluate(
                "() => jupyterapp.shell.currentWidget.content.widgets.some("
                "cell => cell.model.executionState === 'running')"
            )
        )

    def cell(self, index: int) -> Locator:
        """Return the cell with that index."""
        return self.page.locator(f".jp-Notebook [data-windowed-list-index='{index}']")

    def output(self, index: int) -> Locator:
        """Return the outputs of the cell with that index."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def text(self, index: int) -> str:
        """Return the text of a cell's outputs."""
        return "\n".join(self.output(index).all_inner_texts()).strip()

    def window(self, index: int) -> FrameLocator:
        """Return the page in the (first) ImJoy window of that cell's output."""
        return self.output(index).locator(".imjoy-window iframe").first.content_frame

    def notice(self, index: int) -> Locator:
        """Return the sentence shown above the ImJoy window of that cell's output."""
        return self.output(index).locator(".imjoy-notice")

    def screenshot(self, name: str) -> Path:
        """Save what the tab shows as ``test-artifacts/<name>-<front end>.png``."""
        ARTIFACTS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", name)
        path = ARTIFACTS / f"{name}-{self.server.front_end}.png"
        self.page.screenshot(path=path)
        return path

    def _kernel(self, call: str) -> None:
        kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        self.page.evaluate(f"async () => {{ await {kernel}.{call}; }}")

    def _wait_until_loaded(self) -> None:
        self.page.wait_for_function(
            """path => {
                const shown = window.jupyterapp?.shell?.currentWidget;
                return shown?.context?.path === path && shown.content?.widgets?.length > 0;
            }""",
            arg=self._path,
            timeout=LOAD_MS,
        )
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.ready")
        self.wait_until_idle()

    def _local_only(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in LOCAL_SCHEMES or address.hostname in LOCAL_HOSTS:
            route.continue_()
        else:
            self.blocked.append(route.request.url)
            route.abort()
