from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaozarrs
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zarr_over_imjoy import open_source

if TYPE_CHECKING:
    from pathlib import Path


def image_group(store: object, path: str = "") -> zarr.Group:
    group = zarr.create_group(store, path=path, zarr_format=2)
    group.create_array("0", shape=(8, 8), chunks=(4, 4), dtype="u1")
    group.attrs["multiscales"] = [{"version": "0.4", "datasets": [{"path": "0"}]}]
    return group


def test_groups_and_arrays_are_taken_as_they_are() -> None:
    group = image_group(zarr.storage.MemoryStore(), "deep/inside")
    assert open_source(group) is group
    array = group["0"]
    assert open_source(array) is array


@pytest.mark.parametrize("url", ["http://a.org/x.zarr", "https://a.org/x.zarr"])
def test_urls_are_left_to_the_page(url: str) -> None:
    assert open_source(url) == url


def test_stores_and_paths_are_opened(tmp_path: Path) -> None:
    image_group(zarr.storage.LocalStore(tmp_path / "a.zarr"))
    for source in (zarr.storage.LocalStore(tmp_path / "a.zarr"), tmp_path / "a.zarr"):
        opened = open_source(source)
        assert isinstance(opened, zarr.Group)
        assert opened.read_only


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, TypeError, "source is 3 (int): expected a Zarr array"),
        (None, TypeError, "source is None (NoneType): expected a Zarr array"),
        ({"a": 1}, TypeError, "source is {'a': 1} (dict): expected a Zarr array"),
        ("/no/such/place", ValueError, "source '/no/such/place' cannot be opened"),
        (zarr.storage.MemoryStore(), ValueError, "cannot be opened (GroupNotFoundError"),
        (np.zeros(3), ValueError, "has 1 axes of float64: expected at least 2 axes"),
        (np.zeros((3, 3), "c8"), ValueError, "has 2 axes of complex64"),
        (np.full((2, 2), 2**40), ValueError, "an array of int64: expected one of uint8, uint16"),
    ],
)
def test_what_is_no_image_is_refused(source: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        open_source(source)


def test_group_without_image_names_its_arrays() -> None:
    group = zarr.create_group(zarr.storage.MemoryStore())
    group.create_array("cells", shape=(4, 4), dtype="u1")
    with pytest.raises(ValueError, match=r"pass one of its arrays, \['cells'\]"):
        open_source(group)


@given(
    arrays(
        st.sampled_from(["bool", "u1", "i2", "u4", "f2", "f4", "f8", "i8"]),
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_numpy_arrays_are_copied_exactly(array: np.ndarray) -> None:
    group = open_source(array)
    assert isinstance(group, zarr.Group)
    np.testing.assert_array_equal(group["0"][:], array)
    assert group["0"].dtype in {np.dtype(name) for name in ("u1", "i2", "u4", "i4", "f4", "f8")}


def test_numpy_pyramid() -> None:
    array = np.arange(1500 * 2001, dtype="f8").reshape(1500, 2001)
    group = open_source(array)
    assert isinstance(group, zarr.Group)
    assert [group[level].shape for level in "012"] == [(1500, 2001), (750, 1001), (375, 501)]
    assert "3" not in group
    expected = array[:, :2000].reshape(750, 2, 1000, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(group["1"][:, :1000], expected)
    np.testing.assert_allclose(group["1"][:, 1000], array[:, 2000].reshape(750, 2).mean(axis=1))
    (multiscale,) = group.attrs["multiscales"]
    assert [
        [step[step["type"]] for step in dataset["coordinateTransformations"]]
        for dataset in multiscale["datasets"]
    ] == [[[1, 1], [0, 0]], [[2, 2], [0.5, 0.5]], [[4, 4], [1.5, 1.5]]]


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_numpy_images_are_valid_ome_zarr(ndim: int) -> None:
    group = open_source(np.zeros((2,) * (ndim - 2) + (20, 30), "u2"))
    assert isinstance(group, zarr.Group)
    attributes = yaozarrs.validate_ome_object(group.attrs.asdict())
    (multiscale,) = attributes.multiscales
    assert (
        "".join(axis.name for axis in multiscale.axes)
        == {
            2: "yx",
            3: "cyx",
            4: "czyx",
            5: "tczyx",
        }[ndim]
    )


def test_rgb_becomes_three_channels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype="u1")
    group = open_source(picture)
    assert isinstance(group, zarr.Group)
    np.testing.assert_array_equal(group["0"][:], np.moveaxis(picture, -1, 0)[:3])
    channels = group.attrs["omero"]["channels"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF"]


def names(group: zarr.Group) -> list[str]:
    return [axis["name"] for axis in group.attrs["multiscales"][0]["axes"]]


def test_axes_can_be_named() -> None:
    stack = np.zeros((3, 4, 5, 6), "u1")
    assert names(open_source(stack, channel_axis=1)) == ["z", "c", "y", "x"]
    assert names(open_source(stack, axis_labels=["t", "z", "y", "x"])) == ["t", "z", "y", "x"]
    with pytest.raises(ValueError, match="'y' and 'x' last; transpose"):
        open_source(stack, axis_labels=["y", "x", "z", "c"])
    with pytest.raises(ValueError, match="a label for each axis"):
        open_source(stack, axis_labels=["y", "x"])
