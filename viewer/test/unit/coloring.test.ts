import { describe, expect, test } from "vitest";
import {
  colorOf,
  DEFAULT_COLORING,
  type Equalizer,
  equalized,
  equalizerOf,
  scaled,
} from "../../src/coloring";
import type { TilePixels } from "../../src/model";
import { colorAt, paletteOf } from "../../src/palette";

const tile = (values: number[]): TilePixels => ({
  width: values.length,
  height: 1,
  planes: [Uint32Array.from(values)],
});

function equalizer(values: number[], interior = Number.POSITIVE_INFINITY): Equalizer {
  const made = equalizerOf([tile(values)], interior);
  if (!made) throw new Error("nothing to equalize");
  return made;
}

describe("scaling", () => {
  test("spreads values over 0 to 1, and holds those outside the limits there", () => {
    expect(scaled(75, [50, 150], "linear")).toBe(0.25);
    expect(scaled(75, [50, 150], "square root")).toBe(0.5);
    expect(scaled(59, [50, 149], "logarithmic")).toBeCloseTo(0.5, 12);
    for (const scaling of ["linear", "square root", "logarithmic"] as const) {
      expect(scaled(10, [50, 150], scaling)).toBe(0);
      expect(scaled(1000, [50, 150], scaling)).toBe(1);
    }
  });

  test("density and offset say how often the palette is passed, and from where", () => {
    const palette = paletteOf("vikO");
    const coloring = { ...DEFAULT_COLORING, density: 4, offset: 0.25 };
    expect(colorOf(0, palette, [0, 100], coloring)).toEqual(colorAt(palette, 0.25));
    expect(colorOf(25, palette, [0, 100], coloring)).toEqual(colorAt(palette, 0.25));
    expect(colorOf(10, palette, [0, 100], coloring)).toEqual(colorAt(palette, 0.65));
  });
});

describe("the equalizer", () => {
  test("gives each value a share between those below it and those up to it", () => {
    const values = [1, 1, 1, 1, 1, 2, 2, 10, 1000, 1_000_000];
    const made = equalizer(values);
    expect(made.limits).toEqual([1, 1_000_000]);
    for (const value of new Set(values)) {
      const below = values.filter((other) => other < value).length / values.length;
      const upTo = values.filter((other) => other <= value).length / values.length;
      expect(equalized(value, made)).toBeGreaterThanOrEqual(below - 1e-6);
      expect(equalized(value, made)).toBeLessThanOrEqual(upTo);
    }
  });

  test("never falls, and spreads what it was made from evenly", () => {
    const values = Array.from({ length: 4000 }, (_, i) => Math.floor(1.004 ** i));
    const made = equalizer(values);
    let last = 0;
    values.forEach((value, i) => {
      const share = equalized(value, made);
      expect(share).toBeGreaterThanOrEqual(last);
      last = share;
      if (value > 100) expect(Math.abs(share - i / values.length)).toBeLessThan(0.01);
    });
  });

  test("resolves counts that lie close together far from zero", () => {
    const values = Array.from({ length: 500 }, (_, i) => 100_000 + i);
    const made = equalizer(values);
    expect(equalized(100_250, made)).toBeCloseTo(0.5, 2);
  });

  test("leaves the interior out; where there is nothing else there is none", () => {
    expect(equalizer([3, 4, 255, 255], 255).limits).toEqual([3, 4]);
    expect(equalizerOf([tile([255])], 255)).toBeUndefined();
    expect(equalizerOf([], 255)).toBeUndefined();
  });

  test("looks at large tiles in samples that meet every column", () => {
    const side = 512;
    const values = Array.from({ length: side * side }, (_, i) => i % side);
    expect(equalized(256, equalizer(values))).toBeCloseTo(0.5, 1);
  });
});
