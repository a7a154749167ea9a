import type { Color, Limits } from "./model";
import { paletteOf } from "./palette";
import { parseHexColor } from "./zarr/metadata";
import type { RemoteStore } from "./zarr/store";

/** An image as vizarr's vocabulary describes it, after `parseConfig`. */
export interface ImageConfig {
  readonly source: string | RemoteStore;
  readonly name?: string;
  readonly colormap?: string;
  readonly opacity?: number;
  readonly axisLabels?: readonly string[];
  readonly channelAxis?: number;
  readonly modelMatrix?: readonly number[];
  /** Per channel; for one channel, one entry. */
  readonly colors?: readonly Color[];
  readonly names?: readonly string[];
  readonly limits?: readonly Limits[];
  readonly visibilities?: readonly boolean[];
}

type Json = Record<string, unknown>;

const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/**
 * Reads an image config as it came over RPC.
 *
 * Single-channel keys (`color`, `contrast_limits`, `visibility`) and their plurals mean the same
 * thing here: one entry or several. Unknown keys are ignored, as in vizarr.
 *
 * @throws Error naming the key, what was expected and what came
 */
export function parseConfig(config: unknown): ImageConfig {
  if (!isObject(config)) throw wrong("the image config", config, "an object with a source");
  const { source } = config;
  if (!isSource(source)) {
    throw wrong("source", source, "a URL or a Zarr array or group");
  }
  return { source, ...parseAppearance(config) };
}

/** The keys of a config that can change after an image was added: all but `source`. */
export function parseAppearance(config: Json): Omit<ImageConfig, "source"> {
  const colors = config.colors ?? (config.color === undefined ? undefined : [config.color]);
  const visibilities = config.visibilities ?? wrapped(config.visibility);
  const limits = config.contrast_limits;
  return defined({
    name: optional(config, "name", String),
    colormap: optional(config, "colormap", parseColormap),
    opacity: optional(config, "opacity", (value) => {
      if (!isNumber(value) || value < 0 || value > 1) throw wrong("opacity", value, "0 to 1");
      return value;
    }),
    axisLabels: optional(config, "axis_labels", (value) => list("axis_labels", value).map(String)),
    channelAxis: optional(config, "channel_axis", (value) => {
      if (!Number.isInteger(value)) throw wrong("channel_axis", value, "the index of an axis");
      return value as number;
    }),
    modelMatrix: optional(config, "model_matrix", parseMatrix),
    names: optional(config, "names", (value) => list("names", value).map(String)),
    colors: present(colors) ? list("colors", colors).map(parseColor) : undefined,
    limits: present(limits) ? parseLimits(limits) : undefined,
    visibilities: present(visibilities)
      ? list("visibilities", visibilities).map(Boolean)
      : undefined,
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const present = (value: unknown) => value !== undefined && value !== null;
const wrapped = (value: unknown) => (present(value) ? [value] : undefined);

function isSource(source: unknown): source is string | RemoteStore {
  return typeof source === "string" || (isObject(source) && typeof source.getItem === "function");
}

function optional<T>(config: Json, key: string, parse: (value: unknown) => T): T | undefined {
  return present(config[key]) ? parse(config[key]) : undefined;
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function list(key: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw wrong(key, value, "a list");
  return value;
}

/** @throws Error when there is no palette of that name */
function parseColormap(value: unknown): string {
  if (typeof value !== "string") throw wrong("colormap", value, "a colormap's name");
  return paletteOf(value).name;
}

/** "RRGGBB", "#RRGGBB" or [red, green, blue] from 0 to 255. */
function parseColor(value: unknown): Color {
  const color = typeof value === "string" ? parseHexColor(value) : value;
  if (!Array.isArray(color) || color.length !== 3 || !color.every(isNumber)) {
    throw wrong("color", value, '"#RRGGBB" or [red, green, blue] from 0 to 255');
  }
  return [color[0] ?? 0, color[1] ?? 0, color[2] ?? 0];
}

function parseLimits(value: unknown): readonly Limits[] {
  const rows = list("contrast_limits", value);
  return (rows.every(isNumber) ? [rows] : rows).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !isNumber(pair[0]) || !isNumber(pair[1])) {
      throw wrong("contrast_limits", value, "[low, high] or one such pair per channel");
    }
    return [pair[0], pair[1]];
  });
}

/** 16 numbers, row by row, or the same as JSON text. */
function parseMatrix(value: unknown): readonly number[] {
  const numbers = typeof value === "string" ? JSON.parse(value) : value;
  if (!Array.isArray(numbers) || numbers.length !== 16 || !numbers.every(isNumber)) {
    throw wrong("model_matrix", value, "16 numbers, row by row");
  }
  return numbers;
}

function wrong(key: string, value: unknown, expected: string): Error {
  return new Error(`${key} is ${JSON.stringify(value) ?? value}; expected ${expected}.`);
}
