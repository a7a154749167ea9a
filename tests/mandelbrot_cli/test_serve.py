"""``mandelbrot serve`` as a process: what it says, that it serves, how it ends."""

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager

import pytest
from numcodecs import Blosc

from mandelbrot_cli.serve import NAME, store_version
from mandelbrot_store import MandelbrotStore


@contextmanager
def serving(*words):
    command = [sys.executable, "-m", "mandelbrot_cli", "serve", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def test_it_serves_the_store_until_it_is_interrupted():
    with serving("--maxiter", "50", "--tilesize", "64", "--levels", "9") as (process, page):
        assert page.startswith("http://127.0.0.1:")
        store = MandelbrotStore(9, 64, 50, Blosc())
        with urllib.request.urlopen(f"{page}{NAME}/8/.zarray") as response:
            assert response.read() == store["8/.zarray"]
        with urllib.request.urlopen(page) as response:
            assert "?source=" in response.url
            assert b"<html" in response.read()
        with urllib.request.urlopen(f"{page}{NAME}/8/0.1") as response:
            assert response.read() == store["8/0.1"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130, -signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_what_is_under_way_before_it_ends(number):
    with serving("--maxiter", "auto", "--tilesize", "256") as (process, page):
        answers = []

        def ask():
            with urllib.request.urlopen(f"{page}{NAME}/39/0.0") as response:
                answers.append(response.read())

        asking = threading.Thread(target=ask)
        asking.start()
        with urllib.request.urlopen(f"{page}{NAME}/.zattrs"):
            process.send_signal(number)
        process.wait(60)
        asking.join()
        assert len(answers) == 1


def test_it_ends_although_a_client_waits_for_ever():
    row, column = 2**39, 2**39 + 2**40 // 20
    words = ("--maxiter", "4000000000", "--precision", "fast", "--patience", "1")
    with serving(*words) as (process, page):
        # The cusp of the cardioid is in this tile: its points take hours to escape.
        port = int(page.rpartition(":")[2].strip("/"))
        waiting = socket.create_connection(("127.0.0.1", port))
        waiting.sendall(f"GET /{NAME}/0/{row}.{column} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with urllib.request.urlopen(f"{page}{NAME}/.zattrs"):
            process.send_signal(signal.SIGTERM)
        process.wait(60)
        waiting.close()


def test_a_port_in_use_is_a_sentence(mandelbrot):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = mandelbrot("serve", "--port", taken.getsockname()[1])
    assert done.returncode == 1
    assert "cannot listen at 127.0.0.1" in done.stderr
    assert "--port 0" in done.stderr


def test_the_version_stands_for_the_bytes():
    versions = {
        store_version(MandelbrotStore(**parameters))
        for parameters in (
            {},
            {"maxiter": 256},
            {"center": ("1e-30", 0)},
            {"precision": "fast"},
            {"zarr_format": 3},
        )
    }
    assert len(versions) == 5
    assert store_version(MandelbrotStore()) == store_version(MandelbrotStore(width="5.0"))
