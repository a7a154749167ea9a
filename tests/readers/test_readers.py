"""Other people's readers open the store: in this process, and over HTTP.

Those that are not in the group "test" of pyproject.toml are in "readers".
"""

import json
import re
import subprocess
from pathlib import Path

import dask.array
import numpy as np
import pytest

from generative_zarr import LRUStoreCache
from mandelbrot_store import MandelbrotStore

ROOT = Path(__file__).parents[2]
# What the readers and what they are built on warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


def reader(name):
    return pytest.importorskip(name, reason=f"no {name}: pip install --group readers")


@pytest.fixture
def expected(store):
    """Return level 4, the coarsest, put together from tiles."""
    return np.block([[store.tile(4, row, column) for column in (0, 1)] for row in (0, 1)])


def test_dask(store, url, expected):
    for source in (LRUStoreCache(store, 2**20), url):
        array = dask.array.from_zarr(source, component="4")
        assert array.chunks == ((64, 64), (64, 64))
        assert np.array_equal(array.compute(), expected)
        assert int((array == 200).sum().compute()) == (expected == 200).sum()


def test_dask_of_as_many_levels_as_the_docs_say():
    """It lists the chunks of a level, of which there are four times as many with every level."""
    store = MandelbrotStore(10, 1024, 200)
    array = dask.array.from_zarr(store, component="0")
    middle = array.shape[0] // 2
    assert (array[middle : middle + 2, middle : middle + 2].compute() == 200).all()


def test_xarray(store, url, expected):
    xarray = pytest.importorskip("xarray")
    # All levels have the dimensions y and x, so one is to be chosen; and 0 is a count like others,
    # not a missing value.
    options = {"drop_variables": list("0123"), "mask_and_scale": False}
    for source in (store, url):
        image = xarray.open_zarr(source, **options)["4"]
        assert image.dims == ("y", "x")
        assert np.array_equal(image.isel(y=slice(20, 90)).values, expected[20:90])


def test_ome_zarr_py(url, expected):
    io, ome_reader = pytest.importorskip("ome_zarr.io"), pytest.importorskip("ome_zarr.reader")
    node = next(iter(ome_reader.Reader(io.parse_url(url))()))
    assert [level.shape for level in node.data] == [(2048 >> n,) * 2 for n in range(5)]
    assert np.array_equal(np.asarray(node.data[4]), expected)
    assert np.asarray(node.data[0][1024:1026, 1024:1026]).shape == (2, 2)
    scale, translation = node.metadata["coordinateTransformations"][4]
    assert (scale["scale"], translation["translation"]) == ([16, 16], [7.5, 7.5])


def test_napari(url, expected):
    plugin = reader("napari_ome_zarr")
    ((levels, options, kind),) = plugin.napari_get_reader(url)(url)
    assert kind == "image"
    assert options["axis_labels"] == ("y", "x")
    assert np.array_equal(np.asarray(levels[4]), expected)


def test_ngff_zarr(url, expected):
    """What itkwidgets reads OME-Zarr with."""
    multiscales = reader("ngff_zarr").from_ngff_zarr(url)
    coarsest = multiscales.images[4]
    assert (coarsest.scale, coarsest.translation) == ({"y": 16, "x": 16}, {"y": 7.5, "x": 7.5})
    assert np.array_equal(np.asarray(coarsest.data), expected)


def test_tensorstore_of_format_3(store, url, expected):
    if store.zarr_format == 2:
        pytest.skip("below, with its own driver")
    opened = reader("tensorstore").open({"driver": "zarr3", "kvstore": f"{url}/4/"}).result()
    assert np.array_equal(opened.read().result(), expected)


def test_a_window_in_gdal(store, url, expected):
    """GDAL as rasterio ships it."""
    rasterio = reader("rasterio")
    if store.zarr_format == 3:
        pytest.skip("its GDAL does not read the codecs of Zarr format 3")
    with rasterio.open(f'ZARR:"/vsicurl/{url}":/4') as image:
        window = rasterio.windows.Window(60, 30, 20, 10)
        assert np.array_equal(image.read(1, window=window), expected[30:40, 60:80])


ZARRITA = """
import * as zarr from "zarrita";
const group = await zarr.open(new zarr.FetchStore(process.argv[1]), { kind: "group" });
const array = await zarr.open(group.resolve("4"), { kind: "array" });
const part = await zarr.get(array, [zarr.slice(50, 80), zarr.slice(60, 70)]);
const deep = await zarr.open(group.resolve("0"), { kind: "array" });
const { data } = await deep.getChunk([16, 9]);
console.log(JSON.stringify({ part: [...part.data], shape: part.shape, deep: data[77] }));
"""


def test_zarrita(store, url, expected):
    command = ["node", "--input-type=module", "-e", ZARRITA, url]
    done = subprocess.run(command, cwd=ROOT / "viewer", capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen["shape"] == [30, 10]
    assert seen["part"] == expected[50:80, 60:70].ravel().tolist()
    assert seen["deep"] == store.tile(0, 16, 9)[1, 13]


SNIPPETS = dict(
    re.findall(
        r"^## (\S+)\n[^`]*?(?:`[^`\n]+`[^`]*?)*?```python\n(.*?)```",
        (ROOT / "docs/readers.md").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)


@pytest.mark.parametrize("name", SNIPPETS)
def test_what_the_documentation_says(store, url, expected, name):
    for module in re.findall(r"^(?:import|from) (\w+)", SNIPPETS[name], re.MULTILINE):
        reader(module)
    if store.zarr_format == 3 and name in {"GDAL", "tensorstore"}:
        pytest.skip("what it says is for OME-Zarr 0.4")
    names = {"address": url}
    exec(compile(SNIPPETS[name], "docs/readers.md", "exec"), names)  # noqa: S102 - the point
    assert np.array_equal(names["pixels"], expected)


def test_all_snippets_are_found():
    assert len(SNIPPETS) == 8
