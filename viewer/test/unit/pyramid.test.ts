import { describe, expect, test } from "vitest";
import type { Level } from "../../src/model";
import {
  cover,
  fitView,
  imageRect,
  levelForZoom,
  type TileAddress,
  tileRect,
  tilesIn,
  visibleRect,
} from "../../src/pyramid";

/** `count` levels over an image of `pixels` a side, each half the size of the one before. */
function pyramid(pixels: number, tile: number, count: number): Level[] {
  return Array.from({ length: count }, (_, level) => ({
    width: pixels / 2 ** level,
    height: pixels / 2 ** level,
    tileWidth: tile,
    tileHeight: tile,
    scaleX: 2 ** level,
    scaleY: 2 ** level,
  }));
}

const levels = pyramid(1024, 128, 3);
const key = ({ level, row, column }: TileAddress) => `${level}/${row}.${column}`;

describe("a view", () => {
  test("shows the screen's size in level-0 pixels around its target", () => {
    const rect = visibleRect({ zoom: -1, target: [100, 50] }, { width: 40, height: 20 });
    expect(rect).toEqual({ left: 60, right: 140, top: 30, bottom: 70 });
  });

  test.each([
    { width: 900, height: 600 },
    { width: 320, height: 480 },
  ])("that fits shows the whole image at $width×$height", (size) => {
    const shown = visibleRect(fitView(imageRect(levels), size), size);
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
    expect(levelForZoom(levels, zoom)).toBe(level);
  });

  test("is one finer on a screen with twice the pixels", () => {
    expect(levelForZoom(levels, -1, 2)).toBe(0);
  });
});

describe("the tiles in a rectangle", () => {
  test("come nearest to its middle first", () => {
    const tiles = tilesIn(levels, 0, { left: 130, right: 400, top: 0, bottom: 100 });
    expect(tiles.map(key)).toEqual(["0/0.2", "0/0.1", "0/0.3"]);
  });

  test("end at the image's border", () => {
    const tiles = tilesIn(levels, 2, { left: -1e9, right: 1e9, top: -1e9, bottom: 1e9 });
    expect(tiles.map(key).sort()).toEqual(["2/0.0", "2/0.1", "2/1.0", "2/1.1"]);
  });

  test("are none outside of the image", () => {
    expect(tilesIn(levels, 0, { left: 2000, right: 3000, top: 0, bottom: 10 })).toEqual([]);
  });

  test("tile the image without gap or overlap where its size is no multiple of a tile's", () => {
    const odd: Level[] = [{ ...pyramid(1000, 300, 1)[0], width: 1000, height: 700 } as Level];
    const tiles = tilesIn(odd, 0, imageRect(odd));
    const area = tiles
      .map((tile) => tileRect(odd, tile))
      .reduce((sum, { left, right, top, bottom }) => sum + (right - left) * (bottom - top), 0);
    expect(area).toBe(1000 * 700);
  });
});

describe("the cover of a view", () => {
  const view = { left: 0, right: 256, top: 0, bottom: 256 };
  const covered = (...ready: string[]) =>
    cover(levels, 0, view, (tile) => ready.includes(key(tile))).map(key);

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
    const finer = cover(levels, 1, view, (tile) => ["0/0.0", "2/0.0"].includes(key(tile)));
    expect(finer.map(key)).toEqual(["2/0.0", "0/0.0"]);
  });

  test("is empty while nothing is there", () => {
    expect(covered()).toEqual([]);
  });
});
