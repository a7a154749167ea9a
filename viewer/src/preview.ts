/** Small pictures of the set, drawn here and now in float64: for the mini-map and the gallery. */

import { colorOf, DEFAULT_COLORING, INTERIOR } from "./coloring";
import type { Size } from "./model";
import type { Palette } from "./palette";

/** Below this width float64 does not tell a preview's pixels apart. */
export const LEAST_PREVIEW_WIDTH = 1e-12;

export interface PreviewPlace {
  readonly re: number;
  readonly im: number;
  readonly width: number;
  readonly maxiter: number;
}

/** RGBA bytes of a picture, row-major: logarithmic, from the smallest count to nearly the largest. */
export function previewPixels(
  { re, im, width, maxiter }: PreviewPlace,
  size: Size,
  palette: Palette,
): Uint8ClampedArray<ArrayBuffer> {
  const step = width / size.width;
  const counts = Array.from({ length: size.width * size.height }, (_, i) => {
    const x = (i % size.width) + 0.5 - size.width / 2;
    const y = Math.floor(i / size.width) + 0.5 - size.height / 2;
    return escapeTime(re + x * step, im - y * step, maxiter);
  });
  const escaped = counts.filter((n) => n < maxiter).sort((a, b) => a - b);
  const limits = [escaped[0] ?? 0, escaped[Math.floor(escaped.length * 0.995)] ?? 1] as const;
  const pixels = new Uint8ClampedArray(counts.length * 4);
  const coloring = { ...DEFAULT_COLORING, scaling: "logarithmic" } as const;
  counts.forEach((n, i) => {
    const color = n === maxiter ? INTERIOR : colorOf(n, palette, limits, coloring);
    pixels.set([...color, 255], i * 4);
  });
  return pixels;
}

/** The iterates z₁, z₂, … with |z| ≤ 2, counted up to maxiter. */
function escapeTime(re: number, im: number, maxiter: number): number {
  let [x, y] = [0, 0];
  for (let n = 0; n < maxiter; n++) {
    const next = x * x - y * y + re;
    y = 2 * x * y + im;
    x = next;
    if (x * x + y * y > 4) return n;
  }
  return maxiter;
}
