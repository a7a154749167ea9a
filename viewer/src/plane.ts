/** Where level-0 pixels lie in the complex plane, and how to write it down. */

import type { ImageInfo, MandelbrotAttribute } from "./model";

export interface Plane {
  /** Real and imaginary part at a level-0 pixel position (0 is the left or upper edge). */
  at(x: number, y: number): readonly [re: number, im: number];
  /** Plane units per level-0 pixel. */
  readonly step: number;
}

/** The plane of a source with a `"mandelbrot"` attribute; float64, enough to about 10^15. */
export function planeOf({ mandelbrot, levels }: ImageInfo): Plane | undefined {
  const pixels = levels[0]?.width;
  if (!mandelbrot || !pixels) return undefined;
  const [re, im] = mandelbrot.center.map(parseRational);
  const width = parseRational(mandelbrot.width);
  if (re === undefined || im === undefined || !Number.isFinite(width)) return undefined;
  const step = width / pixels;
  const shift = cornerShift(mandelbrot);
  return {
    step,
    at: (x, y) => [
      re + ((x - shift) / pixels - 0.5) * width,
      im - ((y - shift) / pixels - 0.5) * width,
    ],
  };
}

/** In units of a pixel, how far a pixel's middle lies from the point that it was sampled at. */
function cornerShift({ sampling }: MandelbrotAttribute): number {
  return sampling === "corner" ? 0.5 : 0;
}

/** "-0.75", "1e-30" or "p/q" as the nearest float64. */
export function parseRational(text: string): number {
  const [numerator = "", denominator = "1"] = text.split("/");
  return Number(numerator) / Number(denominator);
}

/** A coordinate with as many decimals as a step of `step` deserves, one to spare. */
export function formatCoordinate(value: number, step: number): string {
  const decimals = Math.min(17, Math.max(0, Math.ceil(-Math.log10(step)) + 1));
  return value.toFixed(decimals).replace("-", "−");
}

/** Three significant digits; beyond the everyday range as m × 10ⁿ. */
export function formatMagnitude(value: number): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -3 && exponent < 6) return String(Number(value.toPrecision(3)));
  const [mantissa, power = "0"] = value.toExponential(2).split("e");
  return `${mantissa} × 10${superscript(Number(power))}`;
}

function superscript(value: number): string {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return String(value).replace(/[-\d]/g, (c) => (c === "-" ? "⁻" : (digits[Number(c)] ?? c)));
}

/** The largest of 1, 2 or 5 times a power of ten that is at most `length`. */
export function roundLength(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length));
  const factor = [5, 2, 1].find((candidate) => candidate * power <= length) ?? 1;
  return factor * power;
}
