"""Find a browser: a named one, an installed one, else Playwright's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

ARGUMENTS = [
    "--no-sandbox",  # containers have no user namespaces
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL 2 without a GPU
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]


def find_chromium(playwright: Playwright) -> str:
    """Return the path of a Chromium or Chrome: ``$CHROMIUM``, one on the path, Playwright's."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    msg = (
        f"none of {', '.join(NAMES)} and no {own}; expected a Chromium or Chrome: install one, "
        "run `playwright install chromium`, or set CHROMIUM to its path"
    )
    raise FileNotFoundError(msg)


def launch_chromium(playwright: Playwright) -> Browser:
    """Start the browser headless, with WebGL 2 in software."""
    return playwright.chromium.launch(executable_path=find_chromium(playwright), args=ARGUMENTS)
