"""``mandelbrot render``: the viewer's colours, at exact places, in files others read."""

import json
import math
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from yaozarrs import validate_zarr_store

from mandelbrot_cli.__main__ import main
from mandelbrot_cli.colours import INTERIOR, Colouring, equalizer, palette_names, palette_table
from mandelbrot_cli.location import parse_location

PLACE = "-0.747 + 0.1i, 0.03"


def count(re, im, maxiter):
    z = c = complex(re, im)
    for n in range(maxiter):
        if abs(z) > 2:
            return n
        z = z * z + c
    return maxiter


def test_palettes_are_the_viewers(viewer_code):
    names = palette_names()
    theirs = viewer_code("palette", "data.map((name) => [...viewer.paletteBytes(name)])", names)
    for name, expected in zip(names, theirs, strict=True):
        table, _ = palette_table(name)
        assert np.abs(table.astype(int) - np.reshape(expected, (-1, 4))[:, :3]).max() <= 1


@pytest.mark.parametrize("scaling", ["linear", "square root", "logarithmic", "histogram"])
def test_colours_are_the_viewers(viewer_code, scaling):
    random = np.random.default_rng(7)
    counts = np.minimum(random.geometric(0.01, 3000) + 3, 400).astype(np.uint16)
    limits, shares = equalizer(counts, 400)
    colouring = Colouring(
        "vikO", scaling, limits, shares if scaling == "histogram" else None, 400, 2.5, 0.3
    )
    expression = """(() => {
      const plane = Uint16Array.from(data.counts);
      const equalizer = viewer.equalizerOf([{ width: 3000, height: 1, planes: [plane] }], 400);
      return { limits: equalizer.limits, shares: [...equalizer.shares], places: data.counts.map(
        (n) => data.scaling === "histogram" ? viewer.equalized(n, equalizer)
          : viewer.scaled(n, equalizer.limits, data.scaling)) };
    })()"""
    theirs = viewer_code("coloring", expression, {"counts": counts.tolist(), "scaling": scaling})
    assert tuple(theirs["limits"]) == limits
    assert np.allclose(theirs["shares"], shares, atol=1e-6)
    table, cyclic = palette_table("vikO")
    assert cyclic
    entries = np.floor(np.mod(np.array(theirs["places"]) * 2.5 + 0.3, 1) * 1024).astype(int)
    expected = np.where((counts >= 400)[:, None], INTERIOR, table[entries]).astype(int)
    assert np.abs(colouring.colours(counts).astype(int) - expected).max() <= 4


def test_each_pixel_is_where_it_belongs(tmp_path):
    out = tmp_path / "set.png"
    words = ["--size", "301x200", "--supersampling", "1", "--maxiter", "500"]
    words += ["--scaling", "linear", "--limits", "0", "500"]
    assert main(["render", PLACE, "-o", str(out), *words]) == 0
    with Image.open(out) as image:
        assert image.size == (301, 200)
        assert parse_location(image.text["Location"]).width == Fraction("0.03")
        pixels = np.asarray(image)
    colouring = Colouring("vikO", "linear", (0, 500), None, 500)
    random, wrong = np.random.default_rng(3), 0
    for j, i in zip(random.integers(0, 200, 300), random.integers(0, 301, 300), strict=True):
        h = 0.03 / 301
        n = count(-0.747 + (i + 0.5 - 150.5) * h, 0.1 - (j + 0.5 - 100) * h, 500)
        wrong += not np.array_equal(pixels[j, i], colouring.colours(np.array([n]))[0])
    assert wrong <= 3  # rounding, in this oracle of float64
    assert not (tmp_path / "set.png.part").exists()


