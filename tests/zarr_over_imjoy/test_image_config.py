from __future__ import annotations

import re

import numpy as np
import pytest

from zarr_over_imjoy import check_image, check_view_state

URL = "https://example.org/image.zarr"


def test_every_key_of_the_vocabulary() -> None:
    config = {
        "source": URL,
        "name": "n",
        "colormap": "viridis",
        "opacity": 0.5,
        "axis_labels": ["c", "y", "x"],
        "acquisition": "0",
        "model_matrix": [1.0] * 16,
        "onClick": print,
        "color": "FF8800",
        "contrast_limits": [[0, 255], [1.5, 9]],
        "visibility": True,
        "channel_axis": 0,
        "colors": ["FF8800", "#00ff00"],
        "names": ["a", "b"],
        "visibilities": [True, False],
    }
    assert check_image(config) == config


def test_source_alone_will_do() -> None:
    assert check_image(URL) == {"source": URL}


def test_values_become_plain_python() -> None:
    config = check_image(
        {"source": URL, "contrast_limits": (np.uint8(0), np.int64(9)), "opacity": np.float32(1)}
    )
    assert config["contrast_limits"] == [0, 9]
    assert [type(limit) for limit in config["contrast_limits"]] == [int, int]
    assert type(config["opacity"]) is float


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("contrast_limit", "contrast_limits"),
        ("colour", "color"),
        ("Name", "name"),
        ("onclick", "onClick"),
        ("visible", "visibilities"),
        ("chanel_axis", "channel_axis"),
    ],
)
def test_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=f"unknown image option '{key}'.*did you mean '{nearest}'"):
        check_image({"source": URL, key: 1})


def test_unknown_key_with_nothing_near() -> None:
    with pytest.raises(TypeError, match=r"unknown image option 'zzz': .*; remove it"):
        check_image({"source": URL, "zzz": 1})


def test_source_is_required() -> None:
    with pytest.raises(TypeError, match=r"\{'name': 'x'\} has no 'source'"):
        check_image({"name": "x"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 3),
        ("opacity", 1.5),
        ("opacity", "1"),
        ("opacity", True),
        ("opacity", float("nan")),
        ("color", "red"),
        ("color", (255, 0, 0)),
        ("contrast_limits", [0]),
        ("contrast_limits", [9, 0]),
        ("contrast_limits", [[0, 1], [2]]),
        ("contrast_limits", 9),
        ("visibility", 1),
        ("channel_axis", True),
        ("channel_axis", 0.0),
        ("colors", "FF8800"),
        ("names", ["a", 1]),
        ("visibilities", [0]),
        ("model_matrix", [1, 0, 0, 1]),
        ("onClick", "alert()"),
        ("axis_labels", "yx"),
    ],
)
def test_wrong_values_are_refused(key: str, value: object) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{key}={value!r}: expected ")):
        check_image({"source": URL, key: value})


def test_view_state() -> None:
    state = {"zoom": np.float64(-3.5), "target": (1, np.int64(2))}
    assert check_view_state(state) == {"zoom": -3.5, "target": [1, 2]}


@pytest.mark.parametrize(
    "state",
    [
        3,
        {},
        {"zoom": 1},
        {"zoom": 1, "target": [1]},
        {"zoom": 1, "target": [1, float("inf")]},
        {"zoom": "1", "target": [1, 2]},
        {"zoom": 1, "target": [1, 2], "rotation": 0},
    ],
)
def test_wrong_view_states_are_refused(state: object) -> None:
    with pytest.raises(TypeError, match=r"expected \{'zoom': number, 'target': \[x, y\]\}"):
        check_view_state(state)
