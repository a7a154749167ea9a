/** Which tiles of a pyramid a view shows. Pure geometry; exact, for levels and indices of any size. */

import { ceilDivide, floorDivide, scale } from "./fixed";
import { type Area, type Camera, fromViewState } from "./frames";
import type { Level, Rect, Size } from "./model";

export type { Size };

export interface TileAddress {
  readonly level: number;
  readonly row: bigint;
  readonly column: bigint;
}

/** Text that names a tile. In hexadecimal: thousands of decimal digits take milliseconds. */
export function addressKey({ level, row, column }: TileAddress): string {
  return `${level}/${row.toString(16)}.${column.toString(16)}`;
}

/** What is to be known about an image's levels; `ImageInfo` is one. */
export interface Pyramid {
  readonly levels: readonly Level[];
  readonly floor: number;
}

/** One level along x or y, in its own pixels; beside it, the pixels of level 0. */
interface Side {
  readonly pixels: bigint;
  readonly tile: bigint;
  readonly finest: bigint;
}

interface Grid {
  readonly x: Side;
  readonly y: Side;
}

/** Coarser levels that stand in for a missing tile: beyond, a texel would cover the screen. */
const STAND_IN_LEVELS = 16;

/** Screen pixels left free around a picture that is made to fit: room for the status line. */
const MARGIN = { x: 8, y: 36 };

