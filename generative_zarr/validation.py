"""Checks of the parameters that stores are made with."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numcodecs.abc import Codec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

__all__ = ["choice", "codec", "group_attributes", "integer", "pixel_type", "text"]

T = TypeVar("T")


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as an int between `low` and `high`."""
    wanted = f"an integer of at least {low}" if high is None else f"an integer, {low} to {high}"
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        msg = f"{name} is {value!r}, expected {wanted}; pass an int"
        raise TypeError(msg)
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        msg = f"{name} is {number}, expected {wanted}; choose a value in that range"
        raise ValueError(msg)
    return number


def text(name: str, value: object) -> str:
    """Return `value` if it is a string."""
    if not isinstance(value, str):
        msg = f"{name} is {value!r}, expected a string; pass a str"
        raise TypeError(msg)
    return value


def choice(name: str, value: T, choices: Sequence[T]) -> T:
    """Return `value` if it is among `choices`."""
    for allowed in choices:
        if type(value) is type(allowed) and value == allowed:
            return value
    msg = f"{name} is {value!r}, expected {' or '.join(map(repr, choices))}; choose one of these"
    raise ValueError(msg)


def pixel_type(dtype: DTypeLike) -> np.dtype[Any]:
    """Return a dtype of pixels, little-endian."""
    kind = np.dtype(dtype)
    if kind.kind not in "biuf" or kind.itemsize > np.dtype(np.float64).itemsize:
        msg = (
            f"dtype is {kind}, expected a bool, integer or floating-point type of at most "
            "8 bytes; use for instance 'uint8'"
        )
        raise ValueError(msg)
    return kind.newbyteorder("<")


def codec(compressor: object, dtype: np.dtype[Any]) -> Codec | None:
    """Return `compressor` if it can encode chunks of `dtype` and decode what it encoded."""
    if compressor is None:
        return None
    if not isinstance(compressor, Codec):
        msg = (
            f"compressor is {compressor!r}, expected None or a numcodecs codec; "
            "use for instance numcodecs.Blosc()"
        )
        raise TypeError(msg)
    sample = np.arange(64).astype(dtype)
    try:
        decoded = bytes(compressor.decode(bytes(compressor.encode(sample))))
    except Exception as error:
        msg = (
            f"compressor is {compressor!r}, expected one that encodes {dtype} chunks as bytes; "
            "use for instance numcodecs.Blosc()"
        )
        raise ValueError(msg) from error
    if decoded != sample.tobytes():
        msg = (
            f"compressor is {compressor!r}, which changes {dtype} values, expected a lossless "
            "one; use for instance numcodecs.Blosc()"
        )
        raise ValueError(msg)
    return compressor


def group_attributes(attributes: Mapping[str, Any], reserved: Sequence[str]) -> dict[str, Any]:
    """Return a copy of `attributes` as JSON has them, without the `reserved` ones."""
    if not isinstance(attributes, Mapping):
        msg = f"attributes is {attributes!r}, expected a mapping of names to JSON; pass a dict"
        raise TypeError(msg)
    for name in reserved:
        if name in attributes:
            msg = (
                f"attributes has {name!r}, which the store writes itself, expected others; "
                "choose another name"
            )
            raise ValueError(msg)
    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(attributes), allow_nan=False))
    except (TypeError, ValueError) as error:
        msg = (
            f"attributes is {attributes!r}, expected a mapping that JSON can express "
            f"({error}); use str, int, finite float, bool, None, lists and dicts"
        )
        raise type(error)(msg) from error
    return copied
