"""Other people's programs, from their registries, in place of the addresses that serve them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.browser.server import REPOSITORY

PEERS = REPOSITORY / "tests" / "peers"
VIEWER_PACKAGES = REPOSITORY / "viewer" / "node_modules"
STAND_INS = Path(__file__).parent / "stand_ins"


def npm_packages() -> Path:
    """Install the npm packages of ``tests/peers`` where they are not, and return their folder."""
    folder = PEERS / "node_modules"
    lock = PEERS / "package-lock.json"
    stamp = folder / "installed.json"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        run(tool("npm"), "ci", "--ignore-scripts", "--prefix", str(PEERS))
        shutil.copyfile(lock, stamp)
    return folder


def pip_target(folder: Path, requirement: str) -> Path:
    """Install one Python package, without what it needs, into a folder of its own."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder)]
    run(sys.executable, "-m", "pip", "install", *options, requirement)
    return folder


def bundle(stand_in: str, packages: Path) -> str:
    """Return a script of ``stand_ins`` as one module, with the npm packages it imports inside."""
    esbuild = VIEWER_PACKAGES / ".bin" / "esbuild"
    return run(
        str(esbuild),
        *("--bundle", "--format=esm", "--log-level=warning", str(STAND_INS / stand_in)),
        NODE_PATH=str(packages),
    )


def tool(name: str) -> str:
    """Return the path of a program of this environment."""
    return str(Path(sys.executable).with_name(name))


def run(*command: str, **variables: str) -> str:
    """Run a command and return what it prints; an error of it is the caller's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, **variables}
    result = subprocess.run(  # noqa: S603 # our own commands
        command, check=False, capture_output=True, text=True, env=environment
    )
    if result.returncode != 0:
        msg = f"{' '.join(command)} ended with status {result.returncode}:\n{result.stderr}"
        raise RuntimeError(msg)
    return result.stdout
