/** How raw counts become colours: what the shader does, as numbers. */

import type { Color, Limits, PixelData, TilePixels } from "./model";
import { colorAt, type Palette } from "./palette";

export const SCALINGS = ["linear", "square root", "logarithmic", "histogram"] as const;
/** How counts between the limits are spread over the palette. */
export type Scaling = (typeof SCALINGS)[number];

/** Everything about the colours of a one-channel image, its palette and limits excepted. */
export interface Coloring {
  readonly scaling: Scaling;
  /** How many times the palette is passed through between the limits. */
  readonly density: number;
  /** Where in the palette the low limit lies, in palettes. */
  readonly offset: number;
  /** The colour of the interior of the set. */
  readonly interior: Color;
  /** Palettes per second by which the offset moves; 0: it rests. */
  readonly cycling: number;
}

/** Darker than any palette's dark end, not quite black. */
export const INTERIOR: Color = [5, 6, 10];

export const DEFAULT_COLORING: Coloring = {
  scaling: "linear",
  density: 1,
  offset: 0,
  interior: INTERIOR,
  cycling: 0,
};

/** Entries of the table in which the share of smaller counts is looked up. */
export const EQUALIZER_SIZE = 2048;

/** How counts are spread so that each part of the palette colours the same area. */
export interface Equalizer {
  /** The smallest and the largest count that was seen. */
  readonly limits: Limits;
  /** Share of the seen counts below each, 0 to 1, at equal steps of log(1 + count − lowest). */
  readonly shares: Float32Array<ArrayBuffer>;
}

/** Where between the limits a value lies, 0 to 1. */
export function scaled(value: number, [low, high]: Limits, scaling: Scaling): number {
  const span = Math.max(high - low, 1e-6);
  const above = Math.min(Math.max(value - low, 0), span);
  if (scaling === "logarithmic") return Math.log1p(above) / Math.log1p(span);
  return scaling === "square root" ? Math.sqrt(above / span) : above / span;
}

/** The share of smaller values; what the shader finds for the scaling "histogram". */
export function equalized(value: number, { limits, shares }: Equalizer): number {
  const at = scaled(value, limits, "logarithmic") * (shares.length - 1);
  const below = shares[Math.floor(at)] ?? 0;
  const above = shares[Math.ceil(at)] ?? below;
  return below + (at - Math.floor(at)) * (above - below);
}

/** The colour of a value that is not interior. */
export function colorOf(
  value: number,
  palette: Palette,
  limits: Limits,
  { scaling, density, offset }: Pick<Coloring, "scaling" | "density" | "offset">,
  equalizer?: Equalizer,
): Color {
  const share = equalizer ? equalized(value, equalizer) : scaled(value, limits, scaling);
  return colorAt(palette, share * density + offset);
}

/** Values looked at per tile: enough for steps finer than a palette's. */
const SAMPLE = 4096;

const samples = new WeakMap<TilePixels, Float64Array>();

/**
 * The equalizer for what the tiles of a picture show.
 *
 * @param interior the value that marks the interior; it is left out
 */
export function equalizerOf(tiles: readonly TilePixels[], interior: number): Equalizer | undefined {
  const sample = Float64Array.from(tiles.flatMap((tile) => [...sampleOf(tile, interior)])).sort();
  const [low, high] = [sample[0], sample.at(-1)];
  if (low === undefined || high === undefined) return undefined;
  const shares = new Float32Array(EQUALIZER_SIZE);
  const log = Math.log1p(Math.max(high - low, 1e-6));
  let below = 0;
  for (let i = 0; i < EQUALIZER_SIZE; i++) {
    const value = low + Math.expm1((i / (EQUALIZER_SIZE - 1)) * log);
    while (below < sample.length && (sample[below] ?? 0) < value - 1e-9 * (1 + value)) below++;
    shares[i] = below / sample.length;
  }
  return { limits: [low, high], shares };
}

function sampleOf(tile: TilePixels, interior: number): Float64Array {
  const known = samples.get(tile);
  if (known) return known;
  const made = takeSample(tile.planes[0] ?? new Uint8Array(), interior);
  samples.set(tile, made);
  return made;
}

function takeSample(plane: PixelData, interior: number): Float64Array {
  // An odd step, so that a grid of pixels is not met in one column only.
  const step = Math.max(1, Math.floor(plane.length / SAMPLE) | 1);
  const values: number[] = [];
  for (let i = 0; i < plane.length; i += step) {
    const value = plane[i] ?? 0;
    if (value < interior) values.push(value);
  }
  return Float64Array.from(values);
}
