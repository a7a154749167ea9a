import { expect, test } from "vitest";
import { PALETTE_NAMES, PALETTE_SIZE, paletteBytes } from "../../src/palette";

test.each(PALETTE_NAMES)("%s fills every entry with an opaque colour", (name) => {
  const bytes = paletteBytes(name);
  expect(bytes).toHaveLength(PALETTE_SIZE * 4);
  for (let i = 3; i < bytes.length; i += 4) expect(bytes[i]).toBe(255);
  const colors = new Set(
    Array.from({ length: PALETTE_SIZE }, (_, i) => bytes.slice(i * 4, i * 4 + 3).join()),
  );
  if (name !== "alpha") expect(colors.size).toBeGreaterThan(50);
});

test("viridis runs from its dark violet to its yellow", () => {
  const bytes = paletteBytes("viridis");
  expect([...bytes.slice(0, 3)]).toEqual([68, 1, 84]);
  expect([...bytes.slice(-4, -1)]).toEqual([253, 231, 37]);
});

test("neighbouring entries of dusk differ by a step too small to see", () => {
  const bytes = paletteBytes("dusk");
  for (let i = 4; i < bytes.length; i++) {
    expect(Math.abs((bytes[i] ?? 0) - (bytes[i - 4] ?? 0))).toBeLessThanOrEqual(2);
  }
});

test("an unknown name is refused with the known ones", () => {
  expect(() => paletteBytes("nope")).toThrow(/no colormap named nope; try one of dusk.*viridis/);
});
