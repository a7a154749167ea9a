import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Camera, cameraAt, fromViewState, project } from "../../src/frames";
import { journey } from "../../src/journey";

// Shrinking a path of a thousand exact steps takes longer than finding it.
fc.configureGlobal({ endOnFailure: true });

const SIZE = { width: 900, height: 600 };
const SIDE = 2 ** 50;
const near = (a: Camera, b: Camera) => Math.hypot(...project(a, b));

const places = fc.bigInt({ min: 0n, max: 2n ** 1250n });
const cameras = fc
  .tuple(places, places, fc.double({ min: -41, max: 1100, noNaN: true }))
  .map(([x, y, zoom]) => cameraAt({ x, y, bits: 1200 }, zoom));

describe("a journey", () => {
  test("begins and ends exactly where it should, without a jump", () => {
    fc.assert(
      fc.property(cameras, cameras, (from, to) => {
        const { at, length } = journey(from, to, SIZE);
        expect(at(0)).toBe(from);
        expect(at(1)).toBe(to);
        expect(length).toBeLessThan(5000);
        const steps = Math.ceil(length * 20) + 20;
        let before = from;
        for (let i = 1; i <= steps; i++) {
          const now = at(i / steps);
          // The picture changes by a few percent of the screen at a time.
          expect(Math.abs(now.zoom - before.zoom)).toBeLessThan(0.25);
          expect(near(before, now)).toBeLessThan(SIZE.width / 4);
          before = now;
        }
      }),
      { numRuns: 20 },
    );
  });

  test("leads from one deep place to another far away", () => {
    const from = cameraAt({ x: 0n, y: 0n, bits: 1200 }, 1100);
    const to = cameraAt({ x: 2n ** 1250n, y: 1n, bits: 1200 }, 1100);
    const { at, length } = journey(from, to, SIZE);
    expect(length).toBeGreaterThan(1000);
    expect(length).toBeLessThan(5000);
    expect(at(0.5).zoom).toBeLessThan(-39);
    expect(at(0.5).zoom).toBeGreaterThan(-45);
  });

  test("goes out far enough to see both ends, where they are far apart", () => {
    const from = fromViewState({ zoom: 0, target: [SIDE * 0.2, SIDE * 0.5] });
    const to = fromViewState({ zoom: 3, target: [SIDE * 0.7, SIDE * 0.5] });
    const { at } = journey(from, to, SIZE);
    const zooms = Array.from({ length: 101 }, (_, i) => at(i / 100).zoom);
    const widest = 900 * 2 ** -Math.min(...zooms);
    expect(widest / (SIDE * 0.5)).toBeGreaterThan(0.7);
    expect(widest / (SIDE * 0.5)).toBeLessThan(2);
  });

  test("between ends deeper than float64 reaches, far apart, is as long as it must be", () => {
    const from = cameraAt({ x: 1n << 48n, y: 0n, bits: 0 }, 1090);
    const to = cameraAt({ x: 1n << 49n, y: 5n, bits: 0 }, 5000);
    const { length, at } = journey(from, to, SIZE);
    expect(length).toBeGreaterThan(((1090 + 5000 + 80) * Math.LN2) / 1.4 - 20);
    expect(length).toBeLessThan(5000);
    expect(at(0.999).zoom).toBeGreaterThan(4900);
    expect(at(0.999).zoom).toBeLessThan(5000);
  });

  test("on the spot only zooms", () => {
    const from = fromViewState({ zoom: -40, target: [SIDE / 3, SIDE / 3] });
    const to = cameraAt(from, 900);
    const { at } = journey(from, to, SIZE);
    expect(at(0.5).zoom).toBeCloseTo(430, 6);
    expect(near(at(0.5), cameraAt(from, 430))).toBeLessThan(1e-6);
  });
});
