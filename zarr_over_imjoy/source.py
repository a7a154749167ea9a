"""Open whatever a person calls an image as a Zarr array or group."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias

import numcodecs
import numpy as np
import zarr
from zarr.abc.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Source: TypeAlias = "str | zarr.Array[Any] | zarr.Group"
"""A URL that the page fetches itself, or a node that Python serves."""

IMAGE_ATTRIBUTES = ("multiscales", "ome", "plate", "well", "bioformats2raw.layout")
"""Group attributes of OME-Zarr, one of which a viewer needs in order to show a group."""

CHUNK = 512
AXES = "tczyx"
"""Order of the axes in OME-Zarr 0.4."""
SPATIAL = "zyx"

DRAWABLE = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
"""Pixel types that viewers built on Viv draw."""
CASTS = {"bool": ("u1",), "float16": ("f4",), "int64": ("i4", "u4"), "uint64": ("u4",)}
"""Types that each other type is converted to, the first that holds all values."""


def open_source(
    source: object, *, axis_labels: Sequence[str] | None = None, channel_axis: int | None = None
) -> Source:
    """Open an image's source for reading.

    Parameters
    ----------
    source
        A Zarr array or group (of any store, at any path), a Zarr store, a NumPy array, a URL
        (``http://`` and ``https://`` are left for the page to fetch), or a path.
    axis_labels, channel_axis
        Which axes a NumPy array has. Default: the last ones of t, c, z, y, x, with c before z for
        three axes; three or four uint8 values at the end are taken for red, green, blue (alpha).

    Returns
    -------
    str, zarr.Array or zarr.Group

    Raises
    ------
    TypeError
        `source` is nothing that can be an image.
    ValueError
        `source` cannot be read, or is no image.
    """
    if isinstance(source, np.ndarray):
        return _in_memory_image(source, axis_labels, channel_axis)
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return source
    if isinstance(source, Store | str | PathLike):
        source = _open(source)
    if isinstance(source, zarr.Array):
        _check_pixels(source, len(source.shape), np.dtype(source.dtype))
        return source
    if isinstance(source, zarr.Group):
        if not any(name in source.attrs for name in IMAGE_ATTRIBUTES):
            arrays = [name for name, _ in source.arrays()]
            remedy = f"pass one of its arrays, {arrays}" if arrays else "pass an array"
            msg = f"{source!r} is no image: expected an attribute of {IMAGE_ATTRIBUTES}; {remedy}"
            raise ValueError(msg)
        return source
    msg = (
        f"source is {source!r:.100} ({type(source).__name__}): expected a Zarr array, group or "
        "store, a NumPy array, a URL or a path; zarr.open(…) and numpy.asarray(…) give one"
    )
    raise TypeError(msg)


def _open(location: Store | str | PathLike[str]) -> zarr.Array[Any] | zarr.Group:
    place = location if isinstance(location, Store | str) else fspath(location)
    try:
        return zarr.open(place, mode="r")
    except Exception as error:
        msg = (
            f"source {location!r} cannot be opened ({type(error).__name__}: {error}): expected a "
            "Zarr array or group there; check the location with zarr.open(…)"
        )
        raise ValueError(msg) from error


def _check_pixels(source: object, ndim: int, dtype: np.dtype[Any]) -> None:
    if ndim < 2 or dtype.kind not in "biuf":  # noqa: PLR2004 # rows and columns
        msg = (
            f"{source!r:.100} has {ndim} axes of {dtype}: expected at least 2 axes of numbers; "
            "select or convert what the viewer is to show"
        )
        raise ValueError(msg)


def _in_memory_image(
    array: NDArray[Any], axis_labels: Sequence[str] | None, channel_axis: int | None
) -> zarr.Group:
    """Copy an array into an OME-Zarr image in memory, with levels down to one chunk."""
    _check_pixels(array, array.ndim, array.dtype)
    attributes: dict[str, Any] = {}
    if axis_labels is None and channel_axis is None and _is_rgb(array):
        array = np.moveaxis(array, -1, 0)[:3]
        attributes["omero"] = {"channels": [_rgb_channel(*name) for name in RGB.items()]}
    axes = _axes(array.ndim, axis_labels, channel_axis)
    group = zarr.create_group(zarr.storage.MemoryStore(), zarr_format=2)
    datasets: list[dict[str, Any]] = []
    level = _drawable(array)
    while True:
        factor = 2 ** len(datasets)
        group.create_array(
            str(len(datasets)),
            data=level,
            chunks=(1,) * (array.ndim - 2) + (CHUNK, CHUNK),
            compressors=numcodecs.Blosc(cname="lz4", clevel=1),
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        scale = [1.0] * (array.ndim - 2) + [float(factor)] * 2
        shift = [0.0] * (array.ndim - 2) + [(factor - 1) / 2] * 2
        transformations = [
            {"type": "scale", "scale": scale},
            {"type": "translation", "translation": shift},
        ]
        datasets.append({"path": str(len(datasets)), "coordinateTransformations": transformations})
        if max(level.shape[-2:]) <= CHUNK:
            break
        level = _halve(level)
    attributes["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    group.attrs.update(attributes)
    return group


def _axes(
    ndim: int, axis_labels: Sequence[str] | None, channel_axis: int | None
) -> list[dict[str, str]]:
    names = list(axis_labels or {2: "yx", 3: "cyx", 4: "czyx", 5: AXES}.get(ndim, ""))
    if axis_labels is None and channel_axis is not None:
        names = list("tzyx"[-(ndim - 1) :])
        names.insert(channel_axis % ndim, "c")
    if len(names) != ndim or names[-2:] != ["y", "x"]:
        msg = (
            f"an array of {ndim} axes with axis_labels={axis_labels!r}, "
            f"channel_axis={channel_axis!r}: expected a label for each axis, 'y' and 'x' last; "
            "transpose the array"
        )
        raise ValueError(msg)
    types = {"t": "time", "c": "channel"} | dict.fromkeys(SPATIAL, "space")
    return [{"name": name, "type": types.get(name, "channel")} for name in names]


RGB = {"red": "FF0000", "green": "00FF00", "blue": "0000FF"}


def _is_rgb(array: NDArray[Any]) -> bool:
    return array.ndim == 3 and array.shape[-1] in {3, 4} and array.dtype == np.uint8  # noqa: PLR2004


def _rgb_channel(label: str, color: str) -> dict[str, Any]:
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    return {"label": label, "color": color, "window": window, "active": True}


def _drawable(array: NDArray[Any]) -> NDArray[Any]:
    """Convert an array to a type that viewers draw, if one holds all its values."""
    if array.dtype in DRAWABLE:
        return array
    for dtype in map(np.dtype, CASTS.get(array.dtype.name, ())):
        if dtype.kind == "f" or array.dtype == bool or _fits(array, dtype):
            return array.astype(dtype)
    msg = (
        f"an array of {array.dtype}: expected one of "
        f"{', '.join(np.dtype(name).name for name in DRAWABLE)}; convert it with .astype(…)"
    )
    raise ValueError(msg)


def _fits(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    bounds = np.iinfo(dtype)
    return bool(array.size == 0 or (array.min() >= bounds.min and array.max() <= bounds.max))


def _halve(array: NDArray[Any]) -> NDArray[Any]:
    """Return the means of 2 x 2 pixels (of 1 x 2, 2 x 1, 1 x 1 at an odd border)."""
    rows, columns = array.shape[-2:]
    padding = [(0, 0)] * (array.ndim - 2) + [(0, rows % 2), (0, columns % 2)]
    padded = np.pad(array, padding, mode="edge")
    corners = [padded[..., i::2, j::2].astype(np.float64) for i in (0, 1) for j in (0, 1)]
    mean = sum(corners[1:], corners[0]) / 4
    return (mean if array.dtype.kind == "f" else np.rint(mean)).astype(array.dtype)
