"""What is done of a picture, kept beside it until all is: an interrupted command goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mandelbrot_cli.errors import CommandError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Parts"]

NOTE = "picture.json"


class Parts:
    """The arrays that a picture is made of, in the folder ``OUT.part``.

    Parameters
    ----------
    out : Path
        Where the picture will be.
    description : list
        What decides its parts, as JSON: parts of another picture are forgotten.

    Raises
    ------
    InputError
        There is something at one of the two places that is not ours to remove.
    CommandError
        Nothing can be written there.
    """

    def __init__(self, out: Path, description: list[Any]) -> None:
        self._out = out
        self._folder = Path(f"{out}.part")
        note = self._folder / NOTE
        wanted = json.dumps(description)
        if out.is_dir():
            msg = f"{out} is a folder, expected nothing there; remove it, or choose another name"
            raise InputError(msg)
        try:
            if note.exists() and note.read_text("utf-8") == wanted:
                return
            if self._folder.exists() and not note.exists() and any(self._folder.iterdir()):
                msg = f"{self._folder} holds something else; remove it, or choose another name"
                raise InputError(msg)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            note.write_text(wanted, "utf-8")
        except OSError as error:
            msg = f"{out} cannot be written ({error.strerror}); choose another place with --out"
            raise CommandError(msg) from error

    def __contains__(self, name: str) -> bool:
        return self._path(name).exists()

    def keep(self, name: str, array: NDArray[Any]) -> None:
        """Keep an array; it is there whole, or not at all."""
        path = self._path(name)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, array)
        unfinished.replace(path)

    def read(self, name: str) -> NDArray[Any]:
        """Return an array that was kept."""
        with np.load(self._path(name)) as kept:
            array: NDArray[Any] = kept["arr_0"]
            return array

    @property
    def unfinished(self) -> Path:
        """Where the picture is to be written, before it is `finish`ed."""
        path = self._folder / self._out.name
        if path.is_dir():
            shutil.rmtree(path)
        return path

    def finish(self) -> None:
        """Put the picture in its place, and remove the parts."""
        (self._folder / self._out.name).replace(self._out)
        shutil.rmtree(self._folder)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npz"
