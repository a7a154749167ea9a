"""Images of several channels: what their metadata say, and that readers find each channel."""

import json
import pickle

import numpy as np
import pytest
import yaozarrs
import zarr
from numcodecs import Blosc

from generative_zarr import Channel, GenerativeStore, LRUStoreCache
from zarr_over_imjoy import check_image

CHANNELS = [
    Channel("DNA", "0000ff", (100, 4000)),
    Channel("actin", "#00FF00"),
    Channel("debris", visible=False),
]


class Stained(GenerativeStore):
    """Each channel of a pixel tells where it is: row, column, level."""

    def __init__(self, **more):
        super().__init__(
            **{"levels": 3, "tilesize": 8, "dtype": "uint16", "channels": CHANNELS} | more
        )

    def tile(self, level, row, column):
        steps = np.arange(self.tilesize, dtype=self.dtype)
        shape = self.tile_shape[-2:]
        return np.stack(
            [
                np.broadcast_to((row * self.tilesize + steps)[:, None], shape),
                np.broadcast_to(column * self.tilesize + steps, shape),
                np.full(shape, level, self.dtype),
            ]
        )


@pytest.mark.parametrize("compressor", [None, Blosc()])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_each_channel_is_read(zarr_format, compressor):
    computed = []

    class Watched(Stained):
        def tile(self, *address):
            computed.append(address)
            return super().tile(*address)

    store = LRUStoreCache(Watched(zarr_format=zarr_format, compressor=compressor), 2**20)
    group = zarr.open_group(store, mode="r")
    for level in range(3):
        side = 8 << (3 - level)
        array = group[str(level)]
        assert (array.shape, array.chunks) == ((3, side, side), (3, 8, 8))
        rows, columns = np.mgrid[:side, :side]
        expected = [rows, columns, np.full((side, side), level)]
        for channel in range(3):
            np.testing.assert_array_equal(array[channel], expected[channel])
    # A tile is computed once for all its channels.
    assert len(computed) == len(set(computed)) == 4 + 16 + 64


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_ome_zarr(zarr_format):
    store = Stained(zarr_format=zarr_format, name="cells")
    attributes = zarr.open_group(store, mode="r").attrs.asdict()
    if zarr_format == 2:
        image = yaozarrs.v04.Image.model_validate(attributes)
        omero = attributes["omero"]
    else:
        image = yaozarrs.v05.Image.model_validate(attributes["ome"])
        omero = attributes["ome"]["omero"]
        assert zarr.open_group(store, mode="r")["0"].metadata.dimension_names == ("c", "y", "x")
    (multiscale,) = image.multiscales
    assert [(axis.name, axis.type) for axis in multiscale.axes] == [
        ("c", "channel"),
        ("y", "space"),
        ("x", "space"),
    ]
    scale, translation = multiscale.datasets[2].coordinateTransformations
    assert (scale.scale, translation.translation) == ([1, 4, 4], [0, 1.5, 1.5])
    whole = {"min": 0, "max": 65535}
    assert omero["channels"] == [
        {
            "label": "DNA",
            "color": "0000FF",
            "window": whole | {"start": 100, "end": 4000},
            "active": True,
        },
        {
            "label": "actin",
            "color": "00FF00",
            "window": whole | {"start": 0, "end": 65535},
            "active": True,
        },
        {
            "label": "debris",
            "color": "FFFFFF",
            "window": whole | {"start": 0, "end": 65535},
            "active": False,
        },
    ]


def test_limits_of_other_types():
    for dtype, whole in (("int8", (-128, 127)), ("float32", (0, 1)), ("bool", (0, 1))):
        store = Stained(dtype=dtype, channels=[Channel("a"), Channel("b", "FFFFFF", (-200, 300))])
        channels = json.loads(store[".zattrs"])["omero"]["channels"]
        assert (channels[0]["window"]["start"], channels[0]["window"]["end"]) == whole
        assert channels[1]["window"] == {"min": -200, "max": 300, "start": -200, "end": 300}


def test_one_channel_is_an_axis_too():
    class Grey(Stained):
        def tile(self, *address):
            return super().tile(*address)[:1]

    assert zarr.open(Grey(channels=[Channel("grey")]), mode="r")["2"].shape == (1, 16, 16)


def test_a_constant_tile_is_encoded_once():
    encoded = []

    class Counted(Blosc):
        def encode(self, buf):
            encoded.append(buf)
            return super().encode(buf)

    class Flat(Stained):
        def tile(self, *_address):
            return np.broadcast_to(self.dtype.type(7), self.tile_shape)

    store = Flat(compressor=Counted())
    encoded.clear()
    assert store["1/0.0.0"] == store["0/0.3.1"]
    assert len(encoded) == 1
    assert (zarr.open(store, mode="r")["1"][:] == 7).all()


def test_stores_are_told_apart_and_pickled():
    store = Stained()
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - ours
    assert again == store
    assert again.channels == tuple(CHANNELS)
    assert again["2/0.1.1"] == store["2/0.1.1"]
    assert store != Stained(channels=CHANNELS[:2])


def test_the_viewer_takes_it():
    assert check_image({"source": Stained(), "names": ["a", "b", "c"]})["source"]["0"].ndim == 3


@pytest.mark.parametrize(
    ("tile", "sentence"),
    [
        (np.zeros((8, 8), "u2"), r"uint16 of shape \(8, 8\), expected uint16 of shape \(3, 8, 8\)"),
        (np.zeros((3, 8, 8)), r"returned float64 of shape .*; correct Wrong.tile"),
        (None, r"tile\(0, 1, 2\) returned None, expected uint16"),
    ],
)
def test_a_tile_of_another_shape(tile, sentence):
    class Wrong(Stained):
        def tile(self, *_address):
            return tile

    with pytest.raises(ValueError, match=sentence):
        Wrong()["0/0.1.2"]


@pytest.mark.parametrize(
    ("channels", "error", "sentence"),
    [
        (3, TypeError, "channels is 3, expected a list of Channel; use for instance"),
        (["DNA"], TypeError, "expected a list of Channel"),
        ([], ValueError, "channels has 0 entries, expected 1 to 1024"),
    ],
)
def test_channels_that_are_none(channels, error, sentence):
    with pytest.raises(error, match=sentence):
        Stained(channels=channels)


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"name": 1}, TypeError, "name is 1, expected a string"),
        ({"color": "red"}, ValueError, "color is 'red', expected six hexadecimal digits"),
        ({"contrast_limits": (3, 3)}, ValueError, "expected two finite numbers, the lower first"),
        ({"contrast_limits": (0, float("nan"))}, ValueError, "contrast_limits is .*nan"),
        ({"contrast_limits": 4}, ValueError, r"use for instance \(0, 255\)"),
    ],
)
def test_a_channel_that_is_none(parameters, error, sentence):
    with pytest.raises(error, match=sentence):
        Channel(**{"name": "DNA"} | parameters)


def test_omero_is_the_stores_own():
    with pytest.raises(ValueError, match="attributes has 'omero', which the store writes itself"):
        Stained(attributes={"omero": {}})
