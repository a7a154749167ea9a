import * as zarr from "zarrita";
import type { Axis, ImageInfo, Level } from "../model";
import { withChunkCache } from "./chunk_cache";
import { deepArray } from "./deep";
import { axisFromName, type Multiscale, parseMandelbrot, parseMultiscale } from "./metadata";
import { textureType } from "./pixels";

export type ZarrArray = zarr.Array<zarr.DataType, zarr.Readable>;

/** How a source's own metadata is to be read, from the image config. */
export interface OpenOptions {
  readonly axisLabels?: readonly string[];
  readonly channelAxis?: number;
}

export interface OpenedImage {
  readonly info: ImageInfo;
  /** The array of a level; those below 0 have no metadata of their own, and share level 0's. */
  array(level: number): Promise<ZarrArray>;
}

/** Tiles are chunks, unless those would make too many textures or too large ones. */
const SMALLEST_TILE = 256;
const LARGEST_TILE = 2048;

/**
 * Opens an image: an OME-Zarr multiscale group, a group of numbered arrays, or one array.
 *
 * @throws Error with a sentence for the person when the source is none of these.
 */
export async function openImage(
  store: zarr.Readable,
  options: OpenOptions = {},
): Promise<OpenedImage> {
  const node = await openRoot(store as zarr.AsyncReadable);
  const attributes = node.attrs as Record<string, unknown>;
  const multiscale = node.kind === "group" ? parseMultiscale(attributes) : undefined;
  const arrays = node.kind === "array" ? [node] : await openLevels(node, multiscale);
  const mandelbrot = parseMandelbrot(attributes);
  const info = describe(arrays, multiscale, options);
  const floor = mandelbrot?.floor ?? 0;
  return {
    info: { ...info, floor, ...(mandelbrot && { mandelbrot }) },
    array: arrayOpener(arrays, info, floor),
  };
}

/** Levels below 0 whose arrays are kept: those that a view and its neighbours show. */
const DEEP_ARRAYS = 64;

function arrayOpener(
  arrays: readonly ZarrArray[],
  info: ImageInfo,
  floor: number,
): OpenedImage["array"] {
  const opened = new Map<number, Promise<ZarrArray>>();
  const open = async (level: number) => {
    const array = arrays[Math.max(level, 0)];
    if (!array || level < floor) throw new Error(`the image has no level ${level}`);
    const at = level < 0 ? await deepArray(array, level) : array;
    return isShared(at, info, Math.max(level, 0)) ? withChunkCache(at) : at;
  };
  return (level) => {
    const known = opened.get(level);
    if (known) return known;
    const array = open(level);
    opened.set(level, array);
    array.catch(() => opened.delete(level));
    for (const old of opened.keys()) {
      if (opened.size <= DEEP_ARRAYS) break;
      if (old < 0) opened.delete(old);
    }
    return array;
  };
}

/** Whether a chunk of a level has pixels of several tiles, or of several channels. */
function isShared({ chunks }: ZarrArray, info: ImageInfo, level: number) {
  const { tileWidth = 0, tileHeight = 0 } = info.levels[level] ?? {};
  return (
    (chunks[info.xAxis] ?? 0) > tileWidth ||
    (chunks[info.yAxis] ?? 0) > tileHeight ||
    (chunks[info.channelAxis] ?? 1) > 1
  );
}

type Node = ZarrArray | zarr.Group<zarr.Readable>;

/** The root of a store, with the fewest requests: consolidated metadata says what there is. */
async function openRoot(store: zarr.AsyncReadable): Promise<Node> {
  for (const format of ["v2", "v3"] as const) {
    try {
      const consolidated = await zarr.withConsolidatedMetadata(store, { format });
      if (format === "v3") return await zarr.open.v3(consolidated);
      const isArray = consolidated
        .contents()
        .some(({ path, kind }) => path === "/" && kind === "array");
      // Not told the kind, zarrita would look for an array first: one request more.
      return isArray
        ? await zarr.open.v2(consolidated, { kind: "array" })
        : await zarr.open.v2(consolidated, { kind: "group" });
    } catch (error) {
      // Format 3 keeps everything in one document: here it is, with nothing consolidated in it.
      if (zarr.isZarritaError(error, "InvalidMetadataError")) return zarr.open.v3(store);
      if (!zarr.isZarritaError(error, "NotFoundError")) throw error;
    }
  }
  try {
    return await zarr.open.v2(store);
  } catch (error) {
    if (!zarr.isZarritaError(error, "NotFoundError")) throw error;
    throw new Error(
      "The source holds no Zarr metadata (.zarray, .zgroup or zarr.json); " +
        "pass a Zarr array, a group of arrays or an OME-Zarr image.",
    );
  }
}

async function openLevels(
  group: zarr.Group<zarr.Readable>,
  multiscale: Multiscale | undefined,
): Promise<readonly ZarrArray[]> {
  const paths = multiscale?.paths ?? numberedArrays(group);
  if (paths) return Promise.all(paths.map((path) => openArray(group, path)));
  const arrays: ZarrArray[] = [];
  for (;;) {
    try {
      arrays.push(await openArray(group, String(arrays.length)));
    } catch (error) {
      if (!zarr.isZarritaError(error, "NotFoundError")) throw error;
      if (arrays.length > 0) return arrays;
      throw new Error(
        "The group has no multiscales attribute and no array named 0; " +
          "pass an OME-Zarr image, a group of arrays 0, 1, 2, … or one array.",
      );
    }
  }
}

