import type { Layer, LayerProps } from "@deck.gl/core";
import { ColorPaletteExtension } from "@vivjs/extensions";
import { XRLayer } from "@vivjs/layers";
import {
  BASE_FRAME,
  type Camera,
  type Frame,
  frameTransform,
  localCamera,
  localRect,
  visibleArea,
} from "./frames";
import type { Image } from "./image";
import type { Size, TilePixels } from "./model";
import { PaletteLayer, type PlacedTile } from "./palette_layer";
import {
  cover,
  FIRST_LOOK,
  firstLook,
  levelForZoom,
  type TileAddress,
  tileArea,
  tilesAround,
  tilesIn,
} from "./pyramid";
import { tileKey } from "./tiles";

export interface Scene {
  readonly layers: readonly Layer[];
  /** How many tiles they draw. */
  readonly tiles: number;
  /** The level in which the view wants to see the image. */
  readonly level: number;
  /** Whether every tile drawn is of that level, and none is missing. */
  readonly complete: boolean;
}

/** How a view is seen. */
export interface Sight {
  readonly camera: Camera;
  readonly size: Size;
  /** The coordinates that deck.gl sees. */
  readonly frame: Frame;
  /** Where the camera will come to rest, if it moves and that is known. */
  readonly goal?: Camera | undefined;
  /** Whether the camera rests: then there is time to draw smoothly. */
  readonly still: boolean;
}

/**
 * Asks for the tiles that a view of an image needs, and draws what is there of them.
 *
 * @param order the image's place in the stack, the lowest first
 */
export function imageScene(image: Image, order: number, sight: Sight): Scene {
  const { camera, size, frame, goal } = sight;
  const { area, level, tiles, drawn, blank, wanted } = viewOf(image, camera, size);
  if (!image.visible.value) {
    image.tiles.want([]);
    return { layers: [], tiles: 0, level, complete: true };
  }
  const requests = (list: readonly TileAddress[]) => list.map((tile) => image.request(tile));
  image.tiles.want(
    requests(wanted),
    requests(tilesAround(image.info, level, area)),
    requests(goal ? viewOf(image, goal, size).wanted : []),
  );
  const complete = drawn.length === tiles.length && drawn.every((tile) => tile.level === level);
  // Finest first and nearest in depth: each screen pixel is drawn once, so that a translucent
  // image does not show its coarser tiles through its finer ones.
  const placed = drawn.toReversed().flatMap((tile) => {
    const pixels = image.tiles.get(image.request(tile));
    if (!pixels) return [];
    const place = { frame: image.modelMatrix ? BASE_FRAME : frame, bits: area.bits };
    const depth = order * DEPTHS + level - tile.level;
    return [{ tile, pixels, depth, ...geometry(image, tile, pixels, place) }];
  });
  // Coarser tiles say nearly as much, and are there long before where each takes its time.
  const isSeen = !blank && drawn.every((tile) => tile.level - level <= FIRST_LOOK);
  if (isSeen && sight.still) {
    const pixels = placed.map(({ pixels }) => pixels);
    image.see(pixels, complete);
  }
  const modelMatrix = image.modelMatrix ? matrixIn(frame, image.modelMatrix) : null;
  const layers = image.isMixed
    ? placed.map((tile) => mixedLayer(image, tile, modelMatrix))
    : // Also without a tile: what it has in the graphics card's memory stays there.
      [paletteLayer(image, placed, modelMatrix, sight.still)];
  return { layers, tiles: placed.length, level, complete };
}

/**
 * What a camera sees of an image: where, at which level, the tiles of that, those that are drawn
 * for them, and those that are wanted, the most urgent first.
 */
function viewOf(image: Image, camera: Camera, size: Size) {
  const local = localCamera(image, camera);
  const area = visibleArea(local, size);
  const level = levelForZoom(image.info, local.zoom, globalThis.devicePixelRatio);
  const tiles = tilesIn(image.info, level, area);
  const isHere = (tile: TileAddress) => image.tiles.get(image.request(tile)) !== undefined;
  const { drawn, blank } = cover(image.info, level, area, isHere);
  const wanted = blank ? [...firstLook(image.info, level, area), ...tiles] : tiles;
  return { area, level, tiles, drawn, blank, wanted };
}

/** More depths than one image uses: a level finer than wanted, and those that stand in. */
const DEPTHS = 64;

const mixColors = [new ColorPaletteExtension()];

type ModelMatrix = NonNullable<LayerProps["modelMatrix"]> | null;

interface TileOfImage extends PlacedTile, Geometry {
  readonly tile: TileAddress;
}

/** Properties of both kinds of layers. */
function common(image: Image, modelMatrix: ModelMatrix) {
  return {
    modelMatrix,
    dtype: image.info.pixelType,
    pickable: false,
    opacity: image.opacity.value,
    parameters: { depthWriteEnabled: true, depthCompare: "less-equal" } as const,
  };
}

/** Channels, each in its colour, one upon the other. */
function mixedLayer(image: Image, placed: TileOfImage, modelMatrix: ModelMatrix): Layer {
  const channels = image.channels.value;
  const [left, top, right, bottom] = placed.bounds;
  return new XRLayer({
    ...common(image, modelMatrix),
    id: `${image.id}/${tileKey(image.request(placed.tile))}`,
    channelData: placed.channelData,
    // Viv's order.
    bounds: [left, bottom, right, top],
    selections: channels,
    interpolation: "nearest",
    contrastLimits: channels.map(({ limits }) => limits ?? [0, 1]),
    channelsVisible: channels.map(({ visible }) => visible),
    colors: channels.map(({ color }) => color),
    getPolygonOffset: polygonOffset(placed.depth),
    extensions: mixColors,
  });
}

/** One channel through a palette. */
function paletteLayer(
  image: Image,
  tiles: readonly TileOfImage[],
  modelMatrix: ModelMatrix,
  still: boolean,
): Layer {
  return new PaletteLayer({
    ...common(image, modelMatrix),
    id: `${image.id}/palette`,
    visible: image.channels.value[0]?.visible ?? true,
    tiles,
    look: image.look(tiles.map(({ pixels }) => pixels)),
    smooth: still,
  });
}

interface Geometry {
  readonly channelData: { data: TilePixels["planes"]; width: number; height: number };
  /** Left, top, right, bottom. */
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
    bounds: [left, top, right, bottom],
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

/** A row-major model matrix followed by the way into a frame, column-major. */
function matrixIn(frame: Frame, m: readonly number[]): Float64Array {
  const { scale, x, y } = frameTransform(frame);
  const shift = [x, y, 0, 0];
  return Float64Array.from({ length: 16 }, (_, i) => {
    const [row, column] = [i % 4, Math.floor(i / 4)];
    const value = m[row * 4 + column] ?? 0;
    return row < 2 ? value * scale + (column === 3 ? (shift[row] ?? 0) : 0) : value;
  });
}
