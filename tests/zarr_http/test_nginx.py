"""The cache in front that docs/scale.md shows, where nginx is installed."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from zarr_http import zarr_app

SCALE = Path(__file__).parents[2] / "docs/scale.md"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx")

AROUND = """
daemon off;
{user}
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    {temporary}
    {shown}
}}
"""


@pytest.fixture
def cache(serve, store, tmp_path):
    """Yield a client of nginx, in front of the server."""
    server = serve(zarr_app(store, name="numbers.zarr", version="v1"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shown = re.search(r"```nginx\n(.*?)```", SCALE.read_text("utf-8"), re.DOTALL)[1]
    for there, here in (
        ("/var/cache/tiles", f"{tmp_path}/tiles"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8000", "{}:{}".format(*server.address)),
    ):
        assert shown.count(there) == 1
        shown = shown.replace(there, here)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    configuration = tmp_path / "nginx.conf"
    # It would give up root's rights, and then not see the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        AROUND.format(user=user, folder=tmp_path, temporary=temporary, shown=shown), "utf-8"
    )
    command = [NGINX, "-e", "stderr", "-p", tmp_path, "-c", configuration]
    client = type(server)(("127.0.0.1", port))
    with subprocess.Popen(command) as process:  # noqa: S603 - ours
        while True:
            assert process.poll() is None
            try:
                client.ask("/nothing")
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        yield client
        process.terminate()


def test_a_tile_is_asked_for_once(cache, store):
    first = cache.ask("/v1/numbers.zarr/2/1.3")
    again = cache.ask("/v1/numbers.zarr/2/1.3", Origin="https://example.org")
    part = cache.ask("/v1/numbers.zarr/2/1.3", Range="bytes=4-9")
    assert (first.status, again.status, part.status) == (200, 200, 206)
    assert first.body == again.body
    assert part.body == first.body[4:10]
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert store.computed == [(2, 1, 3)]
    etag = first.headers["ETag"]
    assert cache.ask("/v1/numbers.zarr/2/1.3", If_None_Match=etag).status == 304


def test_who_waits_for_one_tile_makes_one_request(cache, store):
    store.go.clear()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(cache.ask("/v1/numbers.zarr/1/2.3").status))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    while not store.computed:
        time.sleep(0.01)
    store.go.set()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
    assert store.computed == [(1, 2, 3)]


def test_what_is_refused_is_not_kept(cache, store):
    assert cache.ask("/v1/numbers.zarr/0/13.0").status == 500
    assert cache.ask("/v1/numbers.zarr/9/1.1").status == 404
    assert cache.ask("/v1/numbers.zarr/0/13.0").status == 500
    assert store.computed == [(0, 13, 0)] * 2
