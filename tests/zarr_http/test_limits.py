"""Clients that ask for too much, in a wrong way, too slowly, or go away."""

import socket
import threading
import time
from contextlib import suppress

import pytest
from zarr.storage import LocalStore

from generative_zarr import LRUStoreCache
from zarr_http import zarr_app
from zarr_http.admission import Admission, RefusedError


def until(condition):
    """Wait for a condition; pytest's timeout ends it if it never comes."""
    while not condition():
        time.sleep(0.005)


def waiting(client, paths):
    """Ask for paths at the same time; return the threads and the list of answers."""
    answers = []
    threads = [
        threading.Thread(target=lambda path=path: answers.append(client.ask(path)))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    return threads, answers


def raw(client, request):
    """Send bytes as they are and return everything that comes back until the other end closes."""
    received = b""
    with (
        socket.create_connection(client.address, timeout=30) as connection,
        suppress(ConnectionResetError, BrokenPipeError),
    ):
        connection.sendall(request)
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "0/../../secret",
        "..\\secret",
        "..%5csecret",
        "//secret",
        "./secret",
        "%00/../secret",
        "0/%0a",
    ],
)
def test_no_way_out_of_the_store(serve, tmp_path, path):
    (tmp_path / "secret").write_text("nobody knows")
    (tmp_path / "files.zarr/0").mkdir(parents=True)
    absolute = f"{tmp_path}/secret"
    client = serve(zarr_app(LocalStore(tmp_path / "files.zarr"), name="files.zarr"))
    for attempt in (path, absolute, absolute.replace("/", "%2f")):
        request = f"GET /files.zarr/{attempt} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = raw(client, request.encode())
        assert answer.startswith(b"HTTP/1.1 404"), attempt
        assert b"nobody knows" not in answer


def test_giant_keys(client):
    assert client.ask("/numbers.zarr/" + "9" * 9_900).status == 404
    response = client.ask("/numbers.zarr/0/" + "9" * 10_000)
    assert response.status == 414
    assert raw(client, b"GET /numbers.zarr/" + b"9" * 1_000_000)[:12] in (b"", b"HTTP/1.1 400")
    assert client.ask("/numbers.zarr/2/1.3").status == 200


def test_a_flood_of_heavy_tiles(serve, store):
    client = serve(zarr_app(store, name="numbers.zarr", most_waiting=8, most_waiting_per_client=5))
    neighbour = type(client)(client.address, source="127.0.0.2")
    store.go.clear()
    threads, answers = waiting(client, [f"/numbers.zarr/0/0.{i}" for i in range(9)])
    until(lambda: len(answers) == 4)
    assert [answer.status for answer in answers] == [429] * 4
    # The neighbour has room, until all places are taken.
    more, others = waiting(neighbour, [f"/numbers.zarr/0/1.{i}" for i in range(6)])
    until(lambda: len(others) == 3)
    assert [answer.status for answer in others] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers + others)
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers + others)
    # Metadata, and what a client has already, wait for nobody.
    for key in store:
        assert client.ask(f"/numbers.zarr/{key}").status == 200
    etag = client.ask("/numbers.zarr/.zattrs").headers["ETag"]
    assert client.ask("/numbers.zarr/0/7.7", If_None_Match=etag).status == 304
    store.go.set()
    for thread in threads + more:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 4
    assert sorted(answer.status for answer in others) == [200] * 3 + [503] * 3
    assert client.ask("/numbers.zarr/0/1.5").status == 200


def test_many_clients_share_one_computation(serve, store):
    client = serve(zarr_app(LRUStoreCache(store, 2**20), name="numbers.zarr"))
    store.go.clear()
    threads, answers = waiting(client, ["/numbers.zarr/1/2.3"] * 40)
    until(lambda: store.computed)
    store.go.set()
    for thread in threads:
        thread.join()
    assert len({answer.body for answer in answers}) == 1
    assert store.computed == [(1, 2, 3)]


def test_the_tile_of_a_client_that_has_gone_is_cancelled(serve, store):
    client = serve(zarr_app(store, name="numbers.zarr", most_waiting=1))
    store.go.clear()
    with socket.create_connection(client.address) as connection:
        connection.sendall(b"GET /numbers.zarr/0/3.3 HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: store.computed)
    assert store.cancelled.wait(30)
    # Its place is free again.
    store.go.set()
    until(lambda: client.ask("/numbers.zarr/0/4.4").status == 200)


@pytest.mark.parametrize("start", [b"", b"GET /numbers.zarr/.zattrs HT", b"GET / HTTP/1.1\r\nA: b"])
def test_a_client_that_never_ends_its_request_is_cut_off(serve, store, start):
    client = serve(zarr_app(store, name="numbers.zarr"), patience=0.2)
    assert raw(client, start) == b""
    until(lambda: not client.server.server_state.connections)


def test_a_client_that_drips_its_request_is_cut_off(serve, store):
    client = serve(zarr_app(store, name="numbers.zarr"), patience=0.2)

    def drip():
        with socket.create_connection(client.address, timeout=30) as connection:
            while True:
                connection.sendall(b"A")
                time.sleep(0.02)

    with pytest.raises(OSError, match=r"reset|[Pp]ipe"):
        drip()


def test_a_client_that_takes_nothing_of_the_answer_is_cut_off(serve, tmp_path):
    (tmp_path / "large").write_bytes(bytes(50_000_000))
    client = serve(zarr_app(LocalStore(tmp_path), name="files.zarr"), patience=0.3)
    with socket.create_connection(client.address) as connection:
        connection.sendall(b"GET /files.zarr/large HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: client.server.server_state.connections)
        until(lambda: not client.server.server_state.connections)
    assert client.ask("/files.zarr/large").status == 200


def test_a_slow_client_gets_everything(serve, tmp_path):
    (tmp_path / "large").write_bytes(bytes(10_000_000))
    client = serve(zarr_app(LocalStore(tmp_path), name="files.zarr"), patience=1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        connection.settimeout(30)
        connection.connect(client.address)
        connection.sendall(b"GET /files.zarr/large HTTP/1.1\r\nHost: x\r\n\r\n")
        received = 0
        while received < 10_000_000:
            part = connection.recv(2**19)
            assert part, received
            received += len(part)
            time.sleep(0.02)


def test_a_quick_client_may_take_its_time_between_requests(serve, store):
    """Kept-alive connections are reused, also for tiles that take longer than the patience."""
    client = serve(zarr_app(store, name="numbers.zarr"), patience=1)
    connection = client.connect()
    for column in range(3):
        store.go.clear()
        threading.Timer(1.2, store.go.set).start()
        connection.request("GET", f"/numbers.zarr/0/0.{column}")
        assert len(connection.getresponse().read()) == 2048
        time.sleep(0.3)
    connection.close()


def test_the_end_of_an_answer_does_not_wait_for_the_client(client):
    """Nagle's algorithm would hold it back until what came before is acknowledged: 40 ms a tile."""
    connection = client.connect()
    connection.request("GET", "/numbers.zarr/.zattrs")
    connection.getresponse().read()
    for protocol in client.server.server_state.connections:
        end = protocol.transport.get_extra_info("socket")
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    connection.close()


def test_admission_counts_only_who_waits():
    admission = Admission(2, 2)
    with admission.admit("a"), admission.admit("b"), pytest.raises(RefusedError):
        admission.admit("c").__enter__()
    with admission.admit("a"), admission.admit("a"), pytest.raises(RefusedError) as refusal:
        admission.admit("a").__enter__()
    assert refusal.value.status == 503
