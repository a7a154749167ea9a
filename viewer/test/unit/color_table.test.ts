import { describe, expect, test } from "vitest";
import { entryOf, paint, rampOf, TABLE_WIDTH, tableOf } from "../../src/color_table";
import {
  colorOf,
  DEFAULT_COLORING,
  type Equalizer,
  equalizerOf,
  type Scaling,
} from "../../src/coloring";
import type { Color, Limits } from "../../src/model";
import { paletteOf } from "../../src/palette";

const SCALINGS: readonly Scaling[] = ["linear", "square root", "logarithmic"];

interface Case {
  readonly limits: Limits;
  readonly scaling: Scaling;
  readonly whole: boolean;
  readonly density?: number;
  readonly offset?: number;
  readonly palette?: string;
  readonly equalizer?: Equalizer;
}

/** A value's colour as the shader finds it, and as it should be. */
function looker(given: Case) {
  const { limits, scaling, whole, equalizer } = given;
  const { density = 1, offset = 0, palette = "vikO" } = given;
  const table = tableOf(rampOf(limits, scaling, whole, equalizer), palette, density, offset);
  const coloring = { ...DEFAULT_COLORING, scaling, density, offset };
  return {
    table,
    found(value: number): Color {
      const above = Math.min(Math.max(value - table.low, 0), table.span) * table.unit;
      const [r = -1, g = -1, b = -1] = table.colors.slice(entryOf(above) * 4);
      return [r, g, b];
    },
    wanted: (value: number) => colorOf(value, paletteOf(palette), limits, coloring, equalizer),
  };
}

const apart = (a: Color, b: Color) =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 0))));

describe("the table of colours", () => {
  test("has an entry for each whole number, then one for two, for four, …", () => {
    for (const n of [0, 1, 2, 100, 4095]) expect(entryOf(n)).toBe(n);
    expect([4096, 4097, 4098].map(entryOf)).toEqual([4096, 4096, 4097]);
    expect([12_288, 12_291, 12_292].map(entryOf)).toEqual([8192, 8192, 8193]);
    for (let x = 0, last = -1; x < 2 ** 24; x = x * 1.1 + 1) {
      expect(entryOf(x)).toBeGreaterThan(last - 1);
      last = entryOf(x);
    }
  });

  test.each(SCALINGS)("gives whole numbers the colours of the %s scaling", (scaling) => {
    const { found, wanted } = looker({
      limits: [17, 3000],
      scaling,
      whole: true,
      density: 3,
      offset: 0.4,
    });
    for (let n = 0; n < 3500; n++) expect(apart(found(n), wanted(n)), `${n}`).toBeLessThan(8);
  });

  test("is as right between limits that are no whole numbers, and where they are one", () => {
    const odd = looker({ limits: [2.5, 9.25], scaling: "linear", whole: true, palette: "jet" });
    for (let n = 0; n < 12; n++) expect(apart(odd.found(n), odd.wanted(n))).toBeLessThan(8);
    const none = looker({ limits: [7, 7], scaling: "logarithmic", whole: true });
    for (const n of [0, 7, 8, 1000]) expect(apart(none.found(n), none.wanted(n))).toBeLessThan(8);
  });

  test("reaches the largest counts, and stays small", () => {
    const limits = [1000, 4_000_000] as const;
    for (const scaling of SCALINGS) {
      const { table, found, wanted } = looker({ limits, scaling, whole: true, density: 4 });
      expect(table.colors.length % (4 * TABLE_WIDTH)).toBe(0);
      expect(table.colors.length).toBeLessThan(2 ** 18);
      for (let n = 900; n < 5_000_000; n = Math.ceil(n * 1.003)) {
        expect(apart(found(n), wanted(n)), `${scaling} ${n}`).toBeLessThan(10);
      }
    }
  });

  test("tells fractions apart", () => {
    const { found, wanted } = looker({ limits: [-0.5, 0.25], scaling: "linear", whole: false });
    for (let v = -0.6; v < 0.3; v += 0.0007) {
      expect(apart(found(v), wanted(v)), `${v}`).toBeLessThan(8);
    }
  });

  test("has an equalizer's shares", () => {
    const values = Uint32Array.from({ length: 4000 }, (_, i) => 50 + Math.floor(1.003 ** i));
    const equalizer = equalizerOf([{ width: 4000, height: 1, planes: [values] }], 1e9);
    if (!equalizer) throw new Error("nothing to equalize");
    const { found, wanted } = looker({
      limits: [0, 1],
      scaling: "histogram",
      whole: true,
      equalizer,
    });
    for (const n of values) expect(apart(found(n), wanted(n)), `${n}`).toBeLessThan(8);
  });
});

test("values that share an entry have the colour of the middle one", () => {
  const span = 2 ** 20;
  const { positions } = rampOf([0, span], "linear", true, undefined);
  for (const value of [5000, 100_001, 900_000]) {
    const entry = entryOf(value);
    let [first, last] = [value, value];
    while (entryOf(first - 1) === entry) first--;
    while (entryOf(last + 1) === entry) last++;
    expect(last).toBeGreaterThan(first);
    expect((positions[entry] ?? 0) * span).toBeCloseTo((first + last) / 2, 0);
  }
});

describe("painted without a shader", () => {
  const interior = { from: 1000, color: [1, 2, 3] as Color };

  test.each([
    ["Uint8", Uint8Array.of(0, 3, 17, 200, 255)],
    ["Uint16", Uint16Array.of(0, 9, 500, 999, 1000, 65_535)],
    ["Uint8, more pixels than values", Uint8Array.from({ length: 300 }, (_, i) => 7 * i)],
    ["Uint32", Uint32Array.of(0, 70_000, 999, 4_000_000_000)],
    ["Int16", Int16Array.of(-5, -300, 12, 999, 1000)],
    ["Float32", Float32Array.of(-0.25, 0, 0.5, 998.5, 1000)],
  ])("values of type %s have the table's colours", (type, values) => {
    const { table, found } = looker({
      limits: [-20, 700],
      scaling: "square root",
      whole: type !== "Float32",
    });
    const painted = paint(values, { table, interior });
    expect(painted.length).toBe(4 * values.length);
    for (const [i, value] of values.entries()) {
      const wanted = value < interior.from ? found(value) : interior.color;
      expect([...painted.subarray(4 * i, 4 * i + 4)], `${value}`).toEqual([...wanted, 255]);
    }
  });
});
