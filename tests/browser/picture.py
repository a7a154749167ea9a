"""What the viewer's canvas shows, compared with the data that it should show."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray
    from playwright.sync_api import FrameLocator

    from tests.browser.notebook import Notebook

PAINTED_MS = 60_000
SAMPLES = 4000
# Screen pixels along the edges that controls may cover.
MARGIN = {"top": 60, "right": 220, "bottom": 60, "left": 20}


class Picture:
    """The bundled viewer in the output of one cell.

    Parameters
    ----------
    notebook
        The notebook, open in a front end.
    cell
        The index of the cell whose output has the viewer.
    frame
        The viewer's page; default: the one in the output's first ImJoy window.
    """

    def __init__(self, notebook: Notebook, cell: int, frame: FrameLocator | None = None) -> None:
        self.notebook = notebook
        self.cell = cell
        self.frame = frame or notebook.window(cell)
        self.root = self.frame.locator("main.viewer")

    def wait(self) -> None:
        """Wait until every tile that the view wants is on the screen."""
        self.notebook.select(self.cell)
        expect(self.root).to_have_attribute("data-state", "idle", timeout=PAINTED_MS)
        expect(self.root).to_have_attribute("data-complete", "true", timeout=PAINTED_MS)

    def count(self, name: str) -> int:
        """Return one of the page's counters of tiles, such as "requested"."""
        return int(self.root.get_attribute(f"data-{name}") or 0)

    def pixels(self) -> NDArray[np.uint8]:
        """Return what the canvas shows: shape (height, width, 3)."""
        self.root.scroll_into_view_if_needed()
        png = self.frame.locator("canvas").first.screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def expect_to_show(self, array: zarr.Array[Any], level: int, view: dict[str, Any]) -> None:
        """Check that pixels of one value have one colour, and different values different ones.

        Where a pixel of the level belongs on the screen follows from `view` alone. Samples whose
        neighbours differ are left out: the screen's pixels are not the level's.
        """
        pixels = self.pixels()
        height, width, _ = pixels.shape
        scale = 2.0 ** (view["zoom"] + level)  # screen pixels per pixel of the level
        centre = [math.ldexp(position, -level) for position in view["target"]]
        first = [
            math.floor(c - side / 2 / scale) - 1
            for c, side in zip(centre, (width, height), strict=True)
        ]
        first = [max(0, index) for index in first]
        last = [
            math.ceil(c + side / 2 / scale) + 1
            for c, side in zip(centre, (width, height), strict=True)
        ]
        values = array[first[1] : last[1], first[0] : last[0]]

        random = np.random.default_rng(0)
        xs = random.integers(MARGIN["left"], width - MARGIN["right"], SAMPLES)
        ys = random.integers(MARGIN["top"], height - MARGIN["bottom"], SAMPLES)
        columns = np.floor(centre[0] + (xs + 0.5 - width / 2) / scale).astype(int) - first[0]
        rows = np.floor(centre[1] + (ys + 0.5 - height / 2) / scale).astype(int) - first[1]

        # The iframe may lie half a screen pixel off, and a screen pixel may cover several.
        reach = 1 + math.ceil(1 / scale)
        colours = defaultdict(list)
        for x, y, column, row in zip(xs, ys, columns, rows, strict=True):
            around = values[
                max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1
            ]
            if around.shape == (2 * reach + 1, 2 * reach + 1) and (around == around[0, 0]).all():
                colours[int(around[0, 0])].append(pixels[y, x])
        medians = {value: np.median(seen, axis=0) for value, seen in colours.items()}
        assert sum(map(len, colours.values())) > SAMPLES / 20, "too few samples to judge by"
        for value, seen in colours.items():
            off = np.abs(np.array(seen) - medians[value]).max(axis=1) > 4
            assert not off.any(), (
                f"{off.sum()} of {len(seen)} pixels of value {value} look otherwise"
            )
        distinct = {tuple(colour) for colour in medians.values()}
        assert len(distinct) > len(medians) / 2, "different values look the same"