def test_pixels_are_the_means_of_their_samples(tmp_path):
    once, twice = tmp_path / "once.png", tmp_path / "twice.png"
    more = ["--maxiter", "200", "--scaling", "logarithmic", "--limits", "0", "200"]
    main(["render", PLACE, "-o", str(once), "--size", "128x96", "--supersampling", "1", *more])
    main(["render", PLACE, "-o", str(twice), "--size", "64x48", "--supersampling", "2", *more])
    with Image.open(once) as fine, Image.open(twice) as coarse:
        blocks = np.asarray(fine).reshape(48, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(np.asarray(coarse) - blocks).max() <= 0.5


def test_tiff_is_the_same_picture(tmp_path):
    png, tif = tmp_path / "set.png", tmp_path / "set.tif"
    for out in (png, tif):
        assert main(["render", PLACE, "-o", str(out), "--size", "600x300"]) == 0
    with Image.open(png) as image, tifffile.TiffFile(tif) as file:
        assert np.array_equal(np.asarray(image), file.asarray())
        assert file.pages[0].is_tiled
        assert "width: 0.03" in file.pages[0].description


def test_ome_zarr_is_the_same_picture(tmp_path):
    png, out = tmp_path / "set.png", tmp_path / "set.zarr"
    for path in (png, out):
        assert main(["render", PLACE, "-o", str(path), "--size", "1301x1099"]) == 0
    validate_zarr_store(str(out))
    group = zarr.open_group(out, mode="r")
    assert parse_location(group.attrs["location"]).width == Fraction("0.03")
    shapes = [group[dataset["path"]].shape for dataset in group.attrs["multiscales"][0]["datasets"]]
    assert shapes == [(3, 1099, 1301), (3, 550, 651), (3, 275, 326)]
    with Image.open(png) as image:
        level = np.moveaxis(np.asarray(image), -1, 0)
    assert np.array_equal(group["0"][:], level)
    for path, (_, height, width) in zip("12", shapes[1:], strict=True):
        even = np.pad(level, ((0, 0), (0, level.shape[1] % 2), (0, level.shape[2] % 2)), "edge")
        level = np.rint(even.reshape(3, height, 2, width, 2).mean((2, 4)))
        assert np.array_equal(group[path][:], level)
    assert not (tmp_path / "set.zarr.part").exists()


def test_the_interior_has_the_colour_one_chooses(tmp_path):
    out = tmp_path / "set.png"
    words = ["--size", "80x60", "--maxiter", "100", "--interior", "FFCC00"]
    assert main(["render", "-0.5, 0, 3", "-o", str(out), *words]) == 0
    with Image.open(out) as image:
        assert image.getpixel((35, 30)) == (255, 204, 0)


PEAK = """
import resource, sys
from mandelbrot_cli.__main__ import main
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_memory_does_not_grow_with_the_height(tmp_path):
    """Of a picture that would take 88 MB more in memory, less than a fifth of that is there."""

    def peak(name, height):
        words = ["render", "1, 1, 0.1", "-o", str(tmp_path / name), "--size", f"4096x{height}"]
        words += ["--supersampling", "1", "--maxiter", "50"]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True
        )
        return int(done.stdout) * 1024

    low = peak("low.zarr", 1024)  # it imports the most
    tall = {name: peak(name, 8192) - low for name in ("set.png", "set.tif", "set.zarr")}
    assert max(tall.values()) < 0.2 * 4096 * (8192 - 1024) * 3, tall


def test_an_interrupted_picture_goes_on(tmp_path):
    out = tmp_path / "set.png"
    words = ["render", PLACE, "-o", str(out), "--size", "1500x1000", "--maxiter", "3000"]
    command = [sys.executable, "-m", "mandelbrot_cli", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not list(tmp_path.glob("set.png.part/*.npz")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait() == 130
    assert "Traceback" not in errors
    assert "the same command again goes on" in errors
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("set.png.part/*.npz")}
    assert 0 < len(kept) < math.ceil(1500 / 256) * math.ceil(1000 / 256)
    json.loads((tmp_path / "set.png.part/picture.json").read_text())
    assert main(words) == 0
    with Image.open(out) as image:
        image.load()
        assert image.size == (1500, 1000)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-o", "set.jpg"], "set.jpg ends in '.jpg', expected .png or .tif or .tiff or .zarr"),
        (["-o", "set.mp4"], "or ask for a movie with --zoom-movie"),
        (["-o", "set.png", "--zoom-movie"], "expected .mp4"),
        (["-o", "set.mp4", "--zoom-movie", "--size", "9x8"], "expected even numbers"),
        (["-o", "set.mp4", "--zoom-movie", "--from", "0.03"], "would begin at a width of 0.03"),
        (["-o", "set.mp4", "--zoom-movie", "--speed", "-1"], "expected a number above 0"),
        (["-o", "set.mp4", "--zoom-movie", "--from", "1e5000"], "16615 halvings deep"),
        (["-o", "set.png", "--maxiter", "0"], "'0': expected an integer from 1 to 4294967295"),
        (["-o", "set.png", "--maxiter", "1e4"], "or 'auto'"),
        (["-o", "set.png", "--limits", "nan", "1"], "'nan': expected a number"),
        (["-o", "set.png", "--interior", "red"], "'red': expected six hexadecimal digits"),
        (["-o", "set.png", "--size", "big"], "expected width and height"),
        (["-o", "set.png", "--palette", "rainbow"], "invalid choice: 'rainbow'"),
    ],
)
def test_refusals(capsys, words, sentence):
    try:
        assert main(["render", PLACE, *words]) == 2
    except SystemExit as end:
        assert end.code == 2  # noqa: PT017 - argparse ends by itself
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["set.zarr", "set.zarr.part"])
def test_nothing_of_others_is_removed(tmp_path, capsys, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years")
    assert main(["render", PLACE, "-o", str(tmp_path / "set.zarr"), "--size", "60x40"]) == 2
    assert "remove it, or choose another name" in capsys.readouterr().err
    assert (tmp_path / name / "thesis.txt").read_text() == "years"


def test_a_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file/set.png"
    assert main(["render", PLACE, "-o", str(out), "--size", "60x40"]) == 1
    assert "cannot be written (Not a directory)" in capsys.readouterr().err
