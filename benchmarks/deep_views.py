"""How soon a deep place is on screen: ``python -m benchmarks.deep_views [place ...]``.

Headless Chromium with WebGL in software, a picture of 900 x 600 pixels in JupyterLab, a store as in
``notebooks/deep_zoom.ipynb``. Screenshots of the first and the last picture are in
``test-artifacts``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.viewer import SIZE, Bench
from tests.browser.chromium import launch_chromium
from tests.browser.notebook import ARTIFACTS
from tests.browser.picture import MARGIN
from tests.browser.server import serve

if TYPE_CHECKING:
    from typing import Any

PLACES = "e50", "e113", "e1000"
LOCATIONS = Path(__file__).parents[1] / "tests" / "data" / "deep_locations.json"
AIM = 1000
"""Milliseconds from arriving to the first picture."""
FIRST_LOOK = 2
"""Levels that the first picture is coarser (`pyramid.ts`)."""

SET_UP = """
import zarr
from imjoy_plugin import run_vizarr
from mandelbrot.preload import DEEP, preload, render
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from numcodecs import Blosc
store = MandelbrotStore(tilesize=256, maxiter={maxiter!r}, compressor=Blosc())
preload().join()
render(DEEP, "exact")
cache = LRUStoreCache(store, max_size=2**30)
viewer = run_vizarr({{"source": zarr.open(cache, mode="r"), "name": "no floor"}}, height={height})
"""
"""The machine code is read before: only the first deep tile of a session waits for that."""
GO = "viewer.location = None\nviewer.center = {re!r}, {im!r}\nviewer.width = {width!r}"

WATCH = """
main => {
  window.seen = [];
  const look = () => {
    const { level, painted, complete } = main.dataset;
    const done = complete === "true";
    seen.push({ now: performance.now(), level: Number(level), painted: Number(painted), done });
  };
  look();
  new MutationObserver(look).observe(main, { attributes: true });
}
"""
WAIT = """
(_, tiles) => new Promise(resolve => {
  const look = () => {
    const moment = %s;
    if (moment) resolve(moment);
    else setTimeout(look, 20);
  };
  look();
})
"""
# Nothing that was seen before belongs to a place so deep.
ARRIVED = "seen.find(({ level }) => level !== seen[0].level)"
FIRST = "seen.find(({ level, painted }) => level !== seen[0].level && painted >= tiles)"
LAST = "seen.find(({ level, done }) => level !== seen[0].level && done)"


class Visit(NamedTuple):
    """What a visit to a place was like."""

    first: float
    """Milliseconds from arriving until all of the view is covered."""
    last: float
    """Milliseconds until all tiles are painted."""
    colours: int
    """Of the first picture."""


def visit(bench: Bench, place: dict[str, Any], name: str) -> Visit:
    """Look at a place, and wait for its first and its last picture."""
    bench.root.evaluate(WATCH)
    bench.python(GO.format(**place))
    arrived = wait(bench, ARRIVED)
    first = wait(bench, FIRST, first_tiles(place, arrived["level"]))
    pixels = bench.picture.pixels()
    bench.notebook.screenshot(f"{name}-first")
    last = wait(bench, LAST)
    bench.page.wait_for_timeout(1000)  # the limits follow
    bench.notebook.screenshot(f"{name}-last")
    pixels = pixels[MARGIN["top"] : -MARGIN["bottom"], MARGIN["left"] : -MARGIN["right"]]
    colours = len(np.unique(pixels.reshape(-1, 3), axis=0))
    return Visit(first["now"] - arrived["now"], last["now"] - arrived["now"], colours)


def wait(bench: Bench, moment: str, tiles: int = 0) -> dict[str, Any]:
    """Wait until there is such a moment among those seen, and return it."""
    value: dict[str, Any] = bench.root.evaluate(WAIT % moment, tiles)
    return value


def first_tiles(place: dict[str, Any], level: int) -> int:
    """Return how many tiles of the coarser level cover a place."""
    side = Fraction(5) / 2 ** (40 - level - FIRST_LOOK)
    half = Fraction(place["width"]) / 2
    count = 1
    for middle, reach in ((place["re"], half), (place["im"], half * SIZE[1] / SIZE[0])):
        at = Fraction(middle) + Fraction(5, 2)
        count *= int((at + reach) // side - (at - reach) // side) + 1
    return count


def main() -> None:
    """Measure and print."""
    locations = json.loads(LOCATIONS.read_text())
    print("place  maxiter  orbit  first picture  colours  all tiles  load")
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        with tempfile.TemporaryDirectory() as folder, serve("lab", Path(folder)) as server:
            for name in sys.argv[1:] or PLACES:
                place = locations[name]
                for maxiter in ("auto", place["maxiter"]):
                    set_up = SET_UP.format(maxiter=maxiter, height=SIZE[1])
                    bench = Bench(browser, server, "", set_up=set_up)
                    for orbit in ("cold", "warm"):
                        if orbit == "warm":  # a new page and a new store in the same kernel
                            bench.notebook.run_cell(0)
                            bench.picture.wait()
                        seen = visit(bench, place, f"{name}-{maxiter}-{orbit}")
                        print(
                            f"{name:5}  {maxiter:>7}  {orbit}   {seen.first:9.0f} ms  "
                            f"{seen.colours:7}  {seen.last:6.0f} ms  {os.getloadavg()[0]:4.1f}",
                            flush=True,
                        )
                    bench.notebook.close()
        browser.close()
    print(f"aim: the first picture within {AIM} ms; screenshots in {ARTIFACTS}")


if __name__ == "__main__":
    main()
