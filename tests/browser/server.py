"""A JupyterLab or Notebook 7 server of its own, in a temporary folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60

FrontEnd = Literal["lab", "notebook"]
APPLICATIONS = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
"""No question about news over the pictures."""


class Server(NamedTuple):
    """A running server."""

    front_end: FrontEnd
    url: str
    root: Path

    def page(self, path: str) -> str:
        """Return the address at which this front end shows the notebook at `path`."""
        return f"{self.url}/{'lab/tree' if self.front_end == 'lab' else 'notebooks'}/{path}"


@contextmanager
def serve(front_end: FrontEnd, folder: Path) -> Iterator[Server]:
    """Run a server for the notebooks under ``folder / "root"`` until the context ends."""
    root = folder / "root"
    root.mkdir()
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "jupyter", front_end, "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(
            f"--ServerApp.root_dir={root}",
            "--IdentityProvider.token=",
            "--ServerApp.log_level=WARN",
        ),
        f"--{APPLICATIONS[front_end]}.expose_app_in_browser=True",
    ]
    variables = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    folders = {name: str(folder / name.lower()) for name in variables}
    config = Path(folders["JUPYTER_CONFIG_DIR"]) / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(json.dumps(PAGE_CONFIG))
    python_path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | folders | {"PYTHONPATH": python_path}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 # our own command
            command, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(url, process, log)
        yield Server(front_end, url, root)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()  # noqa: S310 # ours
        except OSError:
            time.sleep(0.1)
        else:
            return
    msg = f"no answer from {url} in {START_SECONDS} s; its log ends\n{log.read_text()[-2000:]}"
    raise RuntimeError(msg)
