"""Find a browser, or install one; run as a script, print its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

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


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of a Chromium or Chrome: ``$CHROMIUM``, one on the path, Playwright's."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install_driver_libraries() -> None:
    """Install what Playwright's own Node needs and minimal Debian images lack."""
    if run([sys.executable, "-m", "playwright", "--version"]):
        return
    apt_get_install("libatomic1")


def install_chromium() -> None:
    """Install Playwright's Chromium with the libraries it needs, else the distribution's."""
    if not run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]):
        apt_get_install("chromium")


def apt_get_install(package: str) -> None:
    """Install a package of Debian or one of its children, where that can be done."""
    apt_get = [*([] if os.geteuid() == 0 else ["sudo"]), "apt-get", "-qq"]
    if run([*apt_get, "update"]):
        run([*apt_get, "install", "-y", package])


def run(command: list[str]) -> bool:
    """Run a command, with its output to stderr, and return whether it succeeded."""
    try:
        return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0  # noqa: S603 # ours
    except OSError as error:
        print(f"{command[0]} cannot be run: {error}", file=sys.stderr)  # noqa: T201 # ours
        return False


def provide_chromium(playwright: Playwright) -> str:
    """Return the path of a Chromium or Chrome, installing one where there is none."""
    path = find_chromium(playwright)
    if path is None:
        install_chromium()
        path = find_chromium(playwright)
    if path is None:
        msg = (
            f"none of {', '.join(NAMES)} and no {playwright.chromium.executable_path}; expected a "
            "Chromium or Chrome, and none could be installed: install one by hand, or set CHROMIUM "
            "to its path"
        )
        raise FileNotFoundError(msg)
    return path


def launch_chromium(playwright: Playwright, *flags: str) -> Browser:
    """Start the browser headless, with WebGL 2 in software, and with further flags."""
    return playwright.chromium.launch(
        executable_path=provide_chromium(playwright), args=[*ARGUMENTS, *flags]
    )


if __name__ == "__main__":
    install_driver_libraries()
    with sync_playwright() as playwright:
        print(provide_chromium(playwright))  # noqa: T201 # the answer
