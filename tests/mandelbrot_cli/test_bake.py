"""``mandelbrot bake``: the same numbers, in files, in as many runs as it takes."""

import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import zarr
from numcodecs import Blosc
from yaozarrs import validate_zarr_store
from zarr.storage import MemoryStore

from mandelbrot_cli.__main__ import main
from mandelbrot_store import MandelbrotStore

PLACE = "-0.747, 0.1, 0.03"
SMALL = ["--levels", "3", "--tilesize", "32", "--maxiter", "300"]
PARAMETERS = {"levels": 3, "tilesize": 32, "maxiter": 300, "center": ("-0.747", "0.1")}


def expect_everything(out, **more):
    computed = zarr.open(MandelbrotStore(**PARAMETERS, width="0.03", **more), mode="r")
    baked = zarr.open(out, mode="r")
    for level in range(3):
        assert np.array_equal(baked[str(level)][:], computed[str(level)][:])
    assert baked.attrs["mandelbrot"] == computed.attrs["mandelbrot"]


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], 84),
        (["--zarr-format", "3"], 84),
        (["--zarr-format", "3", "--shards", "4"], 1 + 1 + 4),
        (["--zarr-format", "3", "--shards", "64"], 3),
    ],
)
def test_a_place_in_files(tmp_path, capsys, words, files):
    out = str(tmp_path / "place.zarr")
    assert main(["bake", out, PLACE, *SMALL, *words]) == 0
    assert "84 tiles computed" in capsys.readouterr().out
    expect_everything(out)
    chunks = [p for p in (tmp_path / "place.zarr").glob("[0-9]/**/*") if p.is_file()]
    assert (
        len([path for path in chunks if path.name not in (".zarray", ".zattrs", "zarr.json")])
        == files
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        validate_zarr_store(out)


def test_chunks_are_the_stores_own_bytes(tmp_path):
    out = tmp_path / "place.zarr"
    assert main(["bake", str(out), PLACE, *SMALL]) == 0
    store = MandelbrotStore(**PARAMETERS, width="0.03", compressor=Blosc())
    for key in ("2/0.1", "0/3.7"):
        assert (out / key).read_bytes() == store[key]


@pytest.mark.parametrize("words", [[], ["--zarr-format", "3", "--shards", "2"]])
def test_it_goes_on_where_it_stopped(tmp_path, capsys, words):
    out = tmp_path / "place.zarr"
    command = ["bake", str(out), PLACE, *SMALL, *words]
    main(command)
    missing, broken = ("0/c/1/2", "0/c/3/0") if words else ("0/1.2", "0/3.0")
    (out / missing).unlink()
    (out / broken).write_bytes((out / broken).read_bytes()[:20])
    capsys.readouterr()
    main(command)
    tiles = 8 if words else 2
    assert (
        f"{tiles} tiles computed and read again, {84 - tiles} were there" in capsys.readouterr().out
    )
    expect_everything(str(out))


def test_an_interrupted_bake_loses_nothing(tmp_path):
    out = tmp_path / "place.zarr"
    words = ["bake", str(out), PLACE, "--levels", "5", "--tilesize", "32", "--maxiter", "3000"]
    command = [sys.executable, "-m", "mandelbrot_cli", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not any(out.glob("[0-9]/[0-9]*.*")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait() == 130
    assert "Traceback" not in errors
    done = len(list(out.glob("[0-9]/[0-9]*.*")))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    total = sum(4**n for n in range(1, 6))
    assert f"{total - done} tiles computed and read again, {done} were there" in again.stdout


@pytest.mark.parametrize("folder", ["memory://", "file://{}/not/there/yet/"])
def test_an_address_of_fsspec(tmp_path, folder):
    out = f"{folder.format(tmp_path)}place.zarr"
    assert main(["bake", out, PLACE, *SMALL]) == 0
    expect_everything(out)


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["--shards", "2"], 2, "--shards needs --zarr-format 3"),
        (["--maxiter", "301"], 1, "holds something else"),
        (["--zarr-format", "3"], 1, "holds something else: its .zgroup"),
    ],
)
def test_refusals(tmp_path, capsys, words, status, sentence):
    out = str(tmp_path / "place.zarr")
    main(["bake", out, PLACE, *SMALL])
    assert main(["bake", out, PLACE, *SMALL, *words]) == status
    assert sentence in capsys.readouterr().err


def test_a_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["bake", str(tmp_path / "file/place.zarr"), PLACE, *SMALL]) == 1
    assert "place.zarr cannot be written ([Errno 20] Not a directory" in capsys.readouterr().err


class Refusing(MemoryStore):
    """Raises what object stores raise, from some key on: errors of their own."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    async def set(self, key, value):
        if self.part in key:
            msg = "no credentials"
            raise RuntimeError(msg)
        await super().set(key, value)


@pytest.mark.parametrize(("part", "words"), [("z", []), ("0/1.2", []), ("0/c/1", ["3"])])
def test_an_object_store_that_refuses(monkeypatch, capsys, part, words):
    monkeypatch.setattr("mandelbrot_cli.bake._open_for_writing", lambda _: Refusing(part))
    more = ["--shards", "2", "--zarr-format", *words] if words else []
    assert main(["bake", "s3://bucket/place.zarr", PLACE, *SMALL, *more]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("mandelbrot: s3://bucket/place.zarr cannot be written (no credentials)")


@pytest.mark.parametrize("words", [[], ["--zarr-format", "3", "--shards", "4"]])
def test_where_all_is_zero(tmp_path, capsys, words):
    """Chunks of the fill value are written like others, so that they are not computed again."""
    command = ["bake", str(tmp_path / "far.zarr"), "9, 9, 1", *SMALL, *words]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 0
    assert "0 tiles computed and read again, 84 were there" in capsys.readouterr().out
