"""The store, served by the command in a process of its own, as these readers meet it."""

import subprocess
import sys

import pytest
from numcodecs import Blosc

from mandelbrot_store import MandelbrotStore

LEVELS, TILESIZE, MAXITER = 5, 64, 200


@pytest.fixture(scope="session", params=[2, 3], ids=["OME-Zarr 0.4", "OME-Zarr 0.5"])
def store(request):
    """Return the store that is served, computed in this process."""
    return MandelbrotStore(LEVELS, TILESIZE, MAXITER, Blosc(), zarr_format=request.param)


@pytest.fixture(scope="session")
def url(store):
    """Yield the address of the same store over HTTP."""
    words = ["--levels", LEVELS, "--tilesize", TILESIZE, "--maxiter", MAXITER, "--port", 0]
    words += ["--zarr-format", store.zarr_format]
    command = [sys.executable, "-m", "mandelbrot_cli", "serve", *map(str, words)]
    # Some readers hold Python's lock while they wait for an answer.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process.stdout.readline().split()[-1]
        process.kill()
