"""What a page asks for first is read before it asks, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from generative_zarr import (
    GenerativeStore,
    current_cancellation,
    progress_listener,
    report_progress,
)
from imjoy_host.loop import submit
from tests.fake_page import FakeBrowser, eventually
from zarr_over_imjoy import Viewer, codec
from zarr_over_imjoy.first_items import FirstItems

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HTML = "<p>a page"
COARSEST = {f"2/{row}.{column}" for row in (0, 1) for column in (0, 1)}


class Board(GenerativeStore):
    """Counts how often each tile is computed; a tile may wait, and may fail once."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**{"levels": 3, "tilesize": 16, "dtype": "u1", **changes})
        self._computed: Counter[str] = Counter()
        self._before: Callable[[], object] = lambda: None

    def tile(self, level: int, row: int, column: int) -> NDArray[Any]:
        self._computed[self.chunk_key(level, row, column)] += 1
        self._before()
        return np.full((16, 16), 2 * row + column, "u1")


class Page:
    """A page that exports what it is told to, and keeps the sources it is given."""

    def __init__(self) -> None:
        self.sources: list[Any] = []

    def exports(self, *, classic: bool) -> dict[str, Callable[..., object]]:
        ours = {} if classic else {"update_image": print, "remove_image": print}
        return {"add_image": lambda config: self.sources.append(config["source"]), **ours}


async def show(viewer: Viewer, *, classic: bool = False) -> Any:
    page = Page()
    await FakeBrowser(viewer.window).open(page.exports(classic=classic))
    await eventually(lambda: page.sources)
    return page.sources[-1]


async def computed(board: Board, keys: set[str] = COARSEST) -> None:
    await eventually(lambda: board._computed.keys() >= keys and not board._chunks._flights)
    await asyncio.wrap_future(submit(asyncio.sleep(0.05)))  # the readings end on the host's loop


@pytest.mark.parametrize("zarr_format", [2, 3])
async def test_our_page_gets_metadata_and_the_coarsest_tiles_with_the_image(
    zarr_format: int,
) -> None:
    board = Board(zarr_format=zarr_format)
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    keys = {board.chunk_key(2, row, column) for row in (0, 1) for column in (0, 1)}
    await computed(board, keys)
    source = await show(viewer)
    document = ".zmetadata" if zarr_format == 2 else "zarr.json"
    assert bytes(source["items"][document]) == board[document]
    assert (
        source["items"].keys() - {".zmetadata", ".zattrs", ".zgroup", ".zarray"} - {"zarr.json"}
        == keys
    )
    assert bytes(source["items"][board.chunk_key(2, 1, 0)]) == bytes([2]) * 256
    assert set(board._computed.values()) == {1}


async def test_keys_that_are_not_there_are_told_too() -> None:
    board = Board(zarr_format=3)
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    await computed(board, {"2/c/0/0"})
    assert (await show(viewer))["items"][".zmetadata"] is None


async def test_a_classic_page_asks_and_nothing_is_computed_twice() -> None:
    board = Board()
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    await computed(board)
    source = await show(viewer, classic=True)
    assert source["items"] == {}
    await source["getItem"]("1/0.1")
    assert bytes(await source["getItem"]("2/0.1")) == bytes([1]) * 256
    assert board._computed["2/0.1"] == 1
    await source["getItem"]("2/0.1")
    assert board._computed["2/0.1"] == 2  # what was read early is handed out once


async def test_a_second_view_reads_for_itself() -> None:
    board = Board()
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    await computed(board)
    await show(viewer)
    assert (await show(viewer))["items"] == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda board: Viewer(
            [zarr.open(board, mode="r")], {"zoom": 0, "target": [0, 0]}, html=HTML
        ),
        lambda board: Viewer([zarr.open(board, mode="r")["0"]], html=HTML),
    ],
    ids=["another view", "a fine level"],
)
async def test_no_tiles_that_may_not_be_seen(make: Callable[[Board], Viewer]) -> None:
    board = Board()
    source = await show(make(board))
    assert not [key for key in source["items"] if key[0].isdigit()]
    assert not board._computed


async def test_sources_that_can_change_are_read_when_the_page_asks() -> None:
    array = zarr.create_array(zarr.storage.MemoryStore(), data=np.zeros((4, 4), "u1"))
    source = await show(Viewer([array], html=HTML))
    array[:] = 7
    assert source["items"] == {}
    raw = zarr.open(array.store, mode="r")
    assert (raw[:] == 7).all()


async def test_a_failed_reading_is_tried_again_by_who_asks() -> None:
    board = Board()
    board._before = lambda: 1 / 0
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    await computed(board)
    board._before = lambda: None
    source = await show(viewer)
    assert not source["items"].keys() & COARSEST
    with pytest.raises(Exception, match="division by zero"):
        await source["getItem"]("2/0.0")  # what went wrong is told once
    assert bytes(await source["getItem"]("2/0.0")) == bytes(256)


async def test_progress_of_what_was_begun_reaches_who_waits() -> None:
    heard: list[tuple[float, float]] = []
    board = Board()
    board._before = lambda: (report_progress(1, 2), heard or 1 / 0)
    node = zarr.open(board, mode="r")
    asked = asyncio.Event()

    async def read(key: str) -> bytes | None:
        await asked.wait()
        return await codec.read_item(node, key)

    async def take() -> None:
        first = FirstItems(node, read)
        await asyncio.sleep(0)
        with progress_listener(lambda *told: heard.append(told)):
            reading = first.take("2/0.0")
        assert reading is not None
        asked.set()
        await reading

    await asyncio.wrap_future(submit(take()))
    assert heard == [(1, 2)]


async def endless() -> tuple[Board, Viewer, list[bool]]:
    """Return a board that computes its first tiles until it is stopped, and what tells of that."""
    board = Board()
    stopped: list[bool] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        loop.call_soon_threadsafe(begun.set)
        cancellation = current_cancellation()
        while not cancellation.cancelled:
            pass
        stopped.append(True)

    board._before = wait
    viewer = Viewer([zarr.open(board, mode="r")], html=HTML)
    await begun.wait()
    return board, viewer, stopped


async def test_closing_the_viewer_gives_up_what_was_begun() -> None:
    _, viewer, stopped = await endless()
    viewer.close()
    await eventually(lambda: stopped)


async def test_what_the_page_passes_over_is_given_up() -> None:
    board, viewer, stopped = await endless()
    source = await show(viewer)
    await source["getItem"](".zattrs")
    assert not stopped
    board._before = lambda: None
    asked = asyncio.ensure_future(source["getItem"]("1/0.0"))
    await eventually(lambda: stopped)
    await asked
