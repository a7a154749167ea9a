"""Tiles computed by the processes of an MPI job."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import os

import numpy as np
from mpi4py.futures import MPIPoolExecutor

from generative_zarr import GenerativeStore
from mandelbrot_store import MandelbrotStore


class Whereabouts(GenerativeStore):
    def tile(self, level, row, column):
        return np.full((8, 8), os.getpid())


if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        there = MandelbrotStore(3, 64, 300, executor=executor)
        here = MandelbrotStore(3, 64, 300)
        assert all(there[key] == here[key] for key in ("2/0.0", "2/1.1", "0/3.4"))
        pids = {
            int(np.frombuffer(chunk, "int64")[0])
            for store in [Whereabouts(levels=3, tilesize=8, dtype="int64", executor=executor)]
            for chunk in (store[f"0/{row}.{row}"] for row in range(8))
        }
        assert os.getpid() not in pids
    print("computed elsewhere")
"""


def test_an_mpi_executor(tmp_path):
    pytest.importorskip("mpi4py", reason="no mpi4py: pip install --group mpi")
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which(
        "mpiexec"
    )
    if mpiexec is None:
        pytest.skip("no mpiexec: install an MPI, such as pip install mpich")
    script = tmp_path / "tiles.py"
    script.write_text(SCRIPT)
    command = [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script)]
    done = subprocess.run(  # noqa: S603 - ours
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "computed elsewhere\n", done.stderr