/** The view in which all of `rect` (in level-0 pixels) is on screen, as large as it can be. */
export function fitView(rect: Rect, { width, height }: Size): Camera {
  const across = (rect.right - rect.left) / Math.max(1, width - 2 * MARGIN.x);
  const down = (rect.bottom - rect.top) / Math.max(1, height - 2 * MARGIN.y);
  return fromViewState({
    zoom: -Math.log2(Math.max(across, down)),
    target: [(rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2],
  });
}

/**
 * The level whose pixels are nearest in size to the screen's, in octaves: drawn between 0.71 and
 * 1.41 screen pixels wide wherever such a level exists.
 *
 * @param devicePixels device pixels per screen pixel
 */
export function levelForZoom({ levels, floor }: Pyramid, zoom: number, devicePixels = 1): number {
  const wanted = -zoom - Math.log2(devicePixels);
  if (wanted < -0.5) return Math.max(floor, Math.min(0, Math.round(wanted)));
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  levels.forEach((level, index) => {
    const d = Math.abs(Math.log2(level.scaleX) - wanted);
    if (d <= distance) [best, distance] = [index, d];
  });
  return best;
}

function gridOf({ levels, floor }: Pyramid, level: number): Grid | undefined {
  const [finest] = levels;
  const at = levels[Math.max(level, 0)];
  if (!finest || !at || level < floor) return undefined;
  const halvings = BigInt(Math.max(0, -level));
  const side = (pixels: number, tile: number, of: number): Side => ({
    pixels: BigInt(pixels) << halvings,
    tile: BigInt(tile),
    finest: BigInt(of),
  });
  return {
    x: side(at.width, at.tileWidth, finest.width),
    y: side(at.height, at.tileHeight, finest.height),
  };
}

/** Height and width of a tile in its own pixels, and the pixel at its upper left corner. */
export function tilePixels(pyramid: Pyramid, { level, row, column }: TileAddress) {
  const grid = gridOf(pyramid, level);
  if (!grid) throw new Error(`the image has no level ${level}`);
  const extent = ({ tile, pixels }: Side, index: bigint) => {
    const start = index * tile;
    return { start, length: Number(start + tile < pixels ? tile : pixels - start) };
  };
  return { y: extent(grid.y, row), x: extent(grid.x, column) };
}

/** Where a tile lies; tiles at the right and lower border are cut off by the image's edge. */
export function tileArea(
  pyramid: Pyramid,
  { level, row, column }: TileAddress,
  bits: number,
): Area {
  const grid = gridOf(pyramid, level);
  if (!grid) return { left: 0n, top: 0n, right: 0n, bottom: 0n, bits };
  return {
    // Rounded inwards: a tile never seems to touch its neighbour's.
    left: ceilDivide(...edge(grid.x, column, bits)),
    top: ceilDivide(...edge(grid.y, row, bits)),
    right: floorDivide(...edge(grid.x, column + 1n, bits)),
    bottom: floorDivide(...edge(grid.y, row + 1n, bits)),
    bits,
  };
}

function edge({ pixels, tile, finest }: Side, index: bigint, bits: number): [bigint, bigint] {
  const at = index * tile;
  return [((at < pixels ? at : pixels) * finest) << BigInt(bits), pixels];
}

/** The tiles of a level that `area` touches, the nearest to its centre first. */
export function tilesIn(pyramid: Pyramid, level: number, area: Area): TileAddress[] {
  const grid = gridOf(pyramid, level);
  if (!grid) return [];
  const rows = span(grid.y, area.top, area.bottom, area.bits);
  const columns = span(grid.x, area.left, area.right, area.bits);
  const tiles = rows.flatMap((row) =>
    columns.map((column) => ({
      tile: { level, row: row.index, column: column.index },
      distance: row.offset ** 2 + column.offset ** 2,
    })),
  );
  return tiles.sort((a, b) => a.distance - b.distance).map(({ tile }) => tile);
}

/** The tiles of a level right around those that `area` touches, the nearest to its centre first. */
export function tilesAround(pyramid: Pyramid, level: number, area: Area): TileAddress[] {
  const grid = gridOf(pyramid, level);
  if (!grid) return [];
  const length = ({ tile, finest, pixels }: Side) =>
    ((finest * tile) << BigInt(area.bits)) / pixels;
  const [width, height] = [length(grid.x), length(grid.y)];
  const grown = {
    left: area.left - width,
    right: area.right + width,
    top: area.top - height,
    bottom: area.bottom + height,
    bits: area.bits,
  };
  const inside = new Set(tilesIn(pyramid, level, area).map(addressKey));
  return tilesIn(pyramid, level, grown).filter((tile) => !inside.has(addressKey(tile)));
}

/** The tiles from `low` to `high` along one side: index, and distance from the middle in tiles. */
function span({ pixels, tile, finest }: Side, low: bigint, high: bigint, bits: number) {
  const length = (finest * tile) << BigInt(bits);
  const end = ceilDivide(pixels, tile);
  const first = floorDivide(low * pixels, length);
  const last = ceilDivide(high * pixels, length);
  const middle = floorDivide((low + high) * pixels * 512n, length);
  const indices: { index: bigint; offset: number }[] = [];
  for (let index = first < 0n ? 0n : first; index < (last < end ? last : end); index++) {
    indices.push({ index, offset: Number(index * 1024n + 512n - middle) / 1024 });
  }
  return indices;
}

/** The whole image, in level-0 pixels. */
export function imageRect({ levels }: Pyramid): Rect {
  return { left: 0, top: 0, right: levels[0]?.width ?? 0, bottom: levels[0]?.height ?? 0 };
}

/** Level-0 pixels per pixel of a level. */
export function pixelSize({ levels }: Pyramid, level: number): number {
  return level < 0 ? scale(1, level) : (levels[level]?.scaleX ?? 1);
}

/** The coarsest level that is drawn where tiles of a level are missing. */
export function coarsestStandIn({ levels }: Pyramid, level: number): number {
  return Math.min(levels.length - 1, level + STAND_IN_LEVELS);
}

export interface Cover {
  /** The tiles to draw, the finest last. */
  readonly drawn: readonly TileAddress[];
  /** Whether something of the picture stays blank. */
  readonly blank: boolean;
}

/**
 * What can be drawn for `area` at `level`.
 *
 * Where a tile is not `ready`, the nearest coarser ones that are stand in for it, and under the
 * rest of the picture whatever finer ones (left over from zooming out) are ready.
 */
export function cover(
  pyramid: Pyramid,
  level: number,
  area: Area,
  ready: (tile: TileAddress) => boolean,
): Cover {
  let blank = false;
  const drawn = new Map<string, TileAddress>();
  const draw = (tile: TileAddress) => drawn.set(addressKey(tile), tile);
  const coarsest = coarsestStandIn(pyramid, level);
  for (const tile of tilesIn(pyramid, level, area)) {
    if (ready(tile)) {
      draw(tile);
      continue;
    }
    const hole = tileArea(pyramid, tile, area.bits);
    const finer = tilesIn(pyramid, level - 1, hole);
    finer.filter(ready).forEach(draw);
    if (finer.length > 0 && finer.every(ready)) continue;
    let covered = false;
    for (let coarser = level + 1; coarser <= coarsest && !covered; coarser++) {
      const under = tilesIn(pyramid, coarser, hole);
      under.filter(ready).forEach(draw);
      covered = under.length > 0 && under.every(ready);
    }
    blank ||= !covered;
  }
  return { drawn: [...drawn.values()].sort((a, b) => b.level - a.level), blank };
}

/** So much coarser is what is asked for first where all is blank: a sixteenth of the tiles. */
export const FIRST_LOOK = 2;

/** The few tiles of a coarser level that give the first look of an area; none where there is none. */
export function firstLook(pyramid: Pyramid, level: number, area: Area): TileAddress[] {
  const coarser = level + FIRST_LOOK;
  return coarser < pyramid.levels.length ? tilesIn(pyramid, coarser, area) : [];
}
