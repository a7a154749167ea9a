"""``mandelbrot render --zoom-movie``: frames where they belong, each level computed once."""

import itertools
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from PIL import Image

from mandelbrot_cli.__main__ import main
from mandelbrot_cli.location import parse_location
from mandelbrot_cli.movie import KeyFrames
from mandelbrot_store import MandelbrotStore

PLACE = "-0.7471 + 0.1001i"
SIZE = (160, 90)
COLOURS = ["--scaling", "logarithmic", "--limits", "0", "300", "--maxiter", "300"]
FILM = ["--zoom-movie", "--size", "160x90", "--fps", "10", *COLOURS]


def frames_of(path):
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A zoom of 4.5 halvings in 45 steps, and the tiles that were computed for it."""
    out = tmp_path_factory.mktemp("film") / "zoom.mp4"
    computed = []
    tile = MandelbrotStore.tile

    def watched(self, *address):
        computed.append(address)
        return tile(self, *address)

    width = 0.4 / 2**4.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MandelbrotStore, "tile", watched)
        assert main(["render", f"{PLACE}, {width}", "-o", str(out), "--from", "0.4", *FILM]) == 0
    return out, computed


def test_each_level_is_computed_once(film):
    _, computed = film
    assert len(computed) == len(set(computed)) == 6 * 4
    assert len({level for level, _, _ in computed}) == 6


def test_what_it_is(film):
    out, _ = film
    with av.open(out) as container:
        (stream,) = container.streams
        assert (stream.codec.name, stream.average_rate) == ("h264", 10)
        assert (stream.width, stream.height, stream.frames) == (*SIZE, 46)
        assert parse_location(container.metadata["comment"]).center[0] * 10**4 == -7471
    assert not out.with_name("zoom.mp4.part").exists()


@pytest.mark.parametrize("index", [0, 1, 4, 5, 6, 13, 22, 29, 38, 45])
def test_each_frame_is_the_picture_of_its_width(film, tmp_path, index):
    out, _ = film
    width = 0.4 * 2 ** (-index / 10)
    words = ["-o", str(tmp_path / "still.png"), "--size", "160x90", *COLOURS]
    assert main(["render", f"{PLACE}, {width}", *words]) == 0
    frame = frames_of(out)[index]
    # Reduced a little, since single pixels are noise near the set, and H.264 has few colours.
    small = (40, 22)
    with Image.open(tmp_path / "still.png") as image:
        expected = np.asarray(image.resize(small, Image.Resampling.BOX)).astype(int)
    shown = Image.fromarray(frame.astype(np.uint8)).resize(small, Image.Resampling.BOX)
    off = np.abs(np.asarray(shown).astype(int) - expected)
    assert off.mean() < 3
    # Half a pixel to the side, or a fiftieth wider, would be further off.
    assert np.quantile(off, 0.98) < 16


def test_nothing_jumps_where_one_key_frame_takes_over(film):
    frames = frames_of(film[0])
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    for index in range(2, len(steps) - 2):
        assert steps[index] < 1.5 * np.median(steps[index - 2 : index + 3]), index


def test_colours_stay_as_they_are(tmp_path):
    """By default colours follow from all key frames together: what is far away looks the same."""
    out = tmp_path / "zoom.mp4"
    words = ["--from", "3", "--zoom-movie", "--size", "96x96", "--fps", "4", "--maxiter", "300"]
    assert main(["render", "-1.31, 0, 0.1", "-o", str(out), *words]) == 0
    frames = frames_of(out)
    ratio = (3 / 0.1) ** (1 / (len(frames) - 1))
    # The same point of the plane, seen in frame after frame until it leaves the picture.
    seen = []
    for index, frame in enumerate(frames):
        x = 48 + 0.02 * 96 / (3 / ratio**index)
        y = 48 + 0.3 * 96 / (3 / ratio**index)
        if 8 < y < 88:
            seen.append(frame[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean((0, 1)))
    assert len(seen) > 8
    assert np.ptp(np.array(seen)[3:], axis=0).max() < 20


def test_an_interrupted_movie_goes_on(tmp_path):
    out = tmp_path / "zoom.mp4"
    words = ["render", f"{PLACE}, 1e-5", "-o", str(out), *FILM, "--maxiter", "3000"]
    command = [sys.executable, "-m", "mandelbrot_cli", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not list(tmp_path.glob("zoom.mp4.part/*.npz")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait() == 130
    assert "Traceback" not in errors
    assert "the same command again goes on" in errors
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("zoom.mp4.part/*.npz")}
    assert 0 < len(kept) < 20 * 4
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        # Now while frames are written.
        while not (tmp_path / "zoom.mp4.part/zoom.mp4").exists():
            assert process.poll() is None
            time.sleep(0.01)
        assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
    assert not out.exists()
    assert main(words) == 0
    assert len(frames_of(out)) == round(np.log2(5 * 160 / 90 / 1e-5) * 10) + 1


def test_a_zoom_of_a_thousand_levels_and_more():
    """Levels below 0 are asked for where the metadata have no more."""
    keys = KeyFrames(parse_location("0, 0, 5").width, parse_location("0,0,1e-600").width, SIZE)
    assert keys.count == 1997
    assert (keys.levels, keys.finest) == (1024, 1024 - 1997)
    level, row, column = keys.address(0, -1, 0)
    assert level == keys.finest
    assert (row + 1, column) == (2**1996, 2**1996)
    widest = keys.address(keys.count - 1, -1, 0)
    assert widest == (1023, 0, 1)
    # The finest level's pixel is half of that of the last frame.
    assert keys.side / 256 / 2**1997 == parse_location("0,0,1e-600").width / 320


def test_it_needs_its_part(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["render", PLACE, "-o", str(tmp_path / "a.mp4"), "--zoom-movie"]) == 1
    error = capsys.readouterr().err
    assert "this needs av, which is not installed: pip install" in error
