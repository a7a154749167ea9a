"""OME-Zarr metadata of an image pyramid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zarr.abc.codec import BytesBytesCodec
from zarr.registry import get_codec_class

from generative_zarr.channels import omero

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numcodecs.abc import Codec

    from generative_zarr.channels import Channel
    from generative_zarr.keys import ZarrFormat

__all__ = [
    "AXES",
    "CHANNEL_AXES",
    "JSON",
    "OME_KEYS",
    "Sampling",
    "multiscale",
    "pyramid_metadata",
    "zarr3_codec",
]

JSON: TypeAlias = Any
"""What `json` reads and writes; mypy does not handle the recursive type well."""

Sampling: TypeAlias = Literal["center", "corner"]

OME_KEYS = {2: ("multiscales", "omero"), 3: ("ome",)}
"""The group attributes that describe an OME-Zarr image, by Zarr format."""

AXES = {"y": "space", "x": "space"}
CHANNEL_AXES = {"c": "channel", **AXES}
"""Names and types of an image's axes, without channels and with them."""


def pyramid_metadata(
    *,
    levels: int,
    tilesize: int,
    dtype: np.dtype[Any],
    compressor: Codec | None,
    zarr_format: ZarrFormat,
    sampling: Sampling,
    name: str,
    attributes: Mapping[str, JSON],
    channels: tuple[Channel, ...] | None = None,
) -> dict[str, bytes]:
    """Return every metadata document of a pyramid.

    Level L, 0 ≤ L < `levels`, is a square of ``tilesize * 2**(levels - L)`` pixels a side in
    chunks of `tilesize`, each with all of its `channels` where there are any. Format 2 is OME-Zarr
    0.4, format 3 is OME-Zarr 0.5; both carry consolidated metadata.

    Returns
    -------
    dict of str to bytes
        The documents by key, the root's first.
    """
    axes = AXES if channels is None else CHANNEL_AXES
    image: dict[str, JSON] = {"multiscales": [multiscale(levels, sampling, name, axes)]}
    if channels is not None:
        image["omero"] = omero(channels, dtype)
    planes = () if channels is None else (len(channels),)
    chunk = (*planes, tilesize, tilesize)
    shapes = [(*planes, *[tilesize << (levels - level)] * 2) for level in range(levels)]
    if zarr_format == 2:  # noqa: PLR2004 - the format's own number
        image["multiscales"][0] = {"version": "0.4", **image["multiscales"][0]}
        documents: dict[str, JSON] = {
            ".zgroup": {"zarr_format": 2},
            ".zattrs": {**image, **attributes},
        }
        for level, shape in enumerate(shapes):
            documents[f"{level}/.zarray"] = _array_v2(shape, chunk, dtype, compressor)
            # Format 2 has no names of dimensions; where xarray looks for them.
            documents[f"{level}/.zattrs"] = {"_ARRAY_DIMENSIONS": list(axes)}
        consolidated = {"zarr_consolidated_format": 1, "metadata": documents}
        documents = {".zmetadata": consolidated} | documents
    else:
        arrays = {
            str(level): _array_v3(shape, chunk, axes, dtype, compressor)
            for level, shape in enumerate(shapes)
        }
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {"ome": {"version": "0.5", **image}, **attributes},
            "consolidated_metadata": {
                "kind": "inline",
                "must_understand": False,
                "metadata": arrays,
            },
        }
        documents = {"zarr.json": group}
        documents |= {f"{path}/zarr.json": array for path, array in arrays.items()}
    return {
        key: json.dumps(document, allow_nan=False).encode() for key, document in documents.items()
    }


def multiscale(
    levels: int, sampling: Sampling, name: str, axes: Mapping[str, str]
) -> dict[str, JSON]:
    """Return OME-Zarr's description of a pyramid whose levels, "0", "1", …, are halved each time.

    `axes` are names and types; the last two are those of rows and columns.
    """
    return {
        "name": name,
        "axes": [{"name": axis, "type": kind} for axis, kind in axes.items()],
        "datasets": [
            {
                "path": str(level),
                "coordinateTransformations": _transformations(level, sampling, len(axes) - 2),
            }
            for level in range(levels)
        ],
    }


def _transformations(level: int, sampling: Sampling, others: int) -> list[dict[str, JSON]]:
    """Map array indices of a level to world coordinates: the array indices of level 0.

    An index stands for the place of its sample. Centre-sampled levels cover the same square, so
    the first sample of level L lies ``(2**L - 1) / 2`` pixels of level 0 further in than that of
    level 0. Corner-sampled levels all have their first sample at the same place. The `others`,
    axes before those of rows and columns, are alike in all levels.
    """
    scale = 2.0**level
    transformations: list[dict[str, JSON]] = [
        {"type": "scale", "scale": [1.0] * others + [scale, scale]}
    ]
    if sampling == "center":
        shift = (scale - 1) / 2
        transformations.append(
            {"type": "translation", "translation": [0.0] * others + [shift, shift]}
        )
    return transformations


def _array_v2(
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    dtype: np.dtype[Any],
    compressor: Codec | None,
) -> dict[str, JSON]:
    return {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": list(chunk),
        "dtype": dtype.str,
        "compressor": compressor and compressor.get_config(),
        "fill_value": dtype.type(0).item(),
        "order": "C",
        "filters": None,
        "dimension_separator": ".",
    }


def _array_v3(
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    axes: Mapping[str, str],
    dtype: np.dtype[Any],
    compressor: Codec | None,
) -> dict[str, JSON]:
    codecs: list[JSON] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if compressor is not None:
        codecs.append(zarr3_codec(compressor, dtype))
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": dtype.type(0).item(),
        "codecs": codecs,
        "dimension_names": list(axes),
        "attributes": {},
    }


def zarr3_codec(compressor: Codec, dtype: np.dtype[Any]) -> dict[str, JSON]:
    """Express a numcodecs codec as a Zarr format 3 codec that decodes the same bytes.

    Blosc, GZip and Zstd have names in the Zarr specification. Of the others, those that turn
    bytes into bytes are known to zarr-python (and some other readers) as ``numcodecs.<id>``.

    Raises
    ------
    ValueError
        If Zarr format 3 has no such codec.
    """
    config = dict(compressor.get_config())
    codec = config.pop("id")
    if codec == "blosc":
        automatic = 2 if dtype.itemsize == 1 else 1  # as numcodecs.blosc resolves AUTOSHUFFLE
        shuffle = automatic if config["shuffle"] == -1 else config["shuffle"]
        config["shuffle"] = ("noshuffle", "shuffle", "bitshuffle")[shuffle]
        config["typesize"] = dtype.itemsize
    elif codec not in {"gzip", "zstd"}:
        codec = f"numcodecs.{codec}"
        try:
            expressible = issubclass(get_codec_class(codec), BytesBytesCodec)
        except KeyError:
            expressible = False
        if not expressible:
            msg = (
                f"compressor {compressor!r} cannot be expressed in Zarr format 3, expected a codec "
                "from bytes to bytes; use numcodecs.Blosc(), Zstd() or GZip(), or zarr_format=2"
            )
            raise ValueError(msg)
    return {"name": codec, "configuration": config}
