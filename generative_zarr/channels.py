"""Channels of an image: what each is called, and how a viewer draws it at first."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["Channel", "as_channels", "omero"]

MAX_CHANNELS = 1024
"""More are no channels; each tile holds all of them."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of an image whose tiles have several.

    Parameters
    ----------
    name : str
        What it is called.
    color : str
        In which colour its high values are drawn, "RRGGBB".
    contrast_limits : pair of numbers, optional
        Values drawn black and in full colour. Default: the range of an integer dtype, 0 to 1 of
        others.
    visible : bool
        Whether it is drawn at first.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not as described.
    """

    name: str
    color: str = "FFFFFF"
    contrast_limits: tuple[float, float] | None = None
    visible: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            msg = f"name is {self.name!r}, expected a string; pass a str"
            raise TypeError(msg)
        if not (isinstance(self.color, str) and re.fullmatch(r"#?[0-9a-fA-F]{6}", self.color)):
            msg = (
                f"color is {self.color!r}, expected six hexadecimal digits; "
                "use for instance 'FF8800'"
            )
            raise ValueError(msg)
        object.__setattr__(self, "color", self.color.removeprefix("#").upper())
        object.__setattr__(self, "visible", bool(self.visible))
        if self.contrast_limits is not None:
            object.__setattr__(self, "contrast_limits", _limits(self.contrast_limits))


def _limits(value: object) -> tuple[float, float]:
    match value:
        case Sequence() if len(value) == 2 and all(map(_is_finite, value)):  # noqa: PLR2004 - a pair
            low, high = (
                number.item() if isinstance(number, np.generic) else number for number in value
            )
            if low < high:
                return low, high
    msg = (
        f"contrast_limits is {value!r}, expected two finite numbers, the lower first; "
        "use for instance (0, 255)"
    )
    raise ValueError(msg)


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def as_channels(channels: object) -> tuple[Channel, ...] | None:
    """Return channels as a tuple, or None where the image has no axis for them."""
    if channels is None:
        return None
    if isinstance(channels, Sequence) and all(isinstance(item, Channel) for item in channels):
        if 1 <= len(channels) <= MAX_CHANNELS:
            return tuple(channels)
        msg = (
            f"channels has {len(channels)} entries, expected 1 to {MAX_CHANNELS}; "
            "leave it out for an image without channels"
        )
        raise ValueError(msg)
    msg = (
        f"channels is {channels!r:.200}, expected a list of Channel; "
        "use for instance [Channel('DNA', '0000FF'), Channel('actin', '00FF00')]"
    )
    raise TypeError(msg)


def omero(channels: tuple[Channel, ...], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the block "omero" of OME-Zarr: how the channels are to be drawn at first."""
    if dtype.kind in "iu":
        whole: tuple[float, float] = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    else:
        whole = 0, 1
    described = []
    for channel in channels:
        start, end = channel.contrast_limits or whole
        window = {
            "min": min(whole[0], start),
            "max": max(whole[1], end),
            "start": start,
            "end": end,
        }
        described.append(
            {
                "label": channel.name,
                "color": channel.color,
                "window": window,
                "active": channel.visible,
            }
        )
    return {"channels": described, "rdefs": {"model": "color"}}
