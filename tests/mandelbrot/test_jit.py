"""The compiled code's cache, and independence of the machine, in fresh processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Prints a digest of some tiles.
TILES = """
import hashlib
from mandelbrot import Pyramid, render_tile
digest = hashlib.sha256()
for center, width, maxiter in {views!r}:
    pyramid = Pyramid(levels=1, tilesize=64, center=center, width=width)
    tile = render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision={precision!r})
    digest.update(tile.tobytes())
print(digest.hexdigest())
"""
EXACT = [
    ((0, 0), 5, 255),
    (("-0.743643887037151", "0.131825904205330"), "1e-8", 2000),
    (("-0.72509765625", "0.21240234375"), "1e-12", 2000),
]
DEEP = [
    (("-0.743643887037151", "0.131825904205330"), "7e-13", 3000),
    (("-1.759817130804847813610825010561798238244", "-0.012593310799749865383746631843264858450"),
     "4e-14", 4036),
]  # fmt: skip

# A package of two files that uses the decorator as `mandelbrot` does, and compiles in no time.
INNER = """
from kernels.jit import kernel

@kernel()
def double(x):
    return 2 * x
"""
OUTER = """
from kernels.inner import double
from kernels.jit import kernel

@kernel(entry=True)
def plus_one(x):
    return double(x) + 1
"""
CALL = """
from kernels.outer import plus_one
print(plus_one(20), sum(plus_one.stats.cache_hits.values()))
"""


def start(program: str, folder: Path, **environment: str | Path) -> subprocess.Popen[str]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    variables |= {name: str(value) for name, value in environment.items()}
    return subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, "-c", program],
        cwd=folder,
        env=variables | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> list[str]:
    """Return the words that the process prints."""
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return output.split()


@pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="NUMBA_CPU_NAME=generic has no SIMD only on x86-64"
)
@pytest.mark.parametrize(("views", "precision"), [(EXACT, "exact"), (DEEP, "fast")])
def test_bytes_do_not_depend_on_the_instruction_set(
    tmp_path: Path, views: list[tuple[object, ...]], precision: str
) -> None:
    program = TILES.format(views=views, precision=precision)
    generic = start(program, ROOT, NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=tmp_path)
    assert result(generic) == result(start(program, ROOT))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return the folder to import the package `kernels` from."""
    kernels = tmp_path / "site" / "kernels"
    kernels.mkdir(parents=True)
    shutil.copy(ROOT / "mandelbrot" / "jit.py", kernels)
    (kernels / "inner.py").write_text(INNER)
    (kernels / "outer.py").write_text(OUTER)
    return kernels.parent


def test_processes_that_start_together_share_the_cache(package: Path) -> None:
    together = [start(CALL, package) for _ in range(3)]
    assert {result(process)[0] for process in together} == {"41"}
    assert result(start(CALL, package)) == ["41", "1"]


def test_a_change_in_another_file_makes_the_stored_code_stale(package: Path) -> None:
    assert result(start(CALL, package)) == ["41", "0"]
    (package / "kernels" / "inner.py").write_text(INNER.replace("2 * x", "3 * x"))
    assert result(start(CALL, package)) == ["61", "0"]


def test_damaged_cache_files_are_replaced(package: Path) -> None:
    assert result(start(CALL, package)) == ["41", "0"]
    files = list((package / "kernels" / "__pycache__").glob("*.nb?"))
    assert len(files) == 2
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    assert result(start(CALL, package)) == ["41", "0"]
    assert result(start(CALL, package)) == ["41", "1"]


def test_a_read_only_installation_caches_in_the_home_directory(
    package: Path, tmp_path: Path
) -> None:
    # A file where the folder would be: nobody can write there, not even root.
    (package / "kernels" / "__pycache__").touch()
    home = {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path / "cache"}
    assert result(start(CALL, package, **home)) == ["41", "0"]
    assert list((tmp_path / "cache").rglob("*.nbi"))
    assert result(start(CALL, package, **home)) == ["41", "1"]
    # And without a home directory there is no cache.
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}
    assert result(start(CALL, package, **nowhere)) == ["41", "0"]


def test_importing_the_package_does_not_import_the_compiler() -> None:
    program = "import sys, mandelbrot; assert 'numba' not in sys.modules, 'numba is imported'"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)  # noqa: S603 - our own
