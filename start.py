"""Set everything up and open the notebook, or run the whole test suite.

    python3 start.py [ARGUMENTS OF JUPYTER LAB]
    python3 start.py test [ARGUMENTS OF PYTEST]

Needs only Python 3.11 or newer: whatever else is missing is installed into `.venv/` beside this
file. With arguments of its own, `test` runs just pytest; without, every check there is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Command = list[str | Path]

ROOT = Path(__file__).resolve().parent
NOTEBOOK = ROOT / "notebooks" / "mandelbrot.ipynb"
OLDEST_PYTHON = (3, 11)
NEWEST_ZARR_PYTHONS = ("3.14", "3.13", "3.12")  # zarr > 3.1.6 needs Python 3.12


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit status."""
    if sys.version_info < OLDEST_PYTHON:
        return fail(
            f"This is Python {sys.version.split()[0]}, and 3.11 or newer is needed. "
            "Install one and run this file with it: python3.13 start.py"
        )
    os.chdir(ROOT)
    try:
        if arguments[:1] == ["test"]:
            return run_tests(arguments[1:])
        return open_notebook(arguments)
    except subprocess.CalledProcessError as error:
        return fail(f"This command ended with status {error.returncode}: {show(error.cmd)}")


def open_notebook(arguments: Sequence[str]) -> int:
    """Open the notebook in JupyterLab."""
    python = environment(ROOT / ".venv", sys.executable, ["-r", "requirements.txt"])
    command = [str(python), "-m", "jupyter", "lab", *arguments]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter refuses root otherwise: the rule in containers
    if not any(argument.endswith(".ipynb") for argument in arguments):
        command.append(str(NOTEBOOK))
    print("\nOpening the notebook: in JupyterLab, choose Run > Run All Cells.", flush=True)
    # numba takes half a minute to compile the kernels, once.
    with subprocess.Popen([python, "-m", "mandelbrot.compile"]):
        return subprocess.run(command, check=False).returncode


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with `arguments`, or every check when there are none."""
    python = environment(
        ROOT / ".venv", sys.executable, ["-r", "requirements.txt", "--group", "test"]
    )
    finder: Command = [python, "tests/browser/chromium.py"]
    chromium = subprocess.run(finder, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    os.environ["CHROMIUM"] = chromium  # for pytest and vitest alike
    if arguments:
        return run([python, "-m", "pytest", *arguments])
    return run_all_checks(python)


def run_all_checks(python: Path) -> int:
    """Run every check there is and return the exit status.

    Those in a browser run one after the other, beside all others: two browsers that draw in
    software on two cores take as long together as in turn, and wait for each other.
    """
    npm: Command = [python.with_name("npm"), "--prefix", "viewer"]
    pytest: Command = [python, "-m", "pytest"]
    first: list[Command] = [[*npm, "ci"], [*npm, "run", "build"]]  # others use what these make
    in_browsers: list[Command] = [[*npm, "run", "test:browser"], [*pytest, "tests/browser"]]
    # Kernels are compiled before: beside a browser that takes longer than a test may.
    others: list[Command] = [
        [python, "-m", "mandelbrot.compile"],
        [*pytest, "--ignore=tests/browser"],
        [python, "-m", "mypy"],
        [*npm, "test"],
        [*npm, "run", "check"],
        [python, "-m", "ruff", "check"],
        [python, "-m", "ruff", "format", "--check"],
    ]
    newest = newest_zarr_environment()
    if newest:
        store_tests = ["tests/generative_zarr", "tests/test_mandelbrot_store.py"]
        others.append([newest, "-m", "mandelbrot.compile", "fast"])
        others.append([newest, "-m", "pytest", *store_tests])
    failed = {show(command): "" for command in first if run(command)}
    with ThreadPoolExecutor() as threads:
        for failures in threads.map(failures_of, (in_browsers, others)):
            failed |= failures
    for command, output in failed.items():
        print(f"{output}FAILED: {command}", flush=True)
    return 1 if failed else 0


def failures_of(commands: Sequence[Command]) -> dict[str, str]:
    """Run commands one after the other; return those that failed, as text, with their output."""
    outputs = {show(command): run_quietly(command) for command in commands}
    return {command: output for command, output in outputs.items() if output is not None}


def environment(folder: Path, base: str | Path, requirements: Sequence[str]) -> Path:
    """Make the virtual environment `folder` from `base`, install into it, return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not has_pip(python):
        create_environment(folder, base, python)
    stamp = folder / "installed.txt"
    wanted = fingerprint(requirements)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Setting up {folder.name} (a minute or two, once).", flush=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)  # 25.1 brought --group
        subprocess.run([*pip, *requirements], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def has_pip(python: Path) -> bool:
    """Tell whether `python` exists and can install packages."""
    if not python.exists():
        return False
    return (
        subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode
        == 0
    )


def create_environment(folder: Path, base: str | Path, python: Path) -> None:
    """Create the virtual environment `folder` with pip in it, whatever parts `base` lacks.

    Debian ships Python without `ensurepip` (package python3-venv) and often without pip.
    """
    if Path(base) != Path(sys.executable) or importlib.util.find_spec("ensurepip"):
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
        return
    if importlib.util.find_spec("pip"):
        venv.create(folder, clear=True, with_pip=False)
        subprocess.run(
            [base, "-m", "pip", "--python", python, "install", "--quiet", "pip"], check=True
        )
        return
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if not shutil.which("apt-get") or (as_root and not shutil.which("sudo")):
        message = (
            f"{base} has neither ensurepip nor pip, so no virtual environment can be made. "
            "Install your system's package for Python's venv module (on Debian: python3-venv) "
            "and run this again."
        )
        raise SystemExit(message)
    subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
    subprocess.run([*as_root, "apt-get", "install", "-y", "-qq", "python3-venv"], check=True)
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)


