import type { Layer } from "@deck.gl/core";
import { ColorPaletteExtension } from "@vivjs/extensions";
import { XRLayer } from "@vivjs/layers";
import type { Equalizer } from "./coloring";
import {
  BASE_FRAME,
  type Camera,
  type Frame,
  frameTransform,
  fromViewState,
  localRect,
  toViewState,
  visibleArea,
} from "./frames";
import type { Size, TilePixels } from "./model";
import { PaletteLayer } from "./palette_layer";
import { cover, levelForZoom, type TileAddress, tileArea, tilesAround, tilesIn } from "./pyramid";
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
 * @param frame the coordinates that deck.gl sees
 * @param goal where the camera will come to rest, if it moves and that is known
 */
export function imageScene(
  image: Image,
  order: number,
  camera: Camera,
  size: Size,
  frame: Frame,
  goal?: Camera,
): Scene {
  const { area, level, tiles } = tilesOf(image, camera, size);
  const wanted = image.visible.value ? tiles : [];
  const ahead = image.visible.value && goal ? tilesOf(image, goal, size).tiles : [];
  const nearby = image.visible.value ? tilesAround(image.info, level, area) : [];
  image.tiles.want(
    wanted.map((tile) => image.request(tile)),
    nearby.map((tile) => image.request(tile)),
    ahead.map((tile) => image.request(tile)),
  );
  if (!image.visible.value) return { layers: [], level, complete: true };

  const pixelsOf = (tile: TileAddress) => image.tiles.get(image.request(tile));
  const drawn = cover(image.info, level, area, (tile) => pixelsOf(tile) !== undefined);
  const equalizer = image.equalizer(drawn.flatMap((tile) => pixelsOf(tile) ?? []));
  // Finest first and nearest in depth: each screen pixel is drawn once, so that a translucent
  // image does not show its coarser tiles through its finer ones.
  const layers = drawn.reverse().flatMap((tile) => {
    const pixels = pixelsOf(tile);
    if (!pixels) return [];
    const place = { frame: image.modelMatrix ? BASE_FRAME : frame, bits: area.bits };
    const placed = {
      ...geometry(image, tile, pixels, place),
      modelMatrix: image.modelMatrix ? matrixIn(frame, image.modelMatrix) : null,
    };
    return [tileLayer(image, tile, placed, order * DEPTHS + level - tile.level, equalizer)];
  });
  const complete = drawn.length === wanted.length && drawn.every((tile) => tile.level === level);
  return { layers, level, complete };
}

/** What a camera sees of an image: where, at which level, and the tiles of that. */
function tilesOf(image: Image, camera: Camera, size: Size) {
  const local = localCamera(image, camera);
  const area = visibleArea(local, size);
  const level = levelForZoom(image.info, local.zoom, globalThis.devicePixelRatio);
  return { area, level, tiles: tilesIn(image.info, level, area) };
}

/** More depths than one image uses: a level finer than wanted, and those that stand in. */
const DEPTHS = 64;

const mixColors = [new ColorPaletteExtension()];

function tileLayer(
  image: Image,
  tile: TileAddress,
  placed: object,
  depth: number,
  equalizer: Equalizer | undefined,
): Layer {
  const channels = image.channels.value;
  const common = {
    id: `${image.id}/${tileKey(image.request(tile))}`,
    ...placed,
    selections: channels,
    dtype: image.info.pixelType,
    interpolation: "nearest",
    pickable: false,
    opacity: image.opacity.value,
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
    owner: image.id,
    paletteName,
    visible: channel?.visible ?? true,
    limits: channel?.limits ?? [0, 1],
    interior: image.interior,
    coloring: image.coloring.value,
    equalizer,
  });
}

interface Geometry {
  readonly channelData: { data: TilePixels["planes"]; width: number; height: number };
  /** Left, bottom, right, top: Viv's order. */
  readonly bounds: readonly [number, number, number, number];
}

const geometries = new WeakMap<TilePixels, Geometry & { readonly frame: Frame }>();

/**
 * The same objects for the same tile every time: deck.gl uploads again what is a new object. In
 * another frame only the bounds are new, four corners.
 */
function geometry(
  { info }: Image,
  tile: TileAddress,
  pixels: TilePixels,
  { frame, bits }: { frame: Frame; bits: number },
): Geometry {
  const known = geometries.get(pixels);
  if (known?.frame === frame) return { channelData: known.channelData, bounds: known.bounds };
  const { left, bottom, right, top } = localRect(frame, tileArea(info, tile, bits));
  const { planes, width, height } = pixels;
  const made: Geometry = {
    channelData: known?.channelData ?? { data: planes, width, height },
    bounds: [left, bottom, right, top],
  };
  geometries.set(pixels, { ...made, frame });
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

/** The camera as an image with a model matrix sees it: such images are small, float64 will do. */
export function localCamera({ modelMatrix }: Image, camera: Camera): Camera {
  if (!modelMatrix) return camera;
  const { zoom, target } = toViewState(camera);
  const [a = 1, b = 0, , e = 0, c = 0, d = 1, , f = 0] = modelMatrix;
  const determinant = a * d - b * c;
  const [x, y] = [target[0] - e, target[1] - f];
  return fromViewState({
    zoom: zoom + Math.log2(Math.abs(determinant)) / 2,
    target: [(d * x - b * y) / determinant, (a * y - c * x) / determinant],
  });
}

/** A row-major model matrix followed by the way into a frame, column-major. */
function matrixIn(frame: Frame, m: readonly number[]): number[] {
  const { scale, x, y } = frameTransform(frame);
  const shift = [x, y, 0, 0];
  return Array.from({ length: 16 }, (_, i) => {
    const [row, column] = [i % 4, Math.floor(i / 4)];
    const value = m[row * 4 + column] ?? 0;
    return row < 2 ? value * scale + (column === 3 ? (shift[row] ?? 0) : 0) : value;
  });
}
