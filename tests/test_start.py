"""`start.py` makes an environment on machines that lack parts of Python, or says what to do."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def start():
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lacking(start, monkeypatch):
    """Return a function that makes the named modules look absent to `start.py`."""
    find_spec = importlib.util.find_spec

    def lack(*names):
        monkeypatch.setattr(
            start.importlib.util,
            "find_spec",
            lambda name: None if name in names else find_spec(name),
        )

    return lack


def environment_python(folder):
    return folder / "bin" / "python"


def test_without_ensurepip_the_systems_pip_fills_the_environment(start, lacking, tmp_path):
    lacking("ensurepip")
    python = environment_python(tmp_path / "venv")
    start.create_environment(tmp_path / "venv", sys.executable, python)
    assert start.has_pip(python)


def test_without_ensurepip_and_pip_debians_package_is_installed(
    start, lacking, tmp_path, monkeypatch
):
    lacking("ensurepip", "pip")
    commands = []
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    folder = tmp_path / "venv"
    start.create_environment(folder, sys.executable, environment_python(folder))
    assert [command[-1] for command in commands] == ["-qq", "python3-venv", folder]
    assert commands[-1] == [sys.executable, "-m", "venv", "--clear", folder]


def test_with_nothing_to_go_by_it_says_what_to_install(start, lacking, tmp_path, monkeypatch):
    lacking("ensurepip", "pip")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    folder = tmp_path / "venv"
    with pytest.raises(SystemExit, match="python3-venv"):
        start.create_environment(folder, sys.executable, environment_python(folder))


def test_an_old_python_is_refused_with_a_sentence(start, monkeypatch, capsys):
    monkeypatch.setattr(start.sys, "version_info", (3, 10, 1, "final", 0))
    assert start.main([]) == 1
    assert "3.11 or newer is needed" in capsys.readouterr().err


def test_a_command_that_fails_is_named(start, monkeypatch, capsys):
    def fail(*_):
        raise subprocess.CalledProcessError(2, ["pip", "install", str(ROOT / "viewer")])

    monkeypatch.setattr(start, "environment", fail)
    assert start.main([]) == 1
    assert "status 2: pip install viewer" in capsys.readouterr().err


def test_the_installation_is_made_anew_when_its_inputs_change(start, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "ROOT", tmp_path)
    for name in ("requirements.txt", "pyproject.toml", "hatch_build.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "viewer" / "node_modules").mkdir(parents=True)
    first = start.fingerprint(["-e", "."])
    (tmp_path / "viewer" / "node_modules" / "ignored.js").write_text("1")
    assert start.fingerprint(["-e", "."]) == first
    (tmp_path / "viewer" / "main.ts").write_text("1")
    assert start.fingerprint(["-e", "."]) != first


def test_checks_run_side_by_side_are_shown_whole_and_those_that_fail_come_last(
    start, monkeypatch, capfd
):
    def fake(command):
        status = 5 if "mypy" in command else 0
        text = f"seen: {start.show(command)}"
        return run_quietly([sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"])

    run_quietly = start.run_quietly
    monkeypatch.setattr(start, "run", lambda _: 0)
    monkeypatch.setattr(start, "newest_zarr_environment", lambda: None)
    monkeypatch.setattr(start, "run_quietly", fake)
    assert start.run_all_checks(ROOT / "python") == 1
    lines = capfd.readouterr().out.splitlines()
    seen = [line.removeprefix("seen: ") for line in lines if line.startswith("seen: ")]
    assert "python -m ruff check" in seen
    assert seen[-1] == "python -m mypy"
    assert lines[-1] == "FAILED: python -m mypy"
