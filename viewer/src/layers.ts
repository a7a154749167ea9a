import type { Layer } from "@deck.gl/core";
import { ColorPaletteExtension } from "@vivjs/extensions";
import { XRLayer } from "@vivjs/layers";
import type { Rect, TilePixels, ViewState } from "./model";
import { PaletteLayer } from "./palette_layer";
import {
  cover,
  levelForZoom,
  type Size,
  type TileAddress,
  tileRect,
  tilesIn,
  visibleRect,
} from "./pyramid";
import type { Image } from "./state";
import { tileKey } from "./tiles";

export interface Scene {
  readonly layers: readonly Layer[];
  /** The level in which the view wants to see the image. */
  readonly level: number;
  /** Whether every tile drawn is of that level, and none is missing. */
  readonly complete: boolean;
}

/**
 * Asks for the tiles that a view of an image needs, and draws what is there of them.
 *
 * @param order the image's place in the stack, the lowest first
 */
export function imageScene(image: Image, order: number, view: ViewState, size: Size): Scene {
  const { levels } = image.info;
  const local = localView(image, view);
  const rect = visibleRect(local, size);
  const level = levelForZoom(levels, local.zoom, globalThis.devicePixelRatio);
  const wanted = image.visible.value ? tilesIn(levels, level, rect) : [];
  image.tiles.want(wanted.map((tile) => image.request(tile)));
  if (!image.visible.value) return { layers: [], level, complete: true };

  const pixelsOf = (tile: TileAddress) => image.tiles.get(image.request(tile));
  const drawn = cover(levels, level, rect, (tile) => pixelsOf(tile) !== undefined);
  // Finest first and nearest in depth: each screen pixel is drawn once, so that a translucent
  // image does not show its coarser tiles through its finer ones.
  const layers = drawn.reverse().flatMap((tile) => {
    const pixels = pixelsOf(tile);
    const depth = order * 1000 + (levels.length - tile.level);
    return pixels ? [tileLayer(image, tile, pixels, depth)] : [];
  });
  const complete = drawn.length === wanted.length && drawn.every((tile) => tile.level === level);
  return { layers, level, complete };
}

const mixColors = [new ColorPaletteExtension()];

function tileLayer(image: Image, tile: TileAddress, pixels: TilePixels, depth: number): Layer {
  const channels = image.channels.value;
  const common = {
    id: `${image.id}/${tileKey(image.request(tile))}`,
    ...geometry(pixels, tileRect(image.info.levels, tile)),
    selections: channels,
    dtype: image.info.pixelType,
    interpolation: "nearest",
    pickable: false,
    opacity: image.opacity.value,
    modelMatrix: image.modelMatrix ? columnMajor(image.modelMatrix) : null,
    contrastLimits: channels.map(({ limits }) => limits ?? [0, 1]),
    channelsVisible: channels.map(({ visible }) => visible),
    getPolygonOffset: polygonOffset(depth),
    parameters: { depthWriteEnabled: true, depthCompare: "less-equal" },
  };
  const [channel] = channels;
  const paletteName = image.colormap.value;
  if (paletteName === undefined || channels.length !== 1) {
    const colors = channels.map(({ color }) => color);
    return new XRLayer({ ...common, colors, extensions: mixColors });
  }
  return new PaletteLayer({
    ...common,
    paletteName,
    visible: channel?.visible ?? true,
    limits: channel?.limits ?? [0, 1],
    interior: image.interior,
    logarithmic: image.scaling.value === "logarithmic",
  });
}

interface Geometry {
  readonly channelData: { data: TilePixels["planes"]; width: number; height: number };
  /** Left, bottom, right, top: Viv's order. */
  readonly bounds: readonly [number, number, number, number];
}

const geometries = new WeakMap<TilePixels, Geometry>();

/** The same objects for the same tile every time: deck.gl uploads again what is a new object. */
function geometry(pixels: TilePixels, { left, bottom, right, top }: Rect): Geometry {
  const known = geometries.get(pixels);
  if (known) return known;
  const { planes, width, height } = pixels;
  const made: Geometry = {
    channelData: { data: planes, width, height },
    bounds: [left, bottom, right, top],
  };
  geometries.set(pixels, made);
  return made;
}

const offsets = new Map<number, () => [number, number]>();

/** deck.gl's hook for depth: constant functions, made once, larger depths nearer to the eye. */
function polygonOffset(depth: number): () => [number, number] {
  const known = offsets.get(depth);
  if (known) return known;
  const made = (): [number, number] => [0, -depth];
  offsets.set(depth, made);
  return made;
}

/** The view as an image with a model matrix sees it. */
function localView({ modelMatrix }: Image, view: ViewState): ViewState {
  if (!modelMatrix) return view;
  const [a = 1, b = 0, , e = 0, c = 0, d = 1, , f = 0] = modelMatrix;
  const determinant = a * d - b * c;
  const [x, y] = [view.target[0] - e, view.target[1] - f];
  return {
    zoom: view.zoom + Math.log2(Math.abs(determinant)) / 2,
    target: [(d * x - b * y) / determinant, (a * y - c * x) / determinant],
  };
}

function columnMajor(m: readonly number[]): number[] {
  return Array.from({ length: 16 }, (_, i) => m[(i % 4) * 4 + Math.floor(i / 4)] ?? 0);
}
