import createColormap from "colormap";
import scales from "colormap/colorScale.js";
import type { Color } from "./model";

/** Entries of a palette: enough that neighbours differ by less than 8-bit colour can show. */
export const PALETTE_SIZE = 1024;

type Stop = readonly [at: number, color: Color];

/** Palettes made for escape time: dark far out, bright where the structure is. */
const ESCAPE_TIME: Record<string, readonly Stop[]> = {
  dusk: [
    [0, [4, 8, 44]],
    [0.22, [22, 62, 130]],
    [0.42, [64, 150, 190]],
    [0.56, [226, 240, 232]],
    [0.7, [248, 186, 84]],
    [0.86, [176, 62, 38]],
    [1, [58, 14, 40]],
  ],
};

/** The palette that a Mandelbrot source starts with. */
export const DEFAULT_ESCAPE_TIME = "dusk";

/** Interior of the set: darker than any palette's dark end, not quite black. */
export const INTERIOR: Color = [5, 6, 10];

/** Every name `colormap` may have. */
export const PALETTE_NAMES: readonly string[] = [
  ...Object.keys(ESCAPE_TIME),
  ...Object.keys(scales).sort(),
];

/**
 * The colours of a palette as RGBA bytes, shape (PALETTE_SIZE, 4).
 *
 * @throws Error naming the palette when there is none of that name
 */
export function paletteBytes(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PALETTE_SIZE * 4);
  const stops = ESCAPE_TIME[name];
  if (stops) {
    for (let i = 0; i < PALETTE_SIZE; i++) {
      bytes.set([...interpolate(stops, i / (PALETTE_SIZE - 1)), 255], i * 4);
    }
    return bytes;
  }
  if (!(name in scales)) {
    throw new Error(`There is no colormap named ${name}; try one of ${PALETTE_NAMES.join(", ")}.`);
  }
  const colors = createColormap({ colormap: name, nshades: PALETTE_SIZE, format: "rgba" });
  colors.forEach(([r, g, b], i) => {
    bytes.set([r, g, b, 255], i * 4);
  });
  return bytes;
}

function interpolate(stops: readonly Stop[], t: number): Color {
  const after = Math.max(
    1,
    stops.findIndex(([at]) => at >= t),
  );
  const [low, high] = [stops[after - 1], stops[after]];
  if (!low || !high) return [0, 0, 0];
  const f = (t - low[0]) / (high[0] - low[0]);
  const mix = (i: 0 | 1 | 2) => Math.round(low[1][i] + f * (high[1][i] - low[1][i]));
  return [mix(0), mix(1), mix(2)];
}
