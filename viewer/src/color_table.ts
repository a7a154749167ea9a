/** From a value to its colour by one look into a table, the same for the shader and for tests. */

import { type Equalizer, equalized, type Scaling, scaled } from "./coloring";
import type { Color, Limits, PixelData } from "./model";
import { PALETTE_SIZE, paletteBytes, paletteOf } from "./palette";

/** Entries in a row of the table, as a texture has it. */
export const TABLE_WIDTH = 1024;

/** Values above the low limit that have an entry each; further up, twice as many share one, … */
const EXACT = 4096;
const EXACT_BITS = Math.log2(EXACT);
/** Where values are no whole numbers, so many steps lie between the limits. */
const FRACTIONS = 2 ** 16;

/** Which entry a value has: (value − low) · unit, cut off at `span`, and from there `entryOf`. */
export interface Ramp {
  readonly low: number;
  readonly span: number;
  readonly unit: number;
  /** Where between the limits each entry lies, 0 to 1. */
  readonly positions: Float32Array;
}

/** A ramp in the colours of a palette. */
export interface ColorTable extends Ramp {
  /** RGBA, in rows of `TABLE_WIDTH`. */
  readonly colors: Uint8Array<ArrayBuffer>;
}

/** Which colour every value has. */
export interface Look {
  readonly table: ColorTable;
  /** The value from which on a pixel belongs to the interior of the set, and its colour. */
  readonly interior: { readonly from: number; readonly color: Color };
}

const word = new DataView(new ArrayBuffer(4));

/**
 * The entry of a number from 0 on.
 *
 * As float32, `EXACT` + x has its `EXACT_BITS` leading binary places in front of all others, and
 * the exponent before them: read as one integer, they count up in steps of 1, then of 2, of 4, …
 */
export function entryOf(x: number): number {
  word.setFloat32(0, EXACT + x);
  return (word.getUint32(0) >>> (23 - EXACT_BITS)) - FIRST_ENTRY;
}

/** What float32 has for `EXACT`, shifted in the same way: the shader needs it, too. */
export const FIRST_ENTRY = (127 + EXACT_BITS) << EXACT_BITS;
export const ENTRY_SHIFT = 23 - EXACT_BITS;
export const ENTRY_OFFSET = EXACT;

/** The middle of what shares an entry. */
function middleOf(entry: number): number {
  const step = 2 ** Math.floor(entry / EXACT);
  return (EXACT + (entry % EXACT)) * step - EXACT + (step - 1) / 2;
}

/**
 * How values are spread over a palette.
 *
 * @param whole whether all values are whole numbers
 * @param equalizer takes the place of limits and scaling
 */
export function rampOf(
  limits: Limits,
  scaling: Scaling,
  whole: boolean,
  equalizer: Equalizer | undefined,
): Ramp {
  const [from, to] = equalizer?.limits ?? limits;
  const low = whole ? Math.floor(from) : from;
  const span = Math.max((whole ? Math.ceil(to) : to) - low, 0);
  const unit = whole || span === 0 ? 1 : FRACTIONS / span;
  const spread = scaling === "histogram" ? "logarithmic" : scaling;
  const positions = Float32Array.from({ length: entryOf(span * unit) + 1 }, (_, entry) => {
    const value = low + Math.min(middleOf(entry) / unit, span);
    return equalizer ? equalized(value, equalizer) : scaled(value, [from, to], spread);
  });
  return { low, span, unit, positions };
}

/** The ramp in a palette's colours, passed through `density` times and begun at `offset`. */
export function tableOf(
  ramp: Ramp,
  paletteName: string,
  density: number,
  offset: number,
): ColorTable {
  const palette = new Uint32Array(paletteBytes(paletteName).buffer);
  const { cyclic } = paletteOf(paletteName);
  const { positions } = ramp;
  const rows = Math.ceil(positions.length / TABLE_WIDTH);
  const colors = new Uint32Array(rows * TABLE_WIDTH);
  for (let i = 0; i < positions.length; i++) {
    const at = (positions[i] ?? 0) * density + offset;
    // As `colorAt` has it: cyclic palettes are repeated, others there and back.
    const entry = cyclic
      ? (at - Math.floor(at)) * PALETTE_SIZE
      : (1 - Math.abs(1 - (at - 2 * Math.floor(at / 2)))) * (PALETTE_SIZE - 1) + 0.5;
    colors[i] = palette[Math.min(Math.floor(entry), PALETTE_SIZE - 1)] ?? 0;
  }
  return { ...ramp, colors: new Uint8Array(colors.buffer) };
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The colours of values as RGBA bytes: what the shader finds in the table, found without it. */
export function paint(values: PixelData, look: Look): Uint8Array<ArrayBuffer> {
  const isFew = values instanceof Uint8Array || values instanceof Uint16Array;
  return new Uint8Array((isFew ? paintFew(values, look) : paintEach(values, look)).buffer);
}

type FewValues = Extract<PixelData, Uint8Array | Uint16Array>;

/** Where there are fewer values than pixels, each value's colour is found once. */
function paintFew(values: FewValues, look: Look): Uint32Array<ArrayBuffer> {
  const every = Uint16Array.from({ length: 2 ** (8 * values.BYTES_PER_ELEMENT) }, (_, i) => i);
  if (values.length < every.length) return paintEach(values, look);
  const colors = paintEach(every, look);
  const painted = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) painted[i] = colors[values[i] as number] as number;
  return painted;
}

function paintEach(
  values: PixelData,
  { table: { colors, low, span, unit }, interior }: Look,
): Uint32Array<ArrayBuffer> {
  const { from, color } = interior;
  const table = new Uint32Array(colors.buffer);
  const [inside = 0] = new Uint32Array(Uint8Array.of(...color, 255).buffer);
  const painted = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    float[0] = EXACT + Math.min(Math.max(value - low, 0), span) * unit;
    const entry = ((bits[0] as number) >>> ENTRY_SHIFT) - FIRST_ENTRY;
    painted[i] = value < from ? (table[entry] as number) : inside;
  }
  return painted;
}
