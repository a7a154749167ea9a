"""Chunk keys: exactly one spelling per tile, None for everything else, in bounded time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generative_zarr.keys import MAX_DEPTH, chunk_key, parse_chunk_key

FORMATS = st.sampled_from([2, 3])


@st.composite
def addresses(draw, levels=40, floor=0):
    level = draw(st.integers(floor, levels - 1))
    index = st.integers(0, 2 ** (levels - level) - 1)
    return level, draw(index), draw(index)


def parse(key, zarr_format=2, levels=40, floor=0, **more):
    return parse_chunk_key(key, levels=levels, floor=floor, zarr_format=zarr_format, **more)


@given(addresses(), FORMATS)
def test_a_key_is_read_as_the_tile_it_was_written_for(address, zarr_format):
    assert parse(chunk_key(*address, zarr_format), zarr_format) == address


@given(addresses(levels=10, floor=-300), FORMATS)
def test_levels_below_zero(address, zarr_format):
    key = chunk_key(*address, zarr_format)
    assert parse(key, zarr_format, levels=10, floor=-300) == address
    assert (parse(key, zarr_format, levels=10) is None) == (address[0] < 0)


@given(addresses(), FORMATS)
def test_with_channels_there_is_one_index_more(address, zarr_format):
    key = chunk_key(*address, zarr_format, channels=True)
    assert parse(key, zarr_format, channels=True) == address
    assert parse(key, zarr_format) is None
    assert parse(chunk_key(*address, zarr_format), zarr_format, channels=True) is None


def test_all_channels_are_in_the_first_chunk_of_their_axis():
    assert chunk_key(39, 1, 0, 2, channels=True) == "39/0.1.0"
    assert chunk_key(39, 1, 0, 3, channels=True) == "39/c/0/1/0"
    assert parse("39/1.1.0", channels=True) is None


def test_the_two_spellings():
    assert chunk_key(39, 0, 1, 2) == "39/0.1"
    assert chunk_key(39, 0, 1, 3) == "39/c/0/1"
    assert chunk_key(-3, 123, 456, 2) == "-3/123.456"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "39",
        "39/",
        "x/y",
        "3/1.2.3",
        "3/1",
        "3/1.",
        "3/.1",
        "40/0.0",
        "-1/0.0",
        "-0/0.0",
        "39/0.2",
        "39/2.0",
        "0/-1.0",
        "0/0.-1",
        "0/+1.0",
        "00/0.0",
        "0/01.0",
        "0/0.00",
        " 0/0.0",
        "0/0.0 ",
        "0/0.0\n",
        "0/ 1.0",
        "0/1_0.0",
        "0/1e1.0",
        "0/0x1.0",
        "0/٣.0",
        "٣/0.0",
        "³/0.0",
        "3/1,2",
        "3//1.2",
        "/3/1.2",
        "../3/1.2",
        "3/c/1/2",
        "39/0.0/.zarray",
        "\x00",
        "39/0\x00.0",
        "\ud800/0.0",
        "9" * 10_000_000,
        "39/" + "0" * 10_000_000 + ".0",
        "0/" + "9" * 10_000_000 + ".0",
        "0/" + "9" * 4999 + "." + "9" * 4999,
        "-" + "9" * 4000 + "/0.0",
    ],
    ids=lambda key: ascii(key)[:30],
)
def test_malformed_and_out_of_range_keys(key):
    assert parse(key) is None
    assert parse(key, floor=40 - MAX_DEPTH) is None or key == "-1/0.0"


@pytest.mark.parametrize("key", [None, 39, b"39/0.0", ("39", "0.0"), ["39/0.0"]])
def test_keys_that_are_no_strings(key):
    assert parse(key) is None


@given(st.text(alphabet="0123456789-+./c \n٣x", max_size=12), FORMATS)
def test_whatever_is_accepted_is_the_canonical_spelling(key, zarr_format):
    address = parse(key, zarr_format)
    if address is not None:
        assert chunk_key(*address, zarr_format) == key
        level, row, column = address
        assert 0 <= level < 40
        assert 0 <= min(row, column) <= max(row, column) < 2 ** (40 - level)
    else:
        pattern = r"(\d+)/(\d+)\.(\d+)" if zarr_format == 2 else r"(\d+)/c/(\d+)/(\d+)"
        match = re.fullmatch(pattern, key, re.ASCII)
        if match:  # then it is out of range, or has leading zeros
            level, row, column = map(int, match.groups())
            canonical = chunk_key(level, row, column, zarr_format) == key
            assert not (canonical and level < 40 and max(row, column) < 2 ** (40 - level))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_the_last_tile_of_the_deepest_level(zarr_format):
    floor = 40 - MAX_DEPTH
    last = 2**MAX_DEPTH - 1
    key = chunk_key(floor, last, last, zarr_format)
    assert parse(key, zarr_format, floor=floor) == (floor, last, last)
    assert parse(chunk_key(floor, last + 1, 0, zarr_format), zarr_format, floor=floor) is None
