"""What goes wrong in a way that the person at the command line can mend."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import requires

__all__ = ["CommandError", "InputError", "need"]

DISTRIBUTION = "mandelbrot-vizarr"


class CommandError(Exception):
    """What was wrong, what is expected and the remedy, in a sentence for who gave the command."""

    status = 1
    """What the process ends with."""


class InputError(CommandError):
    """The command itself was wrong: nothing was tried."""

    status = 2  # as argparse ends


def need(extra: str, *modules: str) -> None:
    """Check that the modules of an optional part of the package can be imported.

    Raises
    ------
    CommandError
        One cannot; it says what to install.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            wanted = " ".join(f'"{requirement}"' for requirement in _requirements(extra))
            msg = f"this needs {error.name}, which is not installed: pip install {wanted}"
            raise CommandError(msg) from error


def _requirements(extra: str) -> list[str]:
    marked = re.compile(rf"(.*?)\s*;.*\bextra\s*==\s*['\"]{extra}['\"]")
    matches = map(marked.fullmatch, requires(DISTRIBUTION) or [])
    return [match[1] for match in matches if match]
