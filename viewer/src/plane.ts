/** Image coordinates: where level-0 pixels lie in the complex plane, and how to write it down. */

import { floorDivide } from "./fixed";
import { type Camera, cameraAt, type Point } from "./frames";
import type { ImageInfo, Location, Size } from "./model";
import {
  add,
  divide,
  log2,
  multiply,
  negate,
  parseRational,
  powerOfTwo,
  type Rational,
  toDecimal,
} from "./rational";

/**
 * The coordinates of an image: the complex plane where there is a `"mandelbrot"` attribute (the
 * imaginary axis up), else level-0 pixels (y down).
 */
export interface Plane {
  readonly complex: boolean;
  /** Coordinates of level-0 pixel position (0, 0), the upper left corner. */
  readonly corner: readonly [Rational, Rational];
  /** Units per level-0 pixel. */
  readonly step: Rational;
}

const ZERO: Rational = { n: 0n, d: 1n };
const ONE: Rational = { n: 1n, d: 1n };
const PIXELS: Plane = { complex: false, corner: [ZERO, ZERO], step: ONE };

export function planeOf({ mandelbrot, levels }: ImageInfo): Plane {
  const pixels = levels[0]?.width;
  if (!mandelbrot || !pixels) return PIXELS;
  const [re, im] = mandelbrot.center.map(parseRational) as [Rational, Rational];
  const width = parseRational(mandelbrot.width);
  const step = divide(width, { n: BigInt(pixels), d: 1n });
  const half = divide(width, { n: 2n, d: 1n });
  // Sampled at its corner, a pixel shows a point that lies half a pixel up and left of its middle.
  const shift = mandelbrot.sampling === "corner" ? multiply(step, { n: 1n, d: 2n }) : ZERO;
  return {
    complex: true,
    corner: [add(re, negate(add(half, shift))), add(im, add(half, shift))],
    step,
  };
}

/** The coordinates of a place: re and im, or x and y. */
export function coordinates(plane: Plane, { x, y, bits }: Point): readonly [Rational, Rational] {
  const d = 1n << BigInt(bits);
  const down = multiply({ n: y, d }, plane.step);
  return [
    add(plane.corner[0], multiply({ n: x, d }, plane.step)),
    add(plane.corner[1], plane.complex ? negate(down) : down),
  ];
}

/** The place with these coordinates, to `bits` binary places of a level-0 pixel. */
export function placeAt(plane: Plane, [a, b]: readonly [Rational, Rational], bits: number): Point {
  const right = add(a, negate(plane.corner[0]));
  const up = add(b, negate(plane.corner[1]));
  const fixed = (value: Rational) => {
    const { n, d } = divide(value, plane.step);
    return floorDivide((n << BigInt(bits + 1)) + d, 2n * d);
  };
  return { x: fixed(right), y: fixed(plane.complex ? negate(up) : up), bits };
}

/** log2 of units per screen pixel. */
export function logPixel(plane: Plane, zoom: number): number {
  return log2(plane.step) - zoom;
}

/** Decimal places that tell neighbouring screen pixels apart, with so many binary ones to spare. */
export function decimalPlaces(plane: Plane, zoom: number, spare = 3): number {
  return Math.max(0, Math.ceil((spare - logPixel(plane, zoom)) * Math.log10(2)));
}

/** Coordinates of a place as decimals, as many as the zoom deserves. */
export function describePoint(plane: Plane, point: Point, zoom: number): readonly [string, string] {
  const places = decimalPlaces(plane, zoom);
  const [a, b] = coordinates(plane, point);
  return [toDecimal(a, places), toDecimal(b, places)];
}

/** Binary places below a screen pixel to which a location is told. */
const LOCATION_BITS = 20;
/** A zoom in the thousands is good to so many digits of the width. */
const WIDTH_DIGITS = 12;

/** Where a camera is, such that `cameraOf` leads back there. */
export function locationOf(plane: Plane, camera: Camera, size: Size): Location {
  const places = decimalPlaces(plane, camera.zoom, LOCATION_BITS);
  const [a, b] = coordinates(plane, camera);
  return {
    center: [toDecimal(a, places), toDecimal(b, places)],
    width: powerOfTwo(Math.log2(size.width) + logPixel(plane, camera.zoom), WIDTH_DIGITS),
  };
}

/** The camera that sees a location. */
export function cameraOf(plane: Plane, { center, width }: Location, size: Size): Camera {
  const wide = parseRational(width);
  if (wide.n <= 0n) {
    throw new Error(`The width is ${width}; expected a number above 0, such as 5 or 1e-30.`);
  }
  const zoom = Math.log2(size.width) + log2(plane.step) - log2(wide);
  const [a, b] = center.map(parseRational) as [Rational, Rational];
  const bits = Math.max(0, Math.ceil(zoom)) + 128;
  return cameraAt(placeAt(plane, [a, b], bits), zoom);
}

/** log2 of a magnitude as text: three significant digits; beyond the everyday range m × 10ⁿ. */
export function formatMagnitude(log: number): string {
  const value = 2 ** log;
  if (value >= 1e-3 && value < 1e6) return String(Number(value.toPrecision(3)));
  const [mantissa, power = "0"] = powerOfTwo(log, 3).split("e");
  return `${mantissa} × 10${superscript(power)}`;
}

function superscript(text: string): string {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return text.replace(/[-\d]/g, (c) => (c === "-" ? "⁻" : (digits[Number(c)] ?? c)));
}

/** The largest of 1, 2 or 5 times a power of ten that is at most 2^log: as text, and its log2. */
export function roundLength(log: number): { text: string; log: number } {
  const decimal = log * Math.log10(2);
  const power = Math.floor(decimal + 1e-12);
  const factor =
    [5, 2, 1].find((candidate) => Math.log10(candidate) + power <= decimal + 1e-9) ?? 1;
  const rounded = Math.log2(factor) + power * Math.log2(10);
  const everyday = power >= -3 && power < 6;
  const text = everyday
    ? String(Number((factor * 10 ** power).toPrecision(1)))
    : `${factor} × 10${superscript(String(power))}`;
  return { text, log: rounded };
}
