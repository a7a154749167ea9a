"""``mandelbrot serve``: the store over HTTP, and the viewer in a browser."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import webbrowser
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mandelbrot_cli.errors import DISTRIBUTION, CommandError, need
from mandelbrot_cli.options import add_store_options, count, make_store

if TYPE_CHECKING:
    import argparse

    from mandelbrot_store import MandelbrotStore

__all__ = ["add_parser", "run"]

PAGE = Path(__file__).parents[1] / "imjoy_plugin.html"
NAME = "mandelbrot.zarr"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "serve",
        help="serve the set over HTTP, with a viewer",
        description="Serve the Mandelbrot set as an OME-Zarr image over HTTP, computed as it is "
        "asked for, together with a page to explore it in a browser.",
        epilog="Any reader of OME-Zarr opens the address of the store: vizarr, neuroglancer, "
        "napari, zarr-python, zarrita, GDAL. Those built on dask, such as napari, want "
        "--levels 10. Ctrl-C ends it.",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; 0.0.0.0: all (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=count(0, 65_535),
        default=8000,
        help="0: any that is free (default: %(default)s)",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--cache",
        type=count(1),
        default=1024,
        metavar="MIB",
        help="most MiB of tiles kept in memory (default: %(default)s)",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--queue",
        type=count(1),
        default=256,
        metavar="N",
        help="requests for tiles that may wait (default: %(default)s)",
    )
    limits.add_argument(
        "--queue-per-client",
        type=count(1),
        default=64,
        metavar="N",
        help="of one address; raise it behind a proxy (default: %(default)s)",
    )
    limits.add_argument(
        "--patience",
        type=count(1),
        default=20,
        metavar="SECONDS",
        help="after which a stalled client is cut off (default: %(default)s)",
    )
    limits.add_argument(
        "--connections",
        type=count(1),
        default=1000,
        metavar="N",
        help="clients at a time (default: %(default)s)",
    )
    parser.add_argument("--verbose", action="store_true", help="log each request")
    add_store_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    need("serve", "starlette", "uvicorn")
    from generative_zarr import LRUStoreCache  # noqa: PLC0415 - `--help` needs none of it
    from zarr_http import listen, make_server, zarr_app  # noqa: PLC0415 - an optional part

    if not PAGE.exists():
        msg = f"no {PAGE}, which installing the package builds; run `pip install .` in the clone"
        raise CommandError(msg)
    store = make_store(options)
    app = zarr_app(
        LRUStoreCache(store, options.cache * 2**20),
        name=NAME,
        version=store_version(store),
        page=PAGE,
        most_waiting=options.queue,
        most_waiting_per_client=options.queue_per_client,
    )
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        msg = (
            f"cannot listen at {options.host}, port {options.port} ({error.strerror or error}); "
            "choose others with --host and --port; --port 0 is any that is free"
        )
        raise CommandError(msg) from error
    root = _address(listener.getsockname())

    def ready() -> None:
        print(f"Explore it:  {root}/", flush=True)
        print(f"Its store:   {root}/{NAME}", flush=True)
        print("Ctrl-C ends it.", flush=True)
        if options.open:
            webbrowser.open(f"{root}/")

    server = make_server(
        app,
        patience=options.patience,
        most_connections=options.connections,
        access_log=options.verbose,
        ready=ready,
    )
    server.run([listener])
    return 0


def store_version(store: MandelbrotStore) -> str:
    """Return what stands for all bytes of a store: its parameters and this package's version."""
    root = store[".zmetadata" if ".zmetadata" in store else "zarr.json"]
    text = json.dumps([version(DISTRIBUTION), root.decode()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _address(name: tuple[str, int]) -> str:
    host, port = name[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # all addresses: this one is always among them
        host = "[::1]" if address.version == 6 else "127.0.0.1"  # noqa: PLR2004 - IPv6
    elif address.version == 6:  # noqa: PLR2004 - IPv6
        host = f"[{host}]"
    return f"http://{host}:{port}"
