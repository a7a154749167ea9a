"""What clients are told: values, ranges, validators, words for caches, other sites."""

import gzip

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore

from zarr_http import zarr_app

CHUNK = np.full((32, 32), 2103, "<u2").tobytes()


@pytest.fixture(params=["/numbers.zarr", "/v1/numbers.zarr"])
def root(request):
    return request.param


def test_a_value(client, root):
    response = client.ask(f"{root}/2/1.3")
    assert (response.status, response.body) == (200, CHUNK)
    assert response.headers["Content-Length"] == "2048"
    assert response.headers["Accept-Ranges"] == "bytes"


def test_every_document(client, root, store):
    for key in store:
        assert client.ask(f"{root}/{key}").body == store[key]


def test_head_has_the_same_headers_and_no_body(client, root):
    whole, head = (client.ask(f"{root}/2/1.3", method) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)


@pytest.mark.parametrize("key", ["2/16.0", "2/1", "nonsense", "7/.zarray", "", "2//1.3"])
def test_what_is_not_there(client, root, key):
    response = client.ask(f"{root}/{key}")
    assert response.status == 404
    assert response.headers["Cache-Control"] == "no-store"


def test_other_methods_are_refused(client, root):
    for method in ("PUT", "POST", "DELETE"):
        assert client.ask(f"{root}/2/1.3", method).status == 405


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=7-99", 7, 100),
        ("bytes=2000-", 2000, 2048),
        ("bytes=2000-99999", 2000, 2048),
        ("bytes=-5", 2043, 2048),
        ("bytes=-99999", 0, 2048),
    ],
)
@pytest.mark.parametrize("key", ["2/1.3", "0/.zarray"])
def test_ranges(client, root, header, start, end, key, store):
    value = store[key]
    start, end = (max(0, n - 2048 + len(value)) if n > 100 else n for n in (start, end))
    if header in ("bytes=2000-", "bytes=2000-99999") and key != "2/1.3":
        header = header.replace("2000", str(start))
    response = client.ask(f"{root}/{key}", Range=header)
    assert (response.status, response.body) == (206, value[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(value)}"
    assert response.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("header", ["bytes=2048-", "bytes=5000-6000", "bytes=-0"])
def test_ranges_of_nothing(client, root, header):
    response = client.ask(f"{root}/2/1.3", Range=header)
    assert response.status == 416
    assert response.headers["Content-Range"] == "bytes */2048"


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=-", "items=0-1", "bytes=0-1,4-5", "x" * 99])
def test_ranges_that_are_not_understood_are_ignored(client, root, header):
    response = client.ask(f"{root}/2/1.3", Range=header)
    assert (response.status, response.body) == (200, CHUNK)


def test_a_range_if_unchanged(client, root):
    same = client.ask(f"{root}/2/1.3", Range="bytes=0-9", If_Range='"v1"')
    other = client.ask(f"{root}/2/1.3", Range="bytes=0-9", If_Range='"v0"')
    assert (same.status, other.status) == (206, 200)


def test_a_range_computes_its_tile_once(client, root, store):
    client.ask(f"{root}/2/1.3", Range="bytes=0-9")
    assert store.computed == [(2, 1, 3)]


def test_what_a_client_has_is_neither_sent_nor_computed(client, root, store):
    response = client.ask(f"{root}/2/1.3", If_None_Match='"other", W/"v1"')
    assert (response.status, response.body) == (304, b"")
    assert response.headers["ETag"] == '"v1"'
    assert store.computed == []
    assert client.ask(f"{root}/2/1.3", If_None_Match='"v0"').status == 200
    assert client.ask(f"{root}/2/99.3", If_None_Match='"v1"').status == 404


def test_how_long_to_keep_it(client):
    assert client.ask("/numbers.zarr/2/1.3").headers["Cache-Control"] == "no-cache"
    forever = client.ask("/v1/numbers.zarr/2/1.3").headers["Cache-Control"]
    assert forever == "public, max-age=31536000, immutable"


def test_each_run_is_another_version_unless_told(store):
    assert zarr_app(store).state.source != zarr_app(store).state.source


@pytest.mark.parametrize("name", ["a/b", "{key}", "", "a b", "../x"])
def test_names_that_addresses_cannot_have(store, name):
    with pytest.raises(ValueError, match=r"name is .*expected letters"):
        zarr_app(store, name=name)


def test_pages_from_elsewhere_may_read(client, root):
    response = client.ask(f"{root}/2/1.3", Origin="https://example.org")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    exposed = response.headers["Access-Control-Expose-Headers"]
    assert {"ETag", "Content-Range", "Content-Length"} <= set(exposed.split(", "))


def test_everybody_gets_the_same_headers(client, root):
    """A shared cache keeps one answer for all: a page may get what another client asked for."""
    for headers in ({}, {"Origin": "https://example.org"}):
        response = client.ask(f"{root}/2/1.3", **headers)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in response.headers["Access-Control-Expose-Headers"]
        assert "Vary" not in response.headers


def test_pages_from_elsewhere_may_ask_for_ranges(client, root):
    response = client.ask(
        f"{root}/2/1.3",
        "OPTIONS",
        Origin="https://example.org",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="range, if-none-match",
        Access_Control_Request_Private_Network="true",
    )
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Private-Network"] == "true"


def test_the_page(serve, store, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>Hello</p>" * 1000)
    client = serve(zarr_app(store, name="numbers.zarr", version="v1", page=page))
    home = client.ask("/")
    assert home.headers["Location"] == "viewer.html?source=v1/numbers.zarr"
    html = client.ask("/viewer.html")
    assert html.body == page.read_bytes()
    assert html.headers["Content-Type"].startswith("text/html")
    zipped = client.ask("/viewer.html", Accept_Encoding="gzip")
    assert zipped.headers["Content-Encoding"] == "gzip"
    # What was compressed beforehand is sent as it is, to who can read it.
    beforehand = gzip.compress(b"<p>Packed</p>")
    (tmp_path / "page.html.gz").write_bytes(beforehand)
    packed = client.ask("/viewer.html", Accept_Encoding="br, gzip")
    assert (packed.headers["Content-Encoding"], packed.body) == ("gzip", beforehand)
    assert packed.headers["Content-Type"].startswith("text/html")
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert client.ask("/viewer.html").body == page.read_bytes()
    assert len(zipped.body) < len(html.body) / 10


def test_a_store_in_files(serve, tmp_path):
    """Any store can be served, and reading a range of a file reads no more."""
    values = np.arange(256 * 256, dtype="uint16").reshape(256, 256)
    store = LocalStore(tmp_path / "files.zarr")
    array = zarr.create_array(
        store, shape=values.shape, chunks=(32, 32), shards=(128, 128), dtype="uint16"
    )
    array[:] = values
    client = serve(zarr_app(store, name="files.zarr"))
    shard = (tmp_path / "files.zarr/c/0/1").read_bytes()
    assert client.ask("/files.zarr/c/0/1").body == shard
    assert client.ask("/files.zarr/c/0/1", Range="bytes=-20").body == shard[-20:]
    assert client.ask("/files.zarr/c/0/1", "HEAD").headers["Content-Length"] == str(len(shard))
    assert client.ask("/files.zarr/c/0/9", Range="bytes=-20").status == 404


def test_a_tile_that_fails_says_so(client, root, caplog):
    response = client.ask(f"{root}/0/13.0")
    assert response.status == 500
    assert b"the server's log says why" in response.body
    assert response.headers["Cache-Control"] == "no-store"
    assert "ValueError: thirteen" in caplog.text
