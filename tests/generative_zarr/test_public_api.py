"""The public interface, written out: changing it is a decision, not an accident."""

import inspect
import textwrap

import pytest
from zarr.abc.store import Store

import generative_zarr
import mandelbrot_store

WALLS = ("generative_zarr", "mandelbrot_store")
NOT_ZARRS = set(dir(Store)) - {"clear", "get"}  # these two mean something else, or more, here


def call(name, function):
    """Write a call without annotations, which are mypy's to check."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return f"{name}{inspect.Signature(parameters)}"


def lines(name, thing):
    if thing.__name__ != name:
        yield f"{name} = {thing.__name__}"
        return
    yield call(name, thing)
    for base in inspect.getmro(thing) if isinstance(thing, type) else ():
        if base.__module__.startswith(WALLS):
            for member in sorted(set(vars(base)) - NOT_ZARRS):
                value = vars(base)[member]
                if not member.startswith("_"):
                    yield "    " + (call(member, value) if callable(value) else member)


def interface(module):
    """List public names, and the members that a zarr `Store` has not, base classes' last."""
    return "".join(
        textwrap.fill(line, 96, subsequent_indent=" " * 8) + "\n"
        for name in sorted(module.__all__)
        for line in lines(name, getattr(module, name))
    )


GENERATIVE_ZARR = """\
Cancellation()
    cancel()
    cancelled
    flag
    run(function, /, *args, **kwargs)
Channel(name, color='FFFFFF', contrast_limits=None, visible=True)
    color
    contrast_limits
    name
    visible
GenerativeStore(*, levels, tilesize, dtype, compressor=None, zarr_format=2, sampling='center',
        name='', attributes=None, floor=0, channels=None, executor=None)
    channels
    chunk_key(level, row, column)
    decode(chunk)
    dtype
    encoded_tile(address)
    levels
    tile(level, row, column)
    tile_shape
    tilesize
    zarr_format
    clear()
    get(key, prototype=None, byte_range=None, *, default=None)
LRUStoreCache(store, max_size)
    clear()
    hits
    max_size
    misses
    nbytes
    store
    clear()
    get(key, prototype=None, byte_range=None, *, default=None)
current_cancellation()
progress_listener(listener)
report_progress(done, total)
"""

MANDELBROT_STORE = """\
LRUStoreCache(store, max_size)
    clear()
    hits
    max_size
    misses
    nbytes
    store
    clear()
    get(key, prototype=None, byte_range=None, *, default=None)
MandelbrotStore(levels=40, tilesize=1024, maxiter=255, compressor=None, *, sampling='center',
        zarr_format=2, center=(0, 0), width=5, precision='exact', executor=None, floor=None)
    tile(level, row, column)
    channels
    chunk_key(level, row, column)
    decode(chunk)
    dtype
    encoded_tile(address)
    levels
    tile(level, row, column)
    tile_shape
    tilesize
    zarr_format
    clear()
    get(key, prototype=None, byte_range=None, *, default=None)
MandlebrotStore = MandelbrotStore
"""


@pytest.mark.parametrize(
    ("module", "expected"),
    [(generative_zarr, GENERATIVE_ZARR), (mandelbrot_store, MANDELBROT_STORE)],
)
def test_public_api(module, expected):
    assert interface(module) == expected
