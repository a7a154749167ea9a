"""Whether memory grows in ten minutes of flying: ``python -m benchmarks.flying [minutes]``.

Headless Chromium with WebGL in software, a notebook in JupyterLab, moves by chance: the wheel,
drags, now and then back to the whole set; also when there is nothing of the image to be seen.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from benchmarks.viewer import SIZE, Bench
from mandelbrot.deep import CACHE_BYTES
from tests.browser.chromium import launch_chromium
from tests.browser.server import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.server import Server

FLAGS = "--enable-precise-memory-info", "--js-flags=--expose-gc"
CACHE = 2**23
"""Bytes: little enough to be full soon, so that what grows beside it is seen."""
EVERY = 30
"""Seconds from one reading to the next."""

COUNT_TEXTURES = """
window.textures = { bytes: 0, most: 0 };
const sizes = new WeakMap();
const { texStorage2D, deleteTexture } = WebGL2RenderingContext.prototype;
const count = bytes => {
  textures.bytes += bytes;
  textures.most = Math.max(textures.most, textures.bytes);
};
WebGL2RenderingContext.prototype.texStorage2D = function (target, levels, format, width, height) {
  const bytes = width * height * (format === this.R8UI ? 1 : 4);
  sizes.set(this.getParameter(this.TEXTURE_BINDING_2D), bytes);
  count(bytes);
  texStorage2D.call(this, target, levels, format, width, height);
};
WebGL2RenderingContext.prototype.deleteTexture = function (texture) {
  if (texture) count(-(sizes.get(texture) ?? 0));
  deleteTexture.call(this, texture);
};
"""
KERNEL = """
import pathlib, resource, sys
pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
deep = sys.modules.get("mandelbrot.deep")
print(pages * resource.getpagesize(), cache.nbytes, deep._cache.nbytes if deep else 0)
"""


class Reading(NamedTuple):
    """Megabytes in use, and tiles loaded so far."""

    page: float
    textures: float
    textures_at_most: float
    kernel: float
    """Its caches included."""
    cache: float
    orbits: float
    tiles: int

    @property
    def rest(self) -> float:
        """What the kernel takes beside its caches, which are bounded: this must not grow."""
        return self.kernel - self.cache - self.orbits


class Flight(Bench):
    """A notebook with the viewer in its one cell, whose textures are counted."""

    def __init__(self, browser: Browser, server: Server) -> None:
        super().__init__(browser, server, COUNT_TEXTURES, cache=CACHE)
        self.random = random.Random(1)  # noqa: S311 # the same flight every time

    def move(self) -> None:
        """Do one of the things that people do."""
        mouse, chance = self.page.mouse, self.random
        x, y = (
            middle + chance.uniform(-0.4, 0.4) * side
            for middle, side in zip(self.middle, SIZE, strict=True)
        )
        mouse.move(x, y)
        what = chance.random()
        if what < 0.02 or self.count("painted") == 0:  # noqa: PLR2004 # one in fifty
            self.root.locator(".stage").focus()
            self.page.keyboard.press("Home")
            self.page.wait_for_timeout(2000)
        elif what < 0.3:  # noqa: PLR2004 # a quarter
            mouse.down()
            mouse.move(*self.middle, steps=8)
            mouse.up()
        else:
            # In rather than out: the whole set has been seen soon.
            mouse.wheel(0, chance.choice([-480, -360, -240, -240, -120, 120, 240]))
        self.page.wait_for_timeout(chance.uniform(50, 600))

    def read(self) -> Reading:
        """Measure what is in use now."""
        page, textures, most = self.root.evaluate(
            "() => { gc(); return [performance.memory.usedJSHeapSize, textures.bytes,"
            " textures.most]; }"
        )
        kernel = map(int, self.python(KERNEL).split())
        sizes = (value / 2**20 for value in (page, textures, most, *kernel))
        return Reading(*sizes, self.count("loaded"))


def fly(flight: Flight, minutes: float) -> list[Reading]:
    """Fly for so long; return what was in use on the way."""
    readings = [flight.read()]
    begin = time.monotonic()
    while time.monotonic() - begin < 60 * minutes:
        until = time.monotonic() + EVERY
        while time.monotonic() < until:
            flight.move()
        readings.append(flight.read())
        print(
            f"{(time.monotonic() - begin) / 60:5.1f} min: "
            + ", ".join(f"{name} {value:.0f}" for name, value in readings[-1]._asdict().items())
            + f", rest of the kernel {readings[-1].rest:.0f}",
            flush=True,
        )
    return readings


def main() -> None:
    """Measure and print."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright, *FLAGS)
        with tempfile.TemporaryDirectory() as name, serve("lab", Path(name)) as server:
            flight = Flight(browser, server)
            readings = fly(flight, minutes)
            flight.notebook.close()
        browser.close()
    half = len(readings) // 2
    for name in ("page", "textures", "kernel", "cache", "orbits", "rest"):
        values = [getattr(reading, name) for reading in readings]
        print(
            f"{name}: at most {max(values):.0f} MB; median of the first half "
            f"{statistics.median(values[:half]):.0f} MB, of the second "
            f"{statistics.median(values[half:]):.0f} MB"
        )
    rest = max(reading.rest for reading in readings)
    print(
        f"kernel: bounded by {rest:.0f} + {CACHE / 2**20:.0f} + {CACHE_BYTES / 2**20:.0f} MB, the "
        "rest, the cache and the orbits"
    )


if __name__ == "__main__":
    main()
