import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { fromViewState } from "../../src/frames";
import type { Image } from "../../src/image";
import type { TilePixels, TileRequest } from "../../src/model";
import { valueAt } from "../../src/probe";

const SIDE = 256;
const LEVELS = 4;

/** An image of which some tiles are here, each with its level as every value. */
function imageWith(here: (tile: TileRequest) => boolean, floor: number) {
  const asked: number[] = [];
  const levels = Array.from({ length: LEVELS }, (_, level) => ({
    width: SIDE * 2 ** (LEVELS - level),
    height: SIDE * 2 ** (LEVELS - level),
    tileWidth: SIDE,
    tileHeight: SIDE,
    scaleX: 2 ** level,
    scaleY: 2 ** level,
  }));
  const pixels = (level: number): TilePixels => ({
    width: SIDE,
    height: SIDE,
    planes: [new Int32Array(SIDE * SIDE).fill(level)],
  });
  const image = {
    info: { levels, floor },
    modelMatrix: undefined,
    channels: signal([{ visible: true }]),
    request: (tile: object) => ({ ...tile, selections: [] }),
    tiles: {
      get(tile: TileRequest) {
        asked.push(tile.level);
        return here(tile) ? pixels(tile.level) : undefined;
      },
    },
  } as unknown as Image;
  return { image, asked };
}

const look = (image: Image, zoom: number) => {
  const camera = fromViewState({ zoom, target: [700, 300] });
  return valueAt(image, camera, camera);
};

test("the value is that of the finest tile that is drawn at a place", () => {
  expect(look(imageWith(() => true, 0).image, -1)).toBe(1);
  expect(look(imageWith(({ level }) => level === 3, 0).image, -1)).toBe(3);
});

test("levels too coarse to be drawn are not looked through, however deep the place", () => {
  const deep = imageWith(() => false, -12_000);
  expect(look(deep.image, 10_000)).toBeUndefined();
  expect(deep.asked[0]).toBe(-10_000);
  expect(deep.asked.length).toBeLessThan(20);
});
