"""From running the cell to the whole set on the screen: ``python -m benchmarks.first_paint``.

A real JupyterLab and headless Chromium, cut off from the network; medians over runs. Warm means
that the kernels' machine code is on disk already, cold that it is not. The clock starts when
JupyterLab is told to run the cell, and stops with the second animation frame after the viewer has
drawn every tile that it wants: the first one may come before the picture is on the screen.
"""

from __future__ import annotations

import gzip
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client import BlockingKernelClient
from playwright.sync_api import expect, sync_playwright

from tests.browser.chromium import launch_chromium
from tests.browser.notebook import Notebook
from tests.browser.picture import Picture
from tests.browser.server import REPOSITORY, Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RUNS = 5
ROUND_TRIPS = 40

SET_UP = """
import zarr
from imjoy_plugin import run_vizarr
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from numcodecs import Blosc
store = MandelbrotStore(levels=40, tilesize=1024, maxiter=255, compressor=Blosc())
store = LRUStoreCache(store, max_size=2**30)
img = {"source": zarr.open(store, mode="r"), "name": "mandelbrot"}
"""
HEAVY = """
import time

class Heavy(MandelbrotStore):
    def tile(self, *address):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            counts = super().tile(*address)
        return counts

side = 2**50
viewer = run_vizarr(
    {"source": zarr.open(Heavy(), mode="r")},
    {"zoom": -32, "target": [0.35128 * side, 0.47364 * side]},
)
"""
WATCH = """
window.calls = 0;
addEventListener("message", ({ data }) => { calls += data?.type === "method"; });
const now = () => performance.timeOrigin + performance.now();
new MutationObserver((_, observer) => {
    if (!document.querySelector("main.viewer[data-state=idle][data-complete=true]")) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = now(); }));
}).observe(document, { attributes: true, subtree: true, childList: true });
"""
"""Runs in every frame, before its own scripts."""

RUN = """() => {
    const begin = performance.timeOrigin + performance.now();
    jupyterapp.commands.execute("notebook:run-cell");
    return begin;
}"""
PAINTED = """async () => {
    while (!window.painted) await new Promise(requestAnimationFrame);
    return window.painted;
}"""


def first_paint(browser: Browser, server: Server) -> tuple[float, int]:
    """Return the seconds from running the last cell to the whole set, and the RPC calls made."""
    notebook = Notebook(browser, server)
    notebook.page.add_init_script(WATCH)
    notebook.open(notebook.write([SET_UP, "viewer = run_vizarr(img)"]))
    notebook.run_cell(0)
    notebook.select(1)
    begin = notebook.page.evaluate(RUN)
    done = "main.viewer[data-state=idle][data-complete=true]"
    root = notebook.window(1).locator(done)
    root.wait_for(timeout=60_000)
    painted = root.evaluate(PAINTED)
    seconds = (painted - begin) / 1e3
    calls = int(notebook.page.evaluate("() => calls"))
    notebook.close()
    return seconds, calls


def round_trips(client: BlockingKernelClient) -> list[float]:
    """Return the milliseconds that another client's cells took from request to reply."""
    times = []
    for _ in range(ROUND_TRIPS):
        begin = time.perf_counter()
        client.execute("pass", reply=True, timeout=60)
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def waiting(browser: Browser, server: Server, folder: Path) -> tuple[list[float], list[float]]:
    """Return the round trips of another client, the kernel idle and while it computes tiles."""
    notebook = Notebook(browser, server)
    notebook.open(notebook.write([SET_UP, HEAVY]))
    notebook.run_cell(0)
    kernel = notebook.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
    )
    connection = folder / "jupyter_runtime_dir" / f"kernel-{kernel}.json"
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    idle = round_trips(client)
    notebook.run_cell(1)
    picture = Picture(notebook, 1)
    expect(picture.root).to_have_attribute("data-state", "loading", timeout=60_000)
    busy = round_trips(client)
    if picture.root.get_attribute("data-state") != "loading":
        msg = "the tiles were computed before the measurement ended; lengthen HEAVY"
        raise RuntimeError(msg)
    client.stop_channels()
    notebook.close()
    return idle, busy


def main() -> None:
    """Measure and print."""
    page = (REPOSITORY / "imjoy_plugin.html").read_bytes()
    print(f"page: {len(gzip.compress(page)) / 1e6:.3f} MB compressed, {len(page) / 1e6:.2f} MB")
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        cold = []
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as name:
                os.environ["NUMBA_CACHE_DIR"] = str(Path(name) / "numba")
                with serve("lab", Path(name)) as server:
                    cold.append(first_paint(browser, server)[0])
        del os.environ["NUMBA_CACHE_DIR"]
        with tempfile.TemporaryDirectory() as name, serve("lab", Path(name)) as server:
            first_paint(browser, server)
            runs = [first_paint(browser, server) for _ in range(RUNS)]
            for label, times in (("warm", [seconds for seconds, _ in runs]), ("cold", cold)):
                shown = ", ".join(f"{seconds:.2f}" for seconds in times)
                median = statistics.median(times)
                print(f"cell to whole set, {label} JIT: median {median:.2f} s ({shown})")
            print(f"RPC calls before the first picture: {max(calls for _, calls in runs)}")
            idle, busy = waiting(browser, server, Path(name))
        browser.close()
    for label, times in (("idle kernel", idle), ("while tiles are computed", busy)):
        print(
            f"another client's cell, {label}: median {statistics.median(times):.1f} ms, "
            f"worst of {ROUND_TRIPS} {max(times):.1f} ms"
        )


if __name__ == "__main__":
    main()
