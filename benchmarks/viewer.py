"""How fast the viewer is in a real JupyterLab: ``python -m benchmarks.viewer``.

Headless Chromium with WebGL in software, a picture of 900 x 600 pixels, tiles that are cheap to
compute.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.browser.chromium import launch_chromium
from tests.browser.notebook import Notebook
from tests.browser.picture import Picture
from tests.browser.server import Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZE = 900, 600
# Around a corner of tiles of this side, such a picture shows four by two of them.
TILE = 384
LEVELS = 8
CACHE = 2**26
SET_UP = """
import zarr
from imjoy_plugin import run_vizarr
from mandelbrot_store import LRUStoreCache, MandelbrotStore
from numcodecs import Blosc
store = MandelbrotStore(levels=40, tilesize={tile}, compressor=Blosc())
cache = LRUStoreCache(store, max_size={cache})
img = {{"source": zarr.open(cache, mode="r"), "name": "mandelbrot"}}
viewer = run_vizarr(img, height={height})
"""
# A corner of tiles of all levels but the first, beside the set: 5 * (75/256, 145/256) - 2.5.
CORNER = "-1.03515625", "-0.33203125"

RECORD = """
window.drawn = 0;
for (const name of ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"]) {
  const draw = WebGL2RenderingContext.prototype[name];
  WebGL2RenderingContext.prototype[name] = function (...args) {
    window.drawn++;
    return draw.apply(this, args);
  };
}
window.ticks = [];
const tick = now => {
  ticks.push([now, drawn]);
  drawn = 0;
  requestAnimationFrame(tick);
};
requestAnimationFrame(tick);
"""
PAINTED = """
(main, level) => new Promise(resolve => {
  const look = () => {
    const { level: at, state, complete } = main.dataset;
    if (at === String(level) && state === "idle" && complete === "true") resolve(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})
"""
WHEEL = """
main => main.addEventListener(
  "wheel", ({ timeStamp }) => { window.turned = timeStamp; }, { once: true, capture: true }
)
"""
BARE = """
async ([width, height]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  document.body.append(canvas);
  const gl = canvas.getContext("webgl2", { antialias: false });
  const program = gl.createProgram();
  const add = (type, text) => {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, "#version 300 es\\nprecision highp float;" + text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  };
  add(gl.VERTEX_SHADER, `uniform float at; out vec2 place; void main() {
    place = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(place * 2. - 1., 0., 1.);
    place = place * .5 + at;
  }`);
  add(gl.FRAGMENT_SHADER, `uniform sampler2D picture; in vec2 place; out vec4 color;
    void main() { color = texture(picture, place); }`);
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const bytes = new Uint8Array(1024 * 1024 * 4).map((_, i) => i * 37);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 1024, 1024, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  const times = [];
  for (let i = 0; i < 90; i++) {
    times.push(await new Promise(requestAnimationFrame));
    gl.uniform1f(gl.getUniformLocation(program, "at"), i / 500);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
  canvas.remove();
  return times;
}
"""
MOVES = """
main => {
  window.moves = [];
  for (const [type, lasts] of [["pointermove", 0], ["wheel", %d]]) {
    main.addEventListener(type, () => {
      const now = performance.now();
      moves.push([now, now + lasts]);
    }, { capture: true, passive: true });
  }
}
"""
EASE = 240
"""Milliseconds for which the camera moves at least after a notch of the wheel (`motion.ts`)."""
PERIOD = 17
"""Milliseconds from one frame to the next where nothing is late."""


class Bench:
    """A notebook with the viewer in its one cell; `script` runs in every page before its own."""

    def __init__(
        self,
        browser: Browser,
        server: Server,
        script: str,
        *,
        cache: int = CACHE,
        set_up: str | None = None,
    ) -> None:
        set_up = set_up or SET_UP.format(tile=TILE, cache=cache, height=SIZE[1])
        self.notebook = Notebook(browser, server)
        self.page = self.notebook.page
        self.page.add_init_script(script)
        self.notebook.open(self.notebook.write([set_up, *[""] * 2]))
        self.notebook.run_cell(0)
        self.picture = Picture(self.notebook, 0)
        self.root = self.picture.root
        self.picture.wait()
        self._resize()

    def _resize(self) -> None:
        width = self.root.evaluate("main => main.clientWidth")
        self.page.set_viewport_size({"width": 1280 + SIZE[0] - width, "height": 900})
        self.page.wait_for_timeout(500)
        self.picture.wait()
        size = tuple(self.root.evaluate("main => [main.clientWidth, main.clientHeight]"))
        if size != SIZE:
            msg = f"the viewer has {size} pixels: expected {SIZE}; change the notebook's width"
            raise RuntimeError(msg)
        self.root.scroll_into_view_if_needed()
        box = self.root.bounding_box() or {"x": 0, "y": 0}
        self.middle = box["x"] + SIZE[0] / 2, box["y"] + SIZE[1] / 2

    def python(self, code: str) -> str:
        """Run code in the kernel, and return what it printed."""
        self.page.evaluate(
            """code => {
                const { content } = jupyterapp.shell.currentWidget;
                content.widgets[1].model.sharedModel.setSource(code);
            }""",
            code,
        )
        self.notebook.run_cell(1)
        text = self.notebook.text(1)
        self.notebook.select(0)
        return text

    def look(self, level: int) -> None:
        """Look at the corner, a pixel of a level on each of the screen's, and wait for it."""
        width = f"{5 * SIZE[0]} / {TILE} * 2**-{40 - level}"
        self.python(f"viewer.location = None\nviewer.center = {CORNER}\nviewer.width = {width}")
        self.root.evaluate(PAINTED, level)

    def count(self, name: str) -> int:
        """Return one of the page's counters of tiles."""
        return int(self.root.get_attribute(f"data-{name}") or 0)


def zooms(bench: Bench) -> tuple[list[float], list[int]]:
    """Zoom in by one level after another; milliseconds from the wheel to painted, and tiles."""
    times, tiles = [], []
    bench.look(34)
    bench.page.mouse.move(*bench.middle)
    for level in range(33, 33 - LEVELS, -1):
        bench.page.wait_for_timeout(1500)
        bench.root.evaluate(WHEEL)
        bench.page.mouse.wheel(0, -240)
        done = bench.root.evaluate(PAINTED, level)
        times.append(done - bench.root.evaluate("() => turned"))
        tiles.append(bench.count("painted"))
    return times, tiles


def motion(bench: Bench) -> list[float]:
    """Drag to and fro and zoom over tiles that are there; milliseconds that each frame took."""
    bench.page.wait_for_timeout(2000)
    bench.root.evaluate(MOVES % EASE)
    bench.root.evaluate("() => { ticks.length = 0; }")
    x, y = bench.middle
    bench.page.mouse.move(x, y)
    bench.page.mouse.down()
    for step in range(120):
        bench.page.mouse.move(x + 40 * (step % 10) / 10, y)
    bench.page.mouse.up()
    for direction in (1, 1, 1, -1, -1, -1):
        bench.page.mouse.wheel(0, 240 * direction)
        bench.page.wait_for_timeout(600)
    times = bench.root.evaluate("() => ticks.filter(([, drawn]) => drawn > 0).map(([at]) => at)")
    return frames(times, bench.root.evaluate("() => moves"))


def frames(drawn: list[float], moves: list[tuple[float, float]]) -> list[float]:
    """Return how long each frame of a movement took: since the one before, or since a pause.

    A picture at rest is drawn once more, smoothly, some time after the movement: that time is none
    of a frame.
    """
    took = []
    for last, now in itertools.pairwise(drawn):
        begun = [max(last, begin) for begin, end in moves if begin < now and end >= last]
        if begun:
            first = min(begun)
            took.append(now - (first if first - last > PERIOD else last))
    return took


def bare(browser: Browser) -> list[float]:
    """Draw one texture all over a canvas of that size in an empty page: the renderer's limit."""
    page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    times = page.evaluate(BARE, SIZE)
    page.close()
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def main() -> None:
    """Measure and print."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        with tempfile.TemporaryDirectory() as name, serve("lab", Path(name)) as server:
            bench = Bench(browser, server, RECORD)
            times, tiles = zooms(bench)
            print(
                f"wheel to painted: median {statistics.median(times):.0f} ms "
                f"({', '.join(f'{ms:.0f}' for ms in times)}), {min(tiles)} to {max(tiles)} tiles"
            )
            gaps = motion(bench)
            print(
                f"camera motion: {1000 / statistics.median(gaps):.0f} frames per second, median "
                f"of {len(gaps)}; the longest {max(gaps):.0f} ms"
            )
            bench.notebook.close()
        limit = bare(browser)
        print(
            f"one bare texture: {1000 / statistics.median(limit):.0f} frames per second; the "
            f"longest {max(limit):.0f} ms"
        )
        browser.close()


if __name__ == "__main__":
    main()
