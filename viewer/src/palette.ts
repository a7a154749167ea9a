import createColormap from "colormap";
import scales from "colormap/colorScale.js";
import type { Color } from "./model";
import data from "./palettes/palettes.json";

/** Entries of a palette's table: enough that neighbours differ by less than 8 bits can show. */
export const PALETTE_SIZE = 1024;

export interface Palette {
  readonly name: string;
  /** Its end is its beginning: it repeats without a seam. Others are repeated there and back. */
  readonly cyclic: boolean;
  /** People with red-green colour blindness tell its colours apart. */
  readonly colorBlindSafe: boolean;
  /** Colours in equal steps; a cyclic palette's first follows on its last. */
  readonly stops: readonly Color[];
}

/** Palettes made for escape time: cyclic ones first (see `palettes/generate.py`). */
export const ESCAPE_TIME_PALETTES: readonly Palette[] = data.map(({ colors, ...palette }) => ({
  ...palette,
  stops: parseColors(colors),
}));

/** The names that Viv and vizarr know, for ordinary images. */
const CLASSIC_NAMES = Object.keys(scales).sort();

/** The palette that a Mandelbrot source starts with. */
export const DEFAULT_ESCAPE_TIME = "vikO";

/** Every name `colormap` may have. */
export const PALETTE_NAMES: readonly string[] = [
  ...new Set([...ESCAPE_TIME_PALETTES.map(({ name }) => name), ...CLASSIC_NAMES]),
];

const known = new Map(ESCAPE_TIME_PALETTES.map((palette) => [palette.name, palette]));

/**
 * The palette of a name.
 *
 * @throws Error naming the palette when there is none of that name
 */
export function paletteOf(name: string): Palette {
  const palette = known.get(name) ?? classicPalette(name);
  if (!palette) {
    const names = ESCAPE_TIME_PALETTES.map((palette) => palette.name).join(", ");
    throw new Error(
      `There is no colormap named ${name}; try one of ${names}, or a classic one such as jet.`,
    );
  }
  known.set(name, palette);
  return palette;
}

/** The colour at a position: 0 to 1 is once through the palette, further on it repeats. */
export function colorAt({ stops, cyclic }: Palette, position: number): Color {
  const steps = cyclic ? stops.length : stops.length - 1;
  const at = repeat(position, cyclic) * steps;
  const low = stops[Math.floor(at) % stops.length];
  const high = stops[Math.ceil(at) % stops.length];
  if (!low || !high) return [0, 0, 0];
  const f = at - Math.floor(at);
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + f * (high[i] - low[i]));
  return [mix(0), mix(1), mix(2)];
}

/** The colours of a palette as RGBA bytes, shape (PALETTE_SIZE, 4). */
export function paletteBytes(name: string): Uint8Array<ArrayBuffer> {
  const palette = paletteOf(name);
  const bytes = new Uint8Array(PALETTE_SIZE * 4);
  const last = palette.cyclic ? PALETTE_SIZE : PALETTE_SIZE - 1;
  for (let i = 0; i < PALETTE_SIZE; i++) bytes.set([...colorAt(palette, i / last), 255], i * 4);
  return bytes;
}

/** The same palette as a CSS gradient, from left to right. */
export function paletteGradient(name: string): string {
  const palette = paletteOf(name);
  const colors = Array.from({ length: 17 }, (_, i) => colorAt(palette, i / 16));
  return `linear-gradient(to right, ${colors.map((color) => `rgb(${color.join(" ")})`).join(", ")})`;
}

/** A position folded into the palette: 0 to 1, 1 excluded where it is cyclic. */
function repeat(position: number, cyclic: boolean): number {
  const period = cyclic ? 1 : 2;
  const p = position - Math.floor(position / period) * period;
  return cyclic ? p % 1 : 1 - Math.abs(1 - p);
}

function classicPalette(name: string): Palette | undefined {
  if (!CLASSIC_NAMES.includes(name)) return undefined;
  const colors = createColormap({ colormap: name, nshades: 256, format: "rgba" });
  return {
    name,
    cyclic: false,
    colorBlindSafe: false,
    stops: colors.map(([r, g, b]) => [r, g, b] as const),
  };
}

function parseColors(hex: string): Color[] {
  return Array.from({ length: hex.length / 6 }, (_, i) => {
    const value = Number.parseInt(hex.slice(i * 6, i * 6 + 6), 16);
    return [value >> 16, (value >> 8) & 255, value & 255] as const;
  });
}
