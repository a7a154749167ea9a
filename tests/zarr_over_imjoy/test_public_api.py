"""The public interface, written out: changing it is a decision, not an accident."""

from __future__ import annotations

import inspect

import traitlets

import imjoy_plugin
import zarr_over_imjoy

HANDLE = """\
Viewer(images=(), view_state=None, *, html=None, url=None, upstream=None, height=600)
    add_image(image)
    bookmarks
    center: trait
    close()
    go_to(re, im, width)
    images
    location: trait
    palette: trait
    ready
    remove_image(image_id)
    screenshot()
    set_view_state(view_state)
    update_image(image_id, **changes)
    view_state: trait
    width: trait
"""


def call(name: str, function: object) -> str:
    """Write a call without annotations, which are mypy's to check."""
    signature = inspect.signature(function)  # type: ignore[arg-type] # it is callable
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return f"{name}{inspect.Signature(parameters)}"


def member(name: str, value: object) -> str:
    if isinstance(value, traitlets.TraitType):
        return f"{name}: trait"
    return call(name, value) if callable(value) else name


def test_names() -> None:
    assert sorted(zarr_over_imjoy.__all__) == [
        "Bookmark",
        "CODECS",
        "Location",
        "Viewer",
        "check_image",
        "check_view_state",
        "encode_source",
        "open_source",
    ]
    assert imjoy_plugin.__all__ == ["CODECS", "Plugin", "Viewer", "register_codecs", "run_vizarr"]


def test_handle() -> None:
    handle = zarr_over_imjoy.Viewer
    members = {
        name: vars(base)[name]
        for base in reversed(handle.__mro__)
        if base.__module__.startswith("zarr_over_imjoy")
        for name in vars(base)
        if not name.startswith("_") and not hasattr(traitlets.HasTraits, name)
    }
    lines = [member(name, members[name]) for name in sorted(members)]
    assert call("Viewer", handle) + "\n    " + "\n    ".join(lines) + "\n" == HANDLE
