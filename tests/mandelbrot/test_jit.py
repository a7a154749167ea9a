"""The compiled code's cache, and independence of the machine, in fresh processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Prints a digest of some tiles, and how many of the compiled functions came from the cache.
PROGRAM = """
import hashlib
from mandelbrot import Pyramid, escape_time, fixed_point, render_tile
digest = hashlib.sha256()
for center, width, maxiter in {views!r}:
    pyramid = Pyramid(levels=1, tilesize=64, center=center, width=width)
    tile = render_tile(pyramid, 1, 0, 0, maxiter=maxiter, precision={precision!r})
    digest.update(tile.tobytes())
entries = [escape_time.fast_tile, escape_time.certified_tile, escape_time.refined_tile,
           fixed_point.count_points]
print(digest.hexdigest(), sum(sum(entry.stats.cache_hits.values()) for entry in entries))
"""
FAST = [((0, 0), 5, 255)]
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


def start(
    folder: Path, views: list[tuple[object, ...]], precision: str, **environment: str | Path
) -> subprocess.Popen[str]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    variables |= {name: str(value) for name, value in environment.items()}
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM.format(views=views, precision=precision)],
        cwd=folder,
        env=variables | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> tuple[str, int]:
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    digest, hits = output.split()
    return digest, int(hits)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(
        ROOT / "mandelbrot", folder / "mandelbrot", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="NUMBA_CPU_NAME=generic has no SIMD only on x86-64"
)
@pytest.mark.parametrize(("views", "precision"), [(EXACT, "exact"), (DEEP, "fast")])
def test_bytes_do_not_depend_on_the_instruction_set(
    package: Path, tmp_path: Path, views: list[tuple[object, ...]], precision: str
) -> None:
    generic = start(package, views, precision, NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=tmp_path)
    plain = start(package, views, precision, NUMBA_CACHE_DIR=tmp_path)
    assert result(generic)[0] == result(plain)[0]


def test_processes_that_start_together_share_the_cache(package: Path) -> None:
    together = [result(process) for process in [start(package, FAST, "fast") for _ in range(3)]]
    assert len({digest for digest, _ in together}) == 1
    assert result(start(package, FAST, "fast")) == (together[0][0], 1)
    # A change in any file of the package makes the stored code stale.
    with (package / "mandelbrot" / "lanes.py").open("a") as file:
        file.write("\n# changed\n")
    assert result(start(package, FAST, "fast")) == (together[0][0], 0)


def test_damaged_cache_files_are_replaced(package: Path) -> None:
    digest, _ = result(start(package, FAST, "fast"))
    for path in (package / "mandelbrot" / "__pycache__").glob("*.nb?"):
        path.write_bytes(path.read_bytes()[:100])
    assert result(start(package, FAST, "fast")) == (digest, 0)
    assert result(start(package, FAST, "fast")) == (digest, 1)


def test_a_read_only_installation_caches_in_the_home_directory(
    package: Path, tmp_path: Path
) -> None:
    # A file where the folder would be: nobody can write there, not even root.
    (package / "mandelbrot" / "__pycache__").touch()
    home = {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path / "cache"}
    digest, hits = result(start(package, FAST, "fast", **home))
    assert hits == 0
    assert list((tmp_path / "cache").rglob("*.nbi"))
    assert result(start(package, FAST, "fast", **home)) == (digest, 1)
    # And without a home directory there is no cache.
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}
    assert result(start(package, FAST, "fast", **nowhere)) == (digest, 0)


def test_importing_the_package_does_not_import_the_compiler() -> None:
    program = "import sys, mandelbrot; assert 'numba' not in sys.modules, 'numba is imported'"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)  # noqa: S603 - our own
