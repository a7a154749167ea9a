import type { ImageConfig } from "./config";
import type { Color, ImageInfo, Limits, PixelData } from "./model";

/** One channel as it is shown. */
export interface Channel {
  /** Index along the channel axis. */
  readonly index: number;
  readonly name: string;
  readonly color: Color;
  /** Undefined until pixels have been seen from which to choose them. */
  readonly limits: Limits | undefined;
  readonly visible: boolean;
}

/** As many as Viv's shaders mix. */
export const MAX_CHANNELS = 10;

const WHITE: Color = [255, 255, 255];
const RGB: readonly Color[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
];
/** For two to six channels: vizarr's own choice, so that images look as they do there. */
const MAGENTA_GREEN: readonly Color[] = [
  [255, 0, 255],
  [0, 255, 0],
];
const MIXED: readonly Color[] = [[0, 255, 255], [255, 255, 0], [255, 0, 255], ...RGB];

/** The channels of an image: what the config says, else the file, else a sensible default. */
export function initialChannels(info: ImageInfo, config: ImageConfig): readonly Channel[] {
  const axis = info.axes[info.channelAxis];
  const count = Math.min(axis?.size ?? 1, MAX_CHANNELS);
  const colors = defaultColors(count);
  return Array.from({ length: count }, (_, index) => {
    const omero = info.omero?.[index];
    return {
      index,
      name: config.names?.[index] ?? omero?.label ?? (axis ? `channel ${index}` : "intensity"),
      color: config.colors?.[index] ?? omero?.color ?? colors[index % colors.length] ?? WHITE,
      limits: config.limits?.[index] ?? omero?.limits ?? defaultLimits(info),
      visible: config.visibilities?.[index] ?? omero?.active ?? true,
    };
  });
}

/** The same channels with what a later config says about them. */
export function updateChannels(
  channels: readonly Channel[],
  config: Omit<ImageConfig, "source">,
): readonly Channel[] {
  return channels.map((channel, i) => ({
    ...channel,
    name: config.names?.[i] ?? channel.name,
    color: config.colors?.[i] ?? channel.color,
    limits: config.limits?.[i] ?? channel.limits,
    visible: config.visibilities?.[i] ?? channel.visible,
  }));
}

function defaultColors(count: number): readonly Color[] {
  if (count === 1) return [WHITE];
  if (count === 2) return MAGENTA_GREEN;
  return count === 3 ? RGB : MIXED;
}

function defaultLimits({ dtype, mandelbrot }: ImageInfo): Limits | undefined {
  if (mandelbrot && mandelbrot.maxiter !== "auto") return [0, mandelbrot.maxiter];
  return dtype === "uint8" ? [0, 255] : undefined;
}

/** Values looked at: enough for a two-hundredth part of them to be a hundred. */
const SAMPLE = 20_000;

/**
 * Limits between which nearly all of a sample lies: from its 0.5th to its 99.5th percentile.
 *
 * @param planes one channel of several tiles
 * @param interior the value from which on values are no intensities, but the interior of the set
 */
export function sampledLimits(planes: readonly PixelData[], interior: number): Limits | undefined {
  const total = planes.reduce((sum, plane) => sum + plane.length, 0);
  // An odd step, so that a grid of pixels is not met in one column only.
  const step = Math.max(1, Math.floor(total / SAMPLE) | 1);
  const values: number[] = [];
  for (const plane of planes) {
    for (let i = 0; i < plane.length; i += step) {
      const value = plane[i] ?? 0;
      if (Number.isFinite(value) && value < interior) values.push(value);
    }
  }
  const sample = Float64Array.from(values).sort();
  const low = sample[Math.floor(sample.length * 0.005)];
  const high = sample[Math.ceil(sample.length * 0.995) - 1];
  if (low === undefined || high === undefined) return undefined;
  return [low, high > low ? high : low + 1];
}
