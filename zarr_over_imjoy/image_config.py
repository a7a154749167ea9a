"""vizarr's vocabulary for images and views, checked when a person writes it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from zarr_over_imjoy.source import open_source

Check: TypeAlias = Callable[[Any], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_color(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"#?[0-9a-fA-F]{6}", value) is not None


def _list_of(check: Check, length: int | None = None) -> Check:
    def is_list(value: object) -> bool:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            return False
        return all(map(check, value))

    return is_list


def _is_limits(value: object) -> bool:
    return isinstance(value, list) and _list_of(_is_number, 2)(value) and value[0] < value[1]


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


COLOR = "a color like 'FF8800'"

KEYS: dict[str, tuple[str, Check]] = {
    "source": ("a Zarr array, group or store, a NumPy array, a URL or a path", lambda _: True),
    "name": ("a string", _is_text),
    "colormap": ("a string", _is_text),
    "opacity": ("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1),
    "axis_labels": ("a list of strings", _list_of(_is_text)),
    "acquisition": ("a string", _is_text),
    "model_matrix": (
        "16 numbers, or a string of them",
        _either(_is_text, _list_of(_is_number, 16)),
    ),
    "onClick": ("a function", callable),
    "color": (COLOR, _is_color),
    "contrast_limits": (
        "[low, high], or a list of such",
        _either(_is_limits, _list_of(_is_limits)),
    ),
    "visibility": ("True or False", _is_bool),
    "channel_axis": ("an integer", lambda value: isinstance(value, int) and not _is_bool(value)),
    "colors": (f"a list, each {COLOR}", _list_of(_is_color)),
    "names": ("a list of strings", _list_of(_is_text)),
    "visibilities": ("a list of True and False", _list_of(_is_bool)),
}
"""Each key of an image config: what its value has to be, in words and as a test."""


def check_image(image: object) -> dict[str, Any]:
    """Check one image config and open its source.

    Parameters
    ----------
    image
        A mapping with the keys of `KEYS`, "source" at least; or a source alone.

    Returns
    -------
    dict
        A copy, in plain Python values, with the source opened.

    Raises
    ------
    TypeError
        An unknown or missing key, or a value of the wrong type.
    ValueError
        A source that cannot be read.
    """
    # Our stores are mappings too: a config is a mapping that says so.
    if not isinstance(image, dict):
        image = {"source": image}
    if "source" not in image:
        msg = f"{image!r:.200} has no 'source': expected {KEYS['source'][0]}; add one"
        raise TypeError(msg)
    config = check_options(image)
    config["source"] = open_source(
        config["source"],
        axis_labels=config.get("axis_labels"),
        channel_axis=config.get("channel_axis"),
    )
    return config


def check_options(options: Mapping[str, object]) -> dict[str, Any]:
    """Check a part of an image config, its source excepted.

    Returns
    -------
    dict
        A copy in plain Python values.

    Raises
    ------
    TypeError
        As `check_image`.
    """
    checked: dict[str, Any] = {}
    for key, value in options.items():
        if key not in KEYS:
            nearest = difflib.get_close_matches(str(key), KEYS, n=1, cutoff=0.5)
            remedy = f"did you mean {nearest[0]!r}?" if nearest else "remove it"
            msg = f"unknown image option {key!r}: expected one of {', '.join(KEYS)}; {remedy}"
            raise TypeError(msg)
        plain = value if key == "source" else _plain(value)
        expected, accepts = KEYS[key]
        if not accepts(plain):
            msg = f"{key}={value!r:.100}: expected {expected}; correct it"
            raise TypeError(msg)
        checked[key] = plain
    return checked


def check_view_state(view_state: object) -> dict[str, Any]:
    """Check a view state, ``{"zoom": log2(screen px per level-0 px), "target": [x, y]}``.

    Returns
    -------
    dict
        A copy in plain Python values. The target is in level-0 pixels.

    Raises
    ------
    TypeError
        It is not as above.
    """
    expected: dict[str, Check] = {"zoom": _is_number, "target": _list_of(_is_number, 2)}
    if isinstance(view_state, Mapping) and view_state.keys() == expected.keys():
        plain = {key: _plain(view_state[key]) for key in expected}
        if all(accepts(plain[key]) for key, accepts in expected.items()):
            return plain
    msg = (
        f"view_state={view_state!r:.100}: expected {{'zoom': number, 'target': [x, y]}}, with "
        "zoom = log2(screen pixels per level-0 pixel) and the target in level-0 pixels; "
        "viewer.view_state shows one"
    )
    raise TypeError(msg)


def _plain(value: object) -> object:
    """Turn NumPy values and tuples into Python numbers and lists, which pages understand."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
