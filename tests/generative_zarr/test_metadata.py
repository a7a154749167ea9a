"""The metadata documents: OME-Zarr 0.4 and 0.5, consolidated, in level-0 pixels."""

import json
import warnings

import numcodecs
import numpy as np
import pytest
import yaozarrs
import zarr
from zarr.errors import ZarrUserWarning

from generative_zarr import GenerativeStore


class Blank(GenerativeStore):
    def tile(self, level, row, column):  # noqa: ARG002 - all alike
        return np.broadcast_to(self._dtype.type(1), (self._tilesize,) * 2)


def blank(**parameters):
    return Blank(**{"levels": 5, "tilesize": 16, "dtype": "uint16", "name": "blank"} | parameters)


@pytest.mark.parametrize("sampling", ["center", "corner"])
def test_ome_zarr_0_4(sampling):
    attributes = json.loads(blank(sampling=sampling)[".zattrs"])
    image = yaozarrs.v04.Image.model_validate(attributes)
    assert image.multiscales[0].version == "0.4"
    assert image.multiscales[0].name == "blank"
    assert [dataset.path for dataset in image.multiscales[0].datasets] == list("01234")


@pytest.mark.parametrize("sampling", ["center", "corner"])
def test_ome_zarr_0_5(sampling):
    attributes = json.loads(blank(sampling=sampling, zarr_format=3)["zarr.json"])["attributes"]
    image = yaozarrs.v05.Image.model_validate(attributes["ome"])
    assert image.version == "0.5"
    assert [dataset.path for dataset in image.multiscales[0].datasets] == list("01234")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("sampling", ["center", "corner"])
def test_transformations_say_where_samples_are(zarr_format, sampling):
    """A pixel's world coordinates are the mean of those of the level-0 samples it stands for."""
    attributes = zarr.open_group(
        blank(zarr_format=zarr_format, sampling=sampling), mode="r"
    ).attrs.asdict()
    multiscale = attributes.get("ome", attributes)["multiscales"][0]
    for level, dataset in enumerate(multiscale["datasets"]):
        scale, *translation = dataset["coordinateTransformations"]
        assert scale == {"type": "scale", "scale": [2.0**level] * 2}
        index = 3
        place = index * scale["scale"][0]
        if sampling == "center":
            place += translation[0]["translation"][0]
            assert place == np.arange(index * 2**level, (index + 1) * 2**level).mean()
        else:
            assert translation == []
            assert place == index * 2**level


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_consolidated_metadata_are_the_metadata(zarr_format):
    store = blank(zarr_format=zarr_format)
    if zarr_format == 2:
        consolidated = json.loads(store[".zmetadata"])["metadata"]
        assert set(consolidated) == set(store) - {".zmetadata"}
        assert all(json.loads(store[key]) == value for key, value in consolidated.items())
    else:
        consolidated = json.loads(store["zarr.json"])["consolidated_metadata"]["metadata"]
        assert {f"{path}/zarr.json" for path in consolidated} == set(store) - {"zarr.json"}
        assert all(json.loads(store[f"{p}/zarr.json"]) == v for p, v in consolidated.items())


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_group_is_opened_from_its_first_documents(zarr_format):
    asked = []

    class Watched(Blank):
        async def _read(self, key, byte_range):
            asked.append(key)
            return await super()._read(key, byte_range)

    store = Watched(levels=40, tilesize=16, dtype="u1", zarr_format=zarr_format)
    group = zarr.open_group(store, mode="r")
    assert group["17"].shape == (16 * 2**23,) * 2
    assert len(list(group.arrays())) == 40
    assert not [key for key in asked if key.endswith(("/.zarray", "/zarr.json"))]


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i1", "<u2", ">u2", "i4", "u8", "f4", "f8", np.float16]
)
def test_every_pixel_type(zarr_format, dtype):
    group = zarr.open_group(blank(zarr_format=zarr_format, dtype=dtype), mode="r")
    assert group["4"].dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
    assert group["4"].fill_value == 0
    assert (group["4"][:] == 1).all()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_attributes(zarr_format):
    given = {"mine": {"a": [1, 2.5, None, "x"]}}
    store = blank(zarr_format=zarr_format, attributes=given)
    assert zarr.open_group(store, mode="r").attrs["mine"] == given["mine"]
    given["mine"]["a"].clear()
    assert json.loads(store[".zattrs" if zarr_format == 2 else "zarr.json"]) is not None
    assert zarr.open_group(store, mode="r").attrs["mine"]["a"]


def test_the_most_levels():
    group = zarr.open_group(blank(levels=1024), mode="r")
    assert group["0"].shape == (16 * 2**1024,) * 2
    assert (group["1000"][2**26 : 2**26 + 3, :2] == 1).all()


STANDARD = [
    (numcodecs.Blosc(), "blosc"),
    (numcodecs.Blosc("zstd", 3, numcodecs.Blosc.AUTOSHUFFLE), "blosc"),
    (numcodecs.Blosc("zlib", 9, numcodecs.Blosc.NOSHUFFLE, 64), "blosc"),
    (numcodecs.Blosc("lz4hc", 9, numcodecs.Blosc.BITSHUFFLE), "blosc"),
    (numcodecs.Zstd(7, checksum=True), "zstd"),
    (numcodecs.GZip(3), "gzip"),
]
EXTENSIONS = [numcodecs.Zlib(), numcodecs.LZ4(), numcodecs.BZ2(), numcodecs.LZMA()]


class Noise(GenerativeStore):
    def tile(self, level, row, column):
        return np.random.default_rng((level, row, column)).integers(0, 300, (16, 16), "uint16")


@pytest.mark.parametrize("compressor", [None, *(c for c, _ in STANDARD), *EXTENSIONS], ids=repr)
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_decodes_what_the_compressor_encodes(compressor, zarr_format):
    store = Noise(levels=3, tilesize=16, dtype="u2", compressor=compressor, zarr_format=zarr_format)
    with warnings.catch_warnings():
        # zarr says of `numcodecs.*` that not every reader has them; the store's docs say so too.
        warnings.simplefilter("ignore", ZarrUserWarning)
        pixels = zarr.open_array(store, path="1", mode="r")[16:48, 32:48]
    expected = np.vstack([store.tile(1, 1, 2), store.tile(1, 2, 2)])
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(("compressor", "name"), STANDARD, ids=repr)
def test_zarr_3_names_the_codecs_of_its_specification(compressor, name):
    store = blank(zarr_format=3, compressor=compressor)
    codecs = json.loads(store["0/zarr.json"])["codecs"]
    assert [codec["name"] for codec in codecs] == ["bytes", name]
    # zarr's own codec, built from that description, writes the same description.
    array = zarr.open_array(store, path="0", mode="r")
    assert array.compressors[0].to_dict() == codecs[1]


@pytest.mark.parametrize("compressor", [numcodecs.Delta("u2"), numcodecs.PackBits()], ids=repr)
def test_a_compressor_that_zarr_3_cannot_express(compressor):
    with pytest.raises(ValueError, match=r"zarr_format=2|numcodecs.Blosc\(\)"):
        blank(zarr_format=3, compressor=compressor)
