"""Dask: real worker processes, one of which dies on the way."""

import os
import signal
import warnings

import pytest

from mandelbrot_cli import work
from mandelbrot_cli.__main__ import main
from mandelbrot_cli.errors import CommandError

distributed = pytest.importorskip("distributed")

PLACE = ["-0.747, 0.1, 0.03", "--levels", "4", "--tilesize", "64", "--maxiter", "1000"]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_pictures_and_movies_of_a_cluster_are_the_same(tmp_path, cluster):
    place = ["-0.747 + 0.1i, 0.03", "--size", "320x200", "--maxiter", "500"]
    film = ["--zoom-movie", "--from", "0.3", "--fps", "2"]
    for name, words in (("a.png", []), ("a.zarr", []), ("a.mp4", film)):
        here, there = tmp_path / "here" / name, tmp_path / "there" / name
        assert main(["render", *place, "-o", str(here), *words]) == 0
        scheduler = ["--scheduler", cluster.scheduler_address]
        assert main(["render", *place, "-o", str(there), *words, *scheduler]) == 0
    files = [path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*")]
    files = [path for path in files if (tmp_path / "here" / path).is_file()]
    assert len(files) > 6
    for path in files:
        assert (tmp_path / "here" / path).read_bytes() == (tmp_path / "there" / path).read_bytes()


@pytest.mark.filterwarnings("ignore")  # the libraries' own, while a worker dies
def test_a_lost_worker_loses_no_tile(tmp_path, capsys, monkeypatch, cluster):
    here, there = tmp_path / "here.zarr", tmp_path / "there.zarr"
    assert main(["bake", str(here), *PLACE]) == 0
    asked, most, killed = set(), [0], []
    victim = next(iter(cluster.workers.values())).pid
    real = work.do_all

    async def do_all(items, piece, at_a_time):
        async def watched(item):
            asked.add(item)
            most[0] = max(most[0], len(asked))
            await piece(item)
            asked.discard(item)
            if not killed and len(list(there.glob("0/*"))) >= 20:
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

        await real(items, watched, at_a_time)

    monkeypatch.setattr("mandelbrot_cli.bake.do_all", do_all)
    words = ["bake", str(there), *PLACE, "--scheduler", cluster.scheduler_address]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(words) == 0
    assert killed
    assert "340 tiles computed" in capsys.readouterr().out
    files = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert len(files) > 340
    assert all((here / path).read_bytes() == (there / path).read_bytes() for path in files)
    # Back-pressure: never more than a few tiles for each processor.
    assert most[0] <= 2 * work.CLUSTER_AHEAD + 1


def test_no_scheduler_is_a_sentence():
    with (
        pytest.raises(CommandError, match=r"no Dask scheduler at tcp://127.0.0.1:9 .*start one"),
        work.computers("tcp://127.0.0.1:9", patience="0.1s"),
    ):
        pass
