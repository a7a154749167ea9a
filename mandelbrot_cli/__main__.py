"""The command line: ``mandelbrot`` or ``python -m mandelbrot_cli``."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from mandelbrot_cli import bake, info, render, serve
from mandelbrot_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBCOMMANDS = (serve, render, bake, info)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="mandelbrot",
        description="Serve, render and bake the Mandelbrot set, at any depth.",
        epilog="mandelbrot COMMAND --help tells more about each.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in SUBCOMMANDS:
        module.add_parser(commands)
    # "-0.75+0.1i" is a place, not an option: minus signs proper are read as what they are.
    words = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args([re.sub(r"^-(?=[\d.])", "−", word) for word in words])
    try:
        return int(options.run(options))
    except CommandError as error:
        print(f"mandelbrot: {error}", file=sys.stderr)
        return error.status
    except OSError as error:  # a full disk, a reader that has gone
        print(f"mandelbrot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if getattr(options, "goes_on", False):
            print("mandelbrot: interrupted; the same command again goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
