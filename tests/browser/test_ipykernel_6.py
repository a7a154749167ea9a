"""ipykernel 6, which delivers the page's messages between cells: the picture comes after them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
import zarr

from mandelbrot_store import MandelbrotStore
from tests.browser.peers import pip_target
from tests.browser.picture import Picture
from tests.browser.server import REPOSITORY, serve
from tests.browser.test_mandelbrot import IMPORTS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.notebook import Notebook
    from tests.browser.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    packages = pip_target(tmp_path_factory.mktemp("ipykernel"), "ipykernel<7")
    folder = tmp_path_factory.mktemp("jupyter")
    write_kernel(folder, packages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        with serve("lab", tmp_path_factory.mktemp("lab")) as server:
            yield server


def write_kernel(folder: Path, packages: Path) -> None:
    """Make the kernel "python3" one of the ipykernel that is in `packages`."""
    kernels = folder / "kernels" / "python3"
    kernels.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    python_path = os.pathsep.join(map(str, (packages, REPOSITORY)))
    spec = {
        "argv": command,
        "display_name": "ipykernel 6",
        "language": "python",
        "env": {"PYTHONPATH": python_path},
    }
    (kernels / "kernel.json").write_text(json.dumps(spec))


def test_the_picture_comes_and_the_handle_answers(notebook: Notebook) -> None:
    cells = [
        f"{IMPORTS}import ipykernel; print(ipykernel.version_info[0])",
        f"viewer = run_vizarr(img, {WHOLE})",
        "print(viewer.view_state['zoom'])",
    ]
    notebook.open(notebook.write(cells))
    notebook.run_all()
    assert notebook.text(0) == "6"
    picture = Picture(notebook, 1)
    picture.wait()
    picture.expect_to_show(zarr.open_group(MandelbrotStore(), mode="r")["39"], 39, WHOLE)
    assert float(notebook.text(2)) == WHOLE["zoom"]
    assert notebook.blocked == []