/** The names 0, 1, 2, … of arrays listed by consolidated metadata, where there is any. */
function numberedArrays(group: zarr.Group<zarr.Readable>): readonly string[] | undefined {
  if (!("contents" in group.store)) return undefined;
  const listing = group.store as zarr.Readable & zarr.Listable<zarr.AsyncReadable>;
  const names = listing
    .contents()
    .filter(({ kind, path }) => kind === "array" && /^\/\d+$/.test(path))
    .map(({ path }) => path.slice(1))
    .sort((a, b) => Number(a) - Number(b));
  return names.length > 0 ? names : undefined;
}

function openArray(group: zarr.Group<zarr.Readable>, path: string): Promise<ZarrArray> {
  // A level's own attributes are never used: asking for them would cost a request per level.
  return zarr.open(group.resolve(path), { kind: "array", attrs: false });
}

function describe(
  arrays: readonly ZarrArray[],
  multiscale: Multiscale | undefined,
  options: OpenOptions,
): ImageInfo {
  const [finest] = arrays;
  if (!finest) throw new Error("The multiscale image lists no datasets; it needs at least one.");
  const pixelType = textureType(finest.dtype);
  if (!pixelType) {
    throw new Error(`The pixels are of type ${finest.dtype}; the viewer draws numbers only.`);
  }
  const axes = describeAxes(finest, multiscale, options);
  const channelAxis = options.channelAxis ?? axes.findIndex((axis) => axis.type === "channel");
  if (channelAxis < -1 || channelAxis >= axes.length) {
    throw new Error(
      `channel_axis is ${channelAxis}, but the image has ${axes.length} axes; ` +
        `pass an index from 0 to ${axes.length - 1}.`,
    );
  }
  const [yAxis, xAxis] = spatialAxes(axes, channelAxis);
  return {
    axes,
    channelAxis,
    yAxis,
    xAxis,
    dtype: finest.dtype,
    pixelType,
    levels: arrays.map((array) => describeLevel(array, finest, yAxis, xAxis)),
    floor: 0,
    ...(multiscale?.name !== undefined && { name: multiscale.name }),
    ...(multiscale?.omero && { omero: multiscale.omero }),
  };
}

function describeAxes(
  array: ZarrArray,
  multiscale: Multiscale | undefined,
  { axisLabels, channelAxis }: OpenOptions,
): readonly Axis[] {
  const rank = array.shape.length;
  if (rank < 2) {
    throw new Error(`The array has ${rank} dimensions; an image needs at least y and x.`);
  }
  const named =
    axisLabels?.map(axisFromName) ??
    multiscale?.axes ??
    array.dimensionNames?.map((name, i) => axisFromName(name ?? `axis ${i}`)) ??
    // OME-Zarr up to 0.2 named no axes: they are the last of t, c, z, y, x.
    (multiscale && rank <= 5
      ? [..."tczyx"].slice(-rank).map(axisFromName)
      : unnamedAxes(rank, channelAxis));
  if (named.length !== rank) {
    throw new Error(`${named.length} axes are named, but the array has ${rank}; name each one.`);
  }
  return named.map((axis, i) => ({ ...axis, size: array.shape[i] ?? 0 }));
}

/** Names for the axes of a bare array: y and x are the last two that are not the channels. */
function unnamedAxes(rank: number, channelAxis?: number): readonly Omit<Axis, "size">[] {
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== channelAxis);
  const [y, x] = others.slice(-2);
  return Array.from({ length: rank }, (_, i) => {
    if (i === channelAxis) return axisFromName("channel");
    return axisFromName(i === y ? "y" : i === x ? "x" : `axis ${i}`);
  });
}

function spatialAxes(axes: readonly Axis[], channelAxis: number): readonly [number, number] {
  const rest = axes.map((_, i) => i).filter((i) => i !== channelAxis);
  const find = (name: string) => axes.findIndex((axis) => axis.name.toLowerCase() === name);
  const [y, x] = [find("y"), find("x")];
  return y >= 0 && x >= 0 ? [y, x] : [rest.at(-2) ?? 0, rest.at(-1) ?? 1];
}

function describeLevel(array: ZarrArray, finest: ZarrArray, y: number, x: number): Level {
  const size = (of: ZarrArray, axis: number) => of.shape[axis] ?? 1;
  return {
    width: size(array, x),
    height: size(array, y),
    tileWidth: tileLength(array.chunks[x] ?? 1),
    tileHeight: tileLength(array.chunks[y] ?? 1),
    scaleX: size(finest, x) / size(array, x),
    scaleY: size(finest, y) / size(array, y),
  };
}

/** Chunk length, doubled while it is tiny, halved while it is larger than a texture should be. */
export function tileLength(chunk: number): number {
  let length = chunk;
  while (length < SMALLEST_TILE) length *= 2;
  while (length > LARGEST_TILE) length = Math.ceil(length / 2);
  return length;
}
