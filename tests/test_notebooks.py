"""The notebooks run as committed, without a front end; their set-up cell finds the project."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def test_is_committed_without_outputs(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_every_cell_runs(notebook):
    client = NotebookClient(
        notebook, timeout=240, resources={"metadata": {"path": str(ROOT / "notebooks")}}
    )
    client.execute()  # raises CellExecutionError for a cell that fails


def first_code(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_all_have_the_same_set_up_cell():
    assert len({first_code(path) for path in NOTEBOOKS}) == 1


@pytest.fixture
def set_up_cell() -> str:
    return first_code(NOTEBOOKS[0])


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An IPython shell, in a folder of its own, that records what `%pip` is asked to do."""
    monkeypatch.chdir(tmp_path)
    # Without the history there is no database and no thread that would outlive the test.
    monkeypatch.setattr(InteractiveShell, "init_history", lambda _: None)
    shell = InteractiveShell()
    shell.installed = []
    shell.register_magic_function(shell.installed.append, magic_name="pip")
    return shell


@pytest.fixture
def not_installed(monkeypatch):
    """Make the project look absent."""
    find_spec = importlib.util.find_spec
    ours = {"imjoy_plugin", "mandelbrot_store"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ours else find_spec(name)
    )


@pytest.fixture
def colab(monkeypatch):
    """Serve what Colab's Jupyter server says about the open notebook; yield a setter for it."""
    sessions: list[dict[str, str]] = []

    class Sessions(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(sessions).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Sessions)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("COLAB_JUPYTER_IP", "127.0.0.1")
    monkeypatch.setenv("KMP_TARGET_PORT", str(server.server_port))
    yield lambda path: sessions.append({"path": path})
    server.shutdown()
    thread.join()
    server.server_close()


def test_set_up_does_nothing_where_the_project_is_installed(shell, set_up_cell):
    shell.run_cell(set_up_cell).raise_error()
    assert shell.installed == []


@pytest.mark.usefixtures("not_installed")
def test_set_up_installs_the_clone_it_is_in(shell, set_up_cell, tmp_path, monkeypatch):
    (tmp_path / "hatch_build.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    shell.run_cell(set_up_cell).raise_error()
    assert shell.installed == ['install -q ".."']


@pytest.mark.usefixtures("not_installed")
def test_set_up_finds_the_repository_in_colab(shell, set_up_cell, colab):
    colab("fileId=https%3A//github.com/ada/fractals/blob/main/notebooks/mandelbrot.ipynb")
    shell.run_cell(set_up_cell).raise_error()
    assert shell.installed == ['install -q "git+https://github.com/ada/fractals@main"']


@pytest.mark.usefixtures("not_installed")
def test_set_up_takes_the_repository_it_is_given(shell, set_up_cell, colab):
    colab("fileId=https%3A//github.com/ada/fractals/blob/main/notebooks/mandelbrot.ipynb")
    given = set_up_cell.replace('REPOSITORY = ""', 'REPOSITORY = "https://example.org/bob/sets"')
    shell.run_cell(given).raise_error()
    assert shell.installed == ['install -q "git+https://example.org/bob/sets"']


@pytest.mark.usefixtures("not_installed")
@pytest.mark.parametrize("path", ["fileId=1aBcD", ""])
def test_set_up_asks_for_the_repository_it_cannot_find(shell, set_up_cell, colab, path):
    colab(path)
    with pytest.raises(ModuleNotFoundError, match="Set REPOSITORY above"):
        shell.run_cell(set_up_cell).raise_error()
    assert shell.installed == []
