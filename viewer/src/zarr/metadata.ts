import type { Axis, Color, Limits, MandelbrotAttribute, OmeroChannel } from "../model";

type Json = Record<string, unknown>;

/** What a group's attributes say about the multiscale image in it. */
export interface Multiscale {
  readonly paths: readonly string[];
  readonly axes?: readonly Omit<Axis, "size">[];
  readonly name?: string;
  readonly omero?: readonly OmeroChannel[];
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";

/** Reads OME-Zarr attributes, 0.1 to 0.5; undefined when the group is not a multiscale image. */
export function parseMultiscale(attributes: Json): Multiscale | undefined {
  // 0.5 keeps everything under "ome"; up to 0.4 it lies in the attributes themselves.
  const ome = isObject(attributes.ome) ? attributes.ome : attributes;
  const [first] = Array.isArray(ome.multiscales) ? (ome.multiscales as unknown[]) : [];
  if (!isObject(first) || !Array.isArray(first.datasets)) return undefined;
  const axes = parseAxes(first.axes);
  const omero = parseOmero(ome.omero);
  return {
    paths: first.datasets.filter(isObject).map((dataset) => String(dataset.path)),
    ...(axes && { axes }),
    ...(isString(first.name) && { name: first.name }),
    ...(omero && { omero }),
  };
}

/** The axis types that a name implies where the metadata (0.3 and vizarr's `axis_labels`) gives none. */
export function axisFromName(name: string): Omit<Axis, "size"> {
  const types: Record<string, Axis["type"]> = {
    x: "space",
    y: "space",
    z: "space",
    c: "channel",
    channel: "channel",
    t: "time",
    time: "time",
  };
  return { name, type: types[name.toLowerCase()] ?? "other" };
}

function parseAxes(axes: unknown): readonly Omit<Axis, "size">[] | undefined {
  if (!Array.isArray(axes)) return undefined;
  return axes.map((axis) => {
    if (!isObject(axis)) return axisFromName(String(axis));
    const named = axisFromName(String(axis.name));
    const { type } = axis;
    return type === "space" || type === "channel" || type === "time" ? { ...named, type } : named;
  });
}

function parseOmero(omero: unknown): readonly OmeroChannel[] | undefined {
  if (!isObject(omero) || !Array.isArray(omero.channels)) return undefined;
  return omero.channels.filter(isObject).map((channel) => {
    const limits = parseWindow(channel.window);
    const color = isString(channel.color) ? parseHexColor(channel.color) : undefined;
    return {
      ...(isString(channel.label) && { label: channel.label }),
      ...(color && { color }),
      ...(limits && { limits }),
      ...(typeof channel.active === "boolean" && { active: channel.active }),
    };
  });
}

function parseWindow(window: unknown): Limits | undefined {
  if (!isObject(window) || !isNumber(window.start) || !isNumber(window.end)) return undefined;
  return [window.start, window.end];
}

/** "RRGGBB" or "#RRGGBB" to numbers; undefined when it is neither. */
export function parseHexColor(text: string): Color | undefined {
  const match = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (!match) return undefined;
  const [red, green, blue] = match.slice(1).map((pair) => Number.parseInt(pair, 16));
  return [red ?? 0, green ?? 0, blue ?? 0];
}

/** The `"mandelbrot"` attribute, where it is one this viewer understands. */
export function parseMandelbrot(attributes: Json): MandelbrotAttribute | undefined {
  const value = attributes.mandelbrot;
  if (!isObject(value)) return undefined;
  const { levels, tilesize, maxiter, sampling, center, width, floor } = value;
  if (!isNumber(levels) || !isNumber(tilesize) || !isString(width)) return undefined;
  if (!isNumber(maxiter) && maxiter !== "auto") return undefined;
  if (!Array.isArray(center) || !isString(center[0]) || !isString(center[1])) return undefined;
  return {
    levels,
    tilesize,
    maxiter,
    width,
    sampling: sampling === "corner" ? "corner" : "center",
    center: [center[0], center[1]],
    floor: Number.isInteger(floor) && (floor as number) < 0 ? (floor as number) : 0,
  };
}
