"""Real servers on loopback addresses, and plain clients."""

import http.client
import threading
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from generative_zarr import GenerativeStore, current_cancellation
from zarr_http import listen, make_server, zarr_app


class Countdown(GenerativeStore):
    """Tiles of a number each, that can be held up, fail, and know when they are cancelled."""

    _derived = GenerativeStore._derived | {"computed", "go", "cancelled"}

    def __init__(self):
        super().__init__(levels=6, tilesize=32, dtype="uint16")

    def _prepare(self):
        super()._prepare()
        self.computed = []
        self.go = threading.Event()
        self.go.set()
        self.cancelled = threading.Event()

    def tile(self, level, row, column):
        self.computed.append((level, row, column))
        while not self.go.wait(0.01):
            if current_cancellation().cancelled:
                self.cancelled.set()
                break
        if (level, row) == (0, 13):
            msg = "thirteen"
            raise ValueError(msg)
        return np.full((32, 32), 1000 * level + 100 * row + column, "uint16")


class Client:
    """One person's requests to one server."""

    def __init__(self, address, source="127.0.0.1"):
        self.address = address
        self.source = source

    def connect(self):
        return http.client.HTTPConnection(
            *self.address, timeout=30, source_address=(self.source, 0)
        )

    def ask(self, path, method="GET", **headers):
        connection = self.connect()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            response.body = response.read()
        finally:
            connection.close()
        return response


@contextmanager
def running(app, **options):
    """Serve an application in a thread; yield a client of it."""
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    started = threading.Event()
    server = make_server(app, ready=started.set, **options)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert started.wait(30)
    client = Client(address)
    client.server = server
    yield client
    server.should_exit = True
    thread.join()


@pytest.fixture
def serve():
    """Return a function that serves an application and returns a client."""
    with ExitStack() as stack:
        yield lambda app, **options: stack.enter_context(running(app, **options))


@pytest.fixture(scope="module")
def numbers():
    """One server for a module: starting and ending one takes a while."""
    store = Countdown()
    with running(zarr_app(store, name="numbers.zarr", version="v1")) as client:
        client.store = store
        yield client


@pytest.fixture
def client(numbers):
    return numbers


@pytest.fixture
def store(numbers):
    numbers.store.computed.clear()
    numbers.store.cancelled.clear()
    yield numbers.store
    numbers.store.go.set()
