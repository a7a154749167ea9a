import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Area, fromViewState, localRect, visibleArea } from "../../src/frames";
import type { Level, Rect } from "../../src/model";
import {
  cover,
  firstLook,
  fitView,
  imageRect,
  levelForZoom,
  type Pyramid,
  pixelSize,
  type TileAddress,
  tileArea,
  tilePixels,
  tilesIn,
} from "../../src/pyramid";

/** `count` levels over an image of `pixels` a side, each half the size of the one before. */
function pyramidOf(pixels: number, tile: number, count: number, floor = 0): Pyramid {
  const levels = Array.from({ length: count }, (_, level) => ({
    width: pixels / 2 ** level,
    height: pixels / 2 ** level,
    tileWidth: tile,
    tileHeight: tile,
    scaleX: 2 ** level,
    scaleY: 2 ** level,
  }));
  return { levels, floor };
}

const BASE = { level: 0, x: 0n, y: 0n };
const area = ({ left, top, right, bottom }: Rect, bits = 8): Area => {
  const fixed = (value: number) => BigInt(Math.round(value * 2 ** bits));
  return { left: fixed(left), top: fixed(top), right: fixed(right), bottom: fixed(bottom), bits };
};

const pyramid = pyramidOf(1024, 128, 3);
const key = ({ level, row, column }: TileAddress) => `${level}/${row}.${column}`;

describe("a view", () => {
  test("shows the screen's size in level-0 pixels around its target", () => {
    const camera = fromViewState({ zoom: -1, target: [100, 50] });
    const rect = localRect(BASE, visibleArea(camera, { width: 40, height: 20 }));
    expect(rect).toEqual({ left: 60, right: 140, top: 30, bottom: 70 });
  });

  test.each([
    { width: 900, height: 600 },
    { width: 320, height: 480 },
  ])("that fits shows the whole image at $width×$height", (size) => {
    const camera = fitView(imageRect(pyramid), size);
    const shown = localRect(BASE, visibleArea(camera, size));
    expect(shown.left).toBeLessThan(0);
    expect(shown.top).toBeLessThan(0);
    expect(shown.right).toBeGreaterThan(1024);
    expect(shown.bottom).toBeGreaterThan(1024);
  });
});

describe("the level for a zoom", () => {
  test.each([
    [3, 0],
    [0, 0],
    [-0.49, 0],
    [-0.51, 1],
    [-1.4, 1],
    [-2, 2],
    [-40, 2],
  ])("%f is level %i", (zoom, level) => {
    expect(levelForZoom(pyramid, zoom)).toBe(level);
  });

  test("is one finer on a screen with twice the pixels", () => {
    expect(levelForZoom(pyramid, -1, 2)).toBe(0);
  });

  test.each([
    [-0.4, 0],
    [0.6, -1],
    [299.8, -300],
    [1000, -400],
  ])("%f is level %i where the pyramid goes on below 0, to −400", (zoom, level) => {
    expect(levelForZoom(pyramidOf(1024, 128, 3, -400), zoom)).toBe(level);
  });
});

