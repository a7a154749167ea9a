"""Reference orbits kept on disk, for those who ask: a directory in ``MANDELBROT_ORBITS``.

An orbit of 10 000 digits takes minutes, and is the same in every session. A file holds the state of
one as arrays (NumPy's own format) behind their checksum. It is written beside and then renamed, so
that nobody reads half of one; a damaged file, or one that cannot be read or written, is as good as
none.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import gmpy2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mandelbrot.reference_orbit import ReferenceOrbit

VARIABLE = "MANDELBROT_ORBITS"
"""Name of the environment variable."""

WORTH = 1.0
"""Seconds of computing from which an orbit is kept."""

_FORMAT = b"mandelbrot orbit 2\n"
_DIGEST = hashlib.sha256().digest_size


def _path(orbit: ReferenceOrbit) -> Path | None:
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    # gmpy2, because Python writes 4300 digits at most.
    re, im = gmpy2.mpq(orbit.re), gmpy2.mpq(orbit.im)
    point = f"{re} {im} {orbit.radius_e} {orbit.size}"
    return Path(folder).expanduser() / (hashlib.sha256(point.encode()).hexdigest() + ".orbit")


def _read(path: Path) -> dict[str, NDArray[np.generic]] | None:
    try:
        with path.open("rb") as file:
            if file.read(len(_FORMAT)) != _FORMAT:
                return None
            digest, data = file.read(_DIGEST), file.read()
        if hashlib.sha256(data).digest() != digest:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, BadZipFile):
        return None


def restore(orbit: ReferenceOrbit) -> None:
    """Continue an orbit from where it was saved last, if it was."""
    path = _path(orbit)
    state = path and _read(path)
    if state:
        orbit.restore(state)


def save(orbit: ReferenceOrbit) -> None:
    """Keep an orbit as far as it is known."""
    path = _path(orbit)
    if path is None:
        return
    buffer = io.BytesIO()
    np.savez(buffer, **orbit.state())  # type: ignore[arg-type]  # the stubs take the last for a flag
    data = buffer.getbuffer()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_FORMAT + hashlib.sha256(data).digest())
                file.write(data)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
