import { describe, expect, test } from "vitest";
import type { ImageInfo } from "../../src/model";
import {
  formatCoordinate,
  formatMagnitude,
  parseRational,
  planeOf,
  roundLength,
} from "../../src/plane";

const info = (sampling: "center" | "corner"): ImageInfo => ({
  axes: [],
  channelAxis: -1,
  yAxis: 0,
  xAxis: 1,
  dtype: "uint8",
  pixelType: "Uint8",
  levels: [{ width: 1000, height: 1000, tileWidth: 1, tileHeight: 1, scaleX: 1, scaleY: 1 }],
  mandelbrot: {
    levels: 1,
    tilesize: 1,
    maxiter: 255,
    sampling,
    center: ["0", "0"],
    width: "5",
  },
});

describe("the plane", () => {
  test("has the imaginary axis pointing up", () => {
    const plane = planeOf(info("center"));
    expect(plane?.at(0, 0)).toEqual([-2.5, 2.5]);
    expect(plane?.at(1000, 1000)).toEqual([2.5, -2.5]);
    expect(plane?.step).toBe(0.005);
  });

  test("lies half a pixel further on where pixels were sampled at their corners", () => {
    const [re, im] = planeOf(info("corner"))?.at(0.5, 0.5) ?? [];
    expect(re).toBeCloseTo(-2.5, 12);
    expect(im).toBeCloseTo(2.5, 12);
  });

  test("is unknown for an ordinary image", () => {
    const { mandelbrot: _, ...ordinary } = info("center");
    expect(planeOf(ordinary)).toBeUndefined();
  });
});

test.each([
  ["-0.75", -0.75],
  ["1e-30", 1e-30],
  ["-1/3", -1 / 3],
])("%s is read as %f", (text, value) => {
  expect(parseRational(text)).toBe(value);
});

test("coordinates have the digits that the step deserves", () => {
  expect(formatCoordinate(-0.7436438870371587, 1e-3)).toBe("−0.7436");
  expect(formatCoordinate(-0.7436438870371587, 1e-9)).toBe("−0.7436438870");
  expect(formatCoordinate(123.456, 10)).toBe("123");
});

test.each([
  [5, "5"],
  [0.01234, "0.0123"],
  [12_345, "12300"],
  [1.234e-9, "1.23 × 10⁻⁹"],
  [4.2e12, "4.20 × 10¹²"],
  [0, "0"],
])("%f is written %s", (value, text) => {
  expect(formatMagnitude(value)).toBe(text);
});

test.each([
  [1, 1],
  [4.9, 2],
  [7, 5],
  [0.034, 0.02],
])("the round length within %f is %f", (length, round) => {
  expect(roundLength(length)).toBeCloseTo(round, 12);
});