describe("the tiles in an area", () => {
  test("come nearest to its middle first", () => {
    const tiles = tilesIn(pyramid, 0, area({ left: 130, right: 400, top: 0, bottom: 100 }));
    expect(tiles.map(key)).toEqual(["0/0.2", "0/0.1", "0/0.3"]);
  });

  test("end at the image's border", () => {
    const tiles = tilesIn(pyramid, 2, area({ left: -1e6, right: 1e6, top: -1e6, bottom: 1e6 }));
    expect(tiles.map(key).sort()).toEqual(["2/0.0", "2/0.1", "2/1.0", "2/1.1"]);
  });

  test("are none outside of the image, nor below its floor", () => {
    const beside = area({ left: 2000, right: 3000, top: 0, bottom: 10 });
    expect(tilesIn(pyramid, 0, beside)).toEqual([]);
    const inside = area({ left: 0, right: 1, top: 0, bottom: 1 });
    expect(tilesIn(pyramidOf(1024, 128, 3, -2), -3, inside)).toEqual([]);
    expect(tilesIn(pyramidOf(1024, 128, 3, -3), -3, inside).map(key)).toEqual(["-3/0.0"]);
  });

  test("tile the image without gap or overlap where its size is no multiple of a tile's", () => {
    const [level] = pyramidOf(1000, 300, 1).levels as [Level];
    const odd = { levels: [{ ...level, height: 700 }], floor: 0 };
    const total = tilesIn(odd, 0, area(imageRect(odd)))
      .map((tile) => localRect(BASE, tileArea(odd, tile, 8)))
      .reduce((sum, { left, right, top, bottom }) => sum + (right - left) * (bottom - top), 0);
    expect(total).toBe(1000 * 700);
  });

  const halving = (length: number) => {
    const levels: Level[] = [];
    for (let width = length; width >= 100; width = Math.ceil(width / 2)) {
      const scaleX = length / width;
      const sides = { tileWidth: 64, tileHeight: 64, scaleX, scaleY: scaleX };
      levels.push({ width, height: width, ...sides });
    }
    return { levels, floor: -50 };
  };

  test("contain every point of it, at any level of any pyramid", () => {
    const pyramids = fc.integer({ min: 100, max: 2 ** 40 }).map(halving);
    fc.assert(
      fc.property(
        pyramids,
        fc.integer({ min: -50, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (odd, wanted, part) => {
          const level = Math.min(wanted, odd.levels.length - 1);
          const bits = 140;
          const width = BigInt(odd.levels[0]?.width ?? 0) << BigInt(bits);
          const at = (width * BigInt(Math.floor(part * 2 ** 53))) >> 53n;
          const point: Area = { left: at, top: at, right: at + 1n, bottom: at + 1n, bits };
          const [tile, ...others] = tilesIn(odd, level, point);
          expect(others).toEqual([]);
          if (!tile) throw new Error("no tile");
          const around = tileArea(odd, tile, bits);
          expect(around.left <= at && at < around.right).toBe(true);
          expect(around.top <= at && at < around.bottom).toBe(true);
        },
      ),
    );
  });

  test("have their pixels cut at the image's edge, however large the index", () => {
    const deep = pyramidOf(1000, 300, 1, -2000);
    const last = { level: -2000, row: 0n, column: ((1000n << 2000n) - 1n) / 300n };
    const { x, y } = tilePixels(deep, last);
    expect(y).toEqual({ start: 0n, length: 300 });
    expect(x.start + BigInt(x.length)).toBe(1000n << 2000n);
    expect(pixelSize(deep, -3)).toBe(1 / 8);
  });
});

describe("the cover of a view", () => {
  const view = area({ left: 0, right: 256, top: 0, bottom: 256 });
  const covered = (...ready: string[]) =>
    cover(pyramid, 0, view, (tile) => ready.includes(key(tile))).drawn.map(key);

  test("is the level itself where all of it is ready", () => {
    const all = ["0/0.0", "0/0.1", "0/1.0", "0/1.1"];
    expect(covered(...all, "1/0.0", "2/0.0").sort()).toEqual(all);
  });

  test("has the nearest coarser tile under a hole, and no coarser one", () => {
    expect(covered("0/0.0", "1/0.0", "2/0.0")).toEqual(["1/0.0", "0/0.0"]);
  });

  test("skips levels that are not ready", () => {
    expect(covered("2/0.0")).toEqual(["2/0.0"]);
  });

  test("keeps finer tiles while zooming out", () => {
    const finer = cover(pyramid, 1, view, (tile) => ["0/0.0", "2/0.0"].includes(key(tile)));
    expect(finer.drawn.map(key)).toEqual(["2/0.0", "0/0.0"]);
  });

  test("is empty while nothing is there", () => {
    expect(covered()).toEqual([]);
  });

  test("is blank as long as some of it has nothing to stand in", () => {
    const blank = (...ready: string[]) =>
      cover(pyramid, 0, view, (tile) => ready.includes(key(tile))).blank;
    expect(blank()).toBe(true);
    expect(blank("0/0.0", "0/0.1", "0/1.0")).toBe(true);
    expect(blank("0/0.0", "0/0.1", "0/1.0", "0/1.1")).toBe(false);
    expect(blank("2/0.0")).toBe(false);
  });

  test("begins with a few coarser tiles, where there are any", () => {
    expect(firstLook(pyramid, 0, view).map(key)).toEqual(["2/0.0"]);
    expect(firstLook(pyramid, pyramid.levels.length - 1, view)).toEqual([]);
  });
});
