"""Reference orbits on disk: continued where they were left, and never trusted when damaged."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mandelbrot import orbit_cache, reference_orbit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RE, IM, RADIUS = Fraction(-74, 100), Fraction(13, 100), Fraction(1, 10**60)
NEVER = np.zeros(1, np.uint8)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return what is computed: first and last index, in parts."""
    parts, iterate = [], reference_orbit.iterate

    def watched(*args: object) -> tuple[int, int, int]:
        result = iterate(*args)  # type: ignore[arg-type]
        if result[0] > args[4]:  # type: ignore[operator]
            parts.append((args[4], result[0]))
        return result

    monkeypatch.setattr(reference_orbit, "iterate", watched)
    return parts  # type: ignore[return-value]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(orbit_cache.VARIABLE, str(tmp_path / "orbits"))
    monkeypatch.setattr(orbit_cache, "WORTH", 0.0)
    return tmp_path / "orbits"


def orbit(stop: int, cancel: NDArray[np.uint8] = NEVER) -> reference_orbit.ReferenceOrbit:
    result = reference_orbit.reference_orbit(RE, IM, RADIUS)
    result.extend(stop, cancel)
    return result


def same(a: reference_orbit.ReferenceOrbit, b: reference_orbit.ReferenceOrbit) -> bool:
    mine, theirs = a.state(), b.state()
    return all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_an_orbit_is_read_and_continued(folder: Path, computed: list[tuple[int, int]]) -> None:
    first = orbit(90)
    assert len(list(folder.iterdir())) == 1
    assert same(orbit(90), first)
    assert computed == [(0, 90)]
    longer = orbit(150)
    assert computed == [(0, 90), (90, 150)]
    folder.rename(folder.with_name("elsewhere"))
    assert same(orbit(150), longer)
    assert computed[2:] == [(0, 150)]


def test_an_orbit_of_10_000_digits_is_kept(folder: Path, computed: list[tuple[int, int]]) -> None:
    for stop in (30, 60):
        reference_orbit.reference_orbit(RE, IM, Fraction(1, 10**10_000)).extend(stop, NEVER)
    assert len(list(folder.iterdir())) == 1
    assert computed == [(0, 30), (30, 60)]


def test_nothing_is_kept_without_the_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(orbit_cache.VARIABLE)
    orbit(90)
    assert not folder.exists()


def test_an_orbit_that_took_no_time_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orbit_cache, "WORTH", 60.0)
    orbit(90)
    assert not folder.exists()


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other", "folder"])
def test_damaged_files_are_ignored_and_replaced(
    folder: Path, computed: list[tuple[int, int]], damage: str
) -> None:
    first = orbit(90)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-200] ^= 1
    path.write_bytes({"cut": data[:300], "empty": b"", "other": b"\x00" * 500}.get(damage, data))
    if damage == "folder":
        path.unlink()
        path.mkdir()
    assert same(orbit(90), first)
    assert computed == [(0, 90), (0, 90)]
    assert len(list(folder.iterdir())) == 1
    if damage != "folder":
        assert same(orbit(90), first)
        assert computed == [(0, 90), (0, 90)]


def test_a_cancelled_orbit_goes_on_where_it_was(
    folder: Path, computed: list[tuple[int, int]]
) -> None:
    cancel = np.zeros(1, np.uint8)

    def stop(_last: int, _stop: int) -> None:
        cancel[0] = 1

    long = Fraction(0), Fraction(1), Fraction(1, 10**4000)
    assert not reference_orbit.reference_orbit(*long).extend(4000, cancel, stop)
    assert list(folder.iterdir())
    assert reference_orbit.reference_orbit(*long).extend(4000, NEVER)
    assert computed[0][1] == computed[1][0] > 0
