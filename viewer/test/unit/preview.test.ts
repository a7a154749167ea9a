import { describe, expect, test } from "vitest";
import { INTERIOR } from "../../src/coloring";
import { GALLERY } from "../../src/gallery";
import { paletteOf } from "../../src/palette";
import { LEAST_PREVIEW_WIDTH, previewPixels } from "../../src/preview";
import { parseRational } from "../../src/rational";

const SIZE = { width: 42, height: 28 };
const PALETTE = paletteOf("vikO");

function colors(pixels: Uint8ClampedArray): string[] {
  return Array.from({ length: pixels.length / 4 }, (_, i) =>
    [...pixels.subarray(i * 4, i * 4 + 4)].join(),
  );
}

describe("a preview", () => {
  test("shows the set where it is, the imaginary axis up", () => {
    const seen = colors(
      previewPixels({ re: -0.6, im: 0.2, width: 3.6, maxiter: 100 }, SIZE, PALETTE),
    );
    const at = (re: number, im: number) => {
      const scale = SIZE.width / 3.6;
      const column = Math.floor(SIZE.width / 2 + (re + 0.6) * scale);
      const row = Math.floor(SIZE.height / 2 - (im - 0.2) * scale);
      return seen[row * SIZE.width + column];
    };
    const inside = [...INTERIOR, 255].join();
    for (const [re, im] of [
      [0, 0.1],
      [-1, 0],
      [-0.12, 0.74],
      [-0.2, -0.5],
    ] as const) {
      expect(at(re, im)).toBe(inside);
    }
    expect(at(0.6, 0.2)).not.toBe(inside);
    expect(at(-2.3, 0.9)).not.toBe(inside);
  });
});

describe("the gallery", () => {
  test("has a dozen places and more, each with a name of its own, in numbers", () => {
    expect(GALLERY.length).toBeGreaterThanOrEqual(12);
    expect(new Set(GALLERY.map(({ name }) => name)).size).toBe(GALLERY.length);
    for (const { center, width } of GALLERY) [...center, width].map(parseRational);
  });

  test.each(GALLERY.filter(({ width }) => Number(width) >= LEAST_PREVIEW_WIDTH))(
    "shows something at $name",
    ({ center, width, maxiter }) => {
      const place = { re: Number(center[0]), im: Number(center[1]), width: Number(width), maxiter };
      const seen = colors(previewPixels(place, SIZE, PALETTE));
      // Many colours, and not one of them over nearly all of it.
      const most = Math.max(...[...new Set(seen)].map((c) => seen.filter((d) => d === c).length));
      expect(new Set(seen).size).toBeGreaterThan(12);
      expect(most / seen.length).toBeLessThan(0.8);
    },
  );
});
