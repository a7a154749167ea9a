"""The command as a whole, and ``info``."""

import builtins
import importlib.metadata
import re

import pytest
import zarr
from zarr.storage import LocalStore

from mandelbrot.plane import Pyramid
from mandelbrot_cli.__main__ import main
from mandelbrot_cli.errors import CommandError, need


def test_help_names_every_command_and_imports_little(mandelbrot):
    done = mandelbrot("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("serve", "info"))
    assert mandelbrot().returncode == 2


def test_the_script_is_this_command():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="mandelbrot")
    assert script.load() is main


def test_a_missing_part_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def no_uvicorn(name, *rest):
        if name == "uvicorn":
            raise ModuleNotFoundError(name="uvicorn")
        return real(name, *rest)

    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    monkeypatch.setattr(builtins, "__import__", no_uvicorn)
    with pytest.raises(CommandError) as caught:
        need("serve", "uvicorn")
    assert re.search(r'needs uvicorn.*pip install .*"uvicorn>=', str(caught.value))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["info", "nowhere"], "“nowhere” is no location"),
        (["serve", "--width", "-1"], "expected a positive number"),
        (["serve", "--center", "a", "0"], "center[0]='a': expected a finite number"),
    ],
)
def test_refusals_are_sentences(capsys, words, sentence):
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


def test_info_of_a_place(capsys):
    assert main(["info", "-0.7436+0.1318i, 1e-5"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert (lines["re"], lines["im"], lines["width"]) == ("-0.7436", "0.1318", "0.00001")
    level, row, column = map(int, re.findall(r"\d+", lines["tile of the default pyramid"]))
    tile = Pyramid().tile(level, row, column)
    assert float(tile.re[0]) <= -0.7436 <= float(tile.re[1023])
    assert float(tile.im[1023]) <= 0.1318 <= float(tile.im[0])
    assert 0.5 < float(tile.re[1023] - tile.re[0]) / 1e-5 < 2


def test_info_of_a_place_far_down(capsys):
    assert main(["info", "-0.75, 0.1, 1e-3000"]) == 0
    assert "10^3000" in capsys.readouterr().out


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_info_of_a_store(capsys, tmp_path, zarr_format):
    group = zarr.create_group(LocalStore(tmp_path), zarr_format=zarr_format)
    group.create_array("0", shape=(64, 32), chunks=(16, 16), dtype="uint16")
    multiscale = {
        "name": "here",
        "axes": [{"name": "y"}, {"name": "x"}],
        "datasets": [{"path": "0"}],
    }
    inner = {"multiscales": [{"version": "0.4", **multiscale}]}
    group.attrs.update(inner if zarr_format == 2 else {"ome": {"version": "0.5", **inner}})
    group.attrs["mandelbrot"] = {"maxiter": 7}
    assert main(["info", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"OME-Zarr 0.{4 if zarr_format == 2 else 5} image 'here', axes yx" in out
    assert "level 0: 64 x 32 uint16, chunks 16 x 16" in out
    assert "mandelbrot maxiter: 7" in out
