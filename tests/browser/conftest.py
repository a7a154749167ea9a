"""Fixtures: real notebook front ends in headless Chromium, cut off from the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from mandelbrot_store import MandelbrotStore
from tests.browser.chromium import launch_chromium
from tests.browser.notebook import Notebook
from tests.browser.server import REPOSITORY, Server, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            # Software rendering on a busy machine can stall for seconds; a fault fails each time.
            item.add_marker(pytest.mark.flaky(reruns=2))


# Package scope: while Playwright's sync API runs, its event loop occupies the thread, and
# asynchronous tests of other folders could not run.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package", autouse=True)
def compiled_kernels() -> None:
    """Compile what the first picture needs: these tests wait for pictures, not for numba."""
    MandelbrotStore()["39/0.0"]


@pytest.fixture(scope="package", params=["lab", "notebook"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serve(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def notebook(browser: Browser, server: Server) -> Iterator[Notebook]:
    notebook = Notebook(browser, server)
    yield notebook
    notebook.close()


@pytest.fixture(scope="package")
def echo_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the echo page with npm's own imjoy-rpc inside."""
    library = REPOSITORY / "viewer/node_modules/imjoy-rpc/dist/imjoy-rpc.min.js"
    if not library.exists():
        pytest.fail(f"{library}: expected the npm package imjoy-rpc; run `npm ci` in viewer/")
    script = library.read_text().replace("</script", r"<\/script")
    page = tmp_path_factory.mktemp("pages") / "echo.html"
    page.write_text((HERE / "echo.html").read_text().replace("IMJOY_RPC;", script))
    return page
