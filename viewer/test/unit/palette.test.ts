import { describe, expect, test } from "vitest";
import type { Color } from "../../src/model";
import {
  colorAt,
  DEFAULT_ESCAPE_TIME,
  ESCAPE_TIME_PALETTES,
  PALETTE_NAMES,
  PALETTE_SIZE,
  paletteBytes,
  paletteGradient,
  paletteOf,
} from "../../src/palette";
import palettes from "../../src/palettes/palettes.json";

/** CIE L*, a*, b* of an sRGB colour (D65). */
function lab(color: Color): [number, number, number] {
  const [r, g, b] = color.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 27 / 116 + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function distance(a: Color, b: Color): number {
  const [p, q] = [lab(a), lab(b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

describe("the palettes for escape time", () => {
  test("are many, of both kinds, some for everybody's eyes", () => {
    const cyclic = ESCAPE_TIME_PALETTES.filter((palette) => palette.cyclic);
    expect(ESCAPE_TIME_PALETTES.length).toBeGreaterThanOrEqual(12);
    expect(cyclic.length).toBeGreaterThanOrEqual(4);
    expect(ESCAPE_TIME_PALETTES.length - cyclic.length).toBeGreaterThanOrEqual(4);
    expect(cyclic.filter(({ colorBlindSafe }) => colorBlindSafe).length).toBeGreaterThanOrEqual(2);
    expect(PALETTE_NAMES).toContain(DEFAULT_ESCAPE_TIME);
    expect(new Set(PALETTE_NAMES).size).toBe(PALETTE_NAMES.length);
  });

  test.each(ESCAPE_TIME_PALETTES.map((p) => [p.name, p] as const))(
    "%s is smooth: no step between stops is much larger than the others",
    (_, palette) => {
      const { stops, cyclic } = palette;
      const next = stops.slice(1);
      if (cyclic && stops[0]) next.push(stops[0]);
      const steps = next.map((stop, i) => distance(stops[i] ?? [0, 0, 0], stop));
      const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
      expect(Math.max(...steps)).toBeLessThan(Math.max(2.6 * mean, 8));
    },
  );

  test("those that are not cyclic go from dark to light", () => {
    for (const { name, cyclic, stops } of ESCAPE_TIME_PALETTES) {
      if (cyclic) continue;
      const light = stops.map((stop) => lab(stop)[0]);
      for (let i = 1; i < light.length; i++) {
        expect(light[i], `${name} at ${i}`).toBeGreaterThan((light[i - 1] ?? 0) - 0.5);
      }
    }
  });

  test("each names its origin and licence", () => {
    for (const { origin, license } of palettes) {
      expect(origin).toMatch(/^https:/);
      expect(license).toMatch(/^(MIT|CC0|CC-BY-4\.0|PSF|BSD-3-Clause)$/);
    }
  });
});

describe("colours of a palette", () => {
  const gray = {
    name: "gray",
    cyclic: false,
    colorBlindSafe: true,
    stops: [
      [0, 0, 0],
      [100, 100, 100],
    ],
  } as const;

  test("lie between the stops", () => {
    expect(colorAt(gray, 0)).toEqual([0, 0, 0]);
    expect(colorAt(gray, 0.25)).toEqual([25, 25, 25]);
    expect(colorAt(gray, 1)).toEqual([100, 100, 100]);
  });

  test("repeat there and back, or round and round", () => {
    expect(colorAt(gray, 1.25)).toEqual([75, 75, 75]);
    expect(colorAt(gray, -0.25)).toEqual([25, 25, 25]);
    const wheel = { ...gray, cyclic: true };
    expect(colorAt(wheel, 0.25)).toEqual([50, 50, 50]);
    expect(colorAt(wheel, 0.75)).toEqual([50, 50, 50]);
    expect(colorAt(wheel, 3)).toEqual([0, 0, 0]);
    expect(colorAt(wheel, -0.25)).toEqual(colorAt(wheel, 0.75));
  });

  test("fill a table of opaque colours", () => {
    const bytes = paletteBytes("magma");
    expect(bytes.length).toBe(PALETTE_SIZE * 4);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 4, 255]);
    expect([...bytes.subarray(-4)]).toEqual([252, 253, 191, 255]);
    expect(new Set([...bytes].filter((_, i) => i % 4 === 3))).toEqual(new Set([255]));
  });

  test("classic names go on working; unknown ones are refused by name", () => {
    expect(paletteOf("jet").cyclic).toBe(false);
    expect(paletteGradient("jet")).toMatch(/^linear-gradient\(to right, rgb\(0 0 131\)/);
    expect(() => paletteBytes("dussk")).toThrow(/no colormap named dussk; try one of vikO, /);
  });
});
