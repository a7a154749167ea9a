import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cameraAt, fromViewState, project, sameCamera } from "../../src/frames";
import type { ImageInfo } from "../../src/model";
import {
  cameraOf,
  coordinates,
  describePoint,
  formatMagnitude,
  locationOf,
  planeOf,
  roundLength,
} from "../../src/plane";
import { toDecimal } from "../../src/rational";

const info = (sampling: "center" | "corner", pixels = 1000): ImageInfo => ({
  axes: [],
  channelAxis: -1,
  yAxis: 0,
  xAxis: 1,
  dtype: "uint8",
  pixelType: "Uint8",
  levels: [{ width: pixels, height: pixels, tileWidth: 1, tileHeight: 1, scaleX: 1, scaleY: 1 }],
  floor: 0,
  mandelbrot: {
    levels: 1,
    tilesize: 1,
    maxiter: 255,
    sampling,
    center: ["0", "0"],
    width: "5",
    floor: 0,
  },
});

const at = (image: ImageInfo, x: number, y: number) =>
  coordinates(planeOf(image), fromViewState({ zoom: 0, target: [x, y] })).map((value) =>
    toDecimal(value, 20),
  );
const SIZE = { width: 900, height: 600 };

describe("the plane", () => {
  test("has the imaginary axis pointing up", () => {
    expect(at(info("center"), 0, 0)).toEqual(["-2.5", "2.5"]);
    expect(at(info("center"), 1000, 1000)).toEqual(["2.5", "-2.5"]);
  });

  test("lies half a pixel further on where pixels were sampled at their corners", () => {
    expect(at(info("corner"), 0.5, 0.5)).toEqual(["-2.5", "2.5"]);
  });

  test("of an ordinary image are its pixels", () => {
    const { mandelbrot: _, ...ordinary } = info("center");
    expect(planeOf(ordinary).complex).toBe(false);
    expect(at(ordinary, 12.5, 7)).toEqual(["12.5", "7"]);
  });
});

describe("a location", () => {
  const plane = planeOf(info("center", 1024 * 2 ** 40));

  test("is where it says it is", () => {
    const camera = cameraOf(plane, { center: ["-0.75", "0.1"], width: "5e-30" }, SIZE);
    expect(locationOf(plane, camera, SIZE)).toEqual({ center: ["-0.75", "0.1"], width: "5e-30" });
    expect(camera.zoom).toBeCloseTo(Math.log2(900) - 50 + Math.log2(1e30), 9);
  });

  test("leads back to the camera, at any depth", () => {
    const digits = fc.stringMatching(/^[0-9]{1,400}$/);
    const depth = fc.double({ min: -60, max: 1100, noNaN: true });
    fc.assert(
      fc.property(digits, digits, depth, (re, im, zoom) => {
        const wide = cameraOf(plane, { center: [`0.${re}`, `-0.${im}`], width: "1e-500" }, SIZE);
        const camera = cameraAt(wide, zoom);
        const back = cameraOf(plane, locationOf(plane, camera, SIZE), SIZE);
        expect(sameCamera(camera, back)).toBe(true);
        expect(Math.hypot(...project(camera, back))).toBeLessThan(1e-4);
      }),
    );
  });

  test.each([
    [{ center: ["x", "0"], width: "1" }, "x is no number"],
    [{ center: ["0", "0"], width: "-1" }, "The width is -1"],
  ] as const)("that is none is refused: %j", (location, message) => {
    expect(() => cameraOf(plane, location, SIZE)).toThrow(message);
  });
});

test("coordinates have the digits that the zoom deserves", () => {
  const plane = planeOf(info("center", 1024 * 2 ** 40));
  const point = cameraOf(plane, { center: ["-0.74364388703715870475", "0"], width: "1" }, SIZE);
  expect(describePoint(plane, point, Math.log2(5) - 40)).toEqual(["-0.7436", "0"]);
  expect(describePoint(plane, point, Math.log2(5) - 53)[0]).toBe("-1");
});

test.each([
  [5, "5"],
  [0.01234, "0.0123"],
  [12_345, "12300"],
  [1.234e-9, "1.23 × 10⁻⁹"],
  [4.2e12, "4.2 × 10¹²"],
])("%f is written %s", (value, text) => {
  expect(formatMagnitude(Math.log2(value))).toBe(text);
});

test("lengths of any smallness are written", () => {
  expect(formatMagnitude(-3321.928094887362)).toBe("1 × 10⁻¹⁰⁰⁰");
  expect(roundLength(-3321.5).text).toBe("1 × 10⁻¹⁰⁰⁰");
});

test.each([
  [1, 1],
  [4.9, 2],
  [7, 5],
  [0.034, 0.02],
])("the round length within %f is %f", (length, round) => {
  const { log, text } = roundLength(Math.log2(length));
  expect(2 ** log).toBeCloseTo(round, 12);
  expect(text).toBe(String(round));
});