def fingerprint(requirements: Sequence[str]) -> str:
    """Return a text that changes when the installation has to be made anew."""
    digest = hashlib.sha256(show(requirements).encode())
    for path in sorted(installation_inputs()):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def installation_inputs() -> Iterator[Path]:
    """Yield the files that decide what gets installed: settings, and the viewer's sources."""
    yield from (ROOT / name for name in ("requirements.txt", "pyproject.toml", "hatch_build.py"))
    for folder, folders, files in os.walk(ROOT / "viewer"):
        folders[:] = [name for name in folders if name not in {"node_modules", "dist"}]
        yield from (Path(folder, name) for name in files)


def newest_zarr_environment() -> Path | None:
    """Return the Python of an environment with the newest zarr, where this machine allows one."""
    if sys.version_info >= (3, 12):
        return None  # the main environment already has it
    for version in NEWEST_ZARR_PYTHONS:
        for base in pythons(version):
            return environment(
                ROOT / ".venv-newest-zarr", base, ["-e", ".", "--group", "store-test"]
            )
    print("No Python 3.12 or newer here: the newest zarr is not tested.", flush=True)
    return None


def pythons(version: str) -> Iterator[Path]:
    """Yield interpreters of `version` that can make an environment: on PATH, then pyenv's."""
    found = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [Path(found)] if found else []
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python"))
    for candidate in candidates:
        probe = subprocess.run(
            [candidate, "-c", "import ensurepip"], capture_output=True, check=False
        )
        if probe.returncode == 0:
            yield candidate


def run(command: Sequence[str | Path]) -> int:
    """Show and run `command` with the environment's own tools first, and return its exit status."""
    print(f"\n$ {show(command)}", flush=True)
    return subprocess.run(command, env=with_tools(command), check=False).returncode


def run_quietly(command: Sequence[str | Path]) -> str | None:
    """Run `command` and show what it printed, whole, when it has ended.

    What a failing command printed is returned instead, so that it can be shown last.
    """
    print(f"Begun: {show(command)}", flush=True)
    begin = time.monotonic()
    done = subprocess.run(
        command,
        env=with_tools(command),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    seconds = time.monotonic() - begin
    output = f"\n$ {show(command)}\n{done.stdout}({seconds:.0f} s)\n"
    if done.returncode:
        return output
    print(output, end="", flush=True)
    return None


def with_tools(command: Sequence[str | Path]) -> dict[str, str]:
    """Return the environment variables under which `command` finds the tools beside it."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path}


def show(command: Sequence[object]) -> str:
    """Return `command` as one line, with paths below this folder made relative."""
    return " ".join(str(word).replace(f"{ROOT}{os.sep}", "") for word in command)


def fail(message: str) -> int:
    """Print `message` as the reason for stopping and return a failing exit status."""
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
