/** Which tiles of a pyramid a view shows. Pure geometry, in level-0 pixels. */

import type { Level, Rect, ViewState } from "./model";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface TileAddress {
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/** The part of the plane on screen. */
export function visibleRect({ zoom, target }: ViewState, { width, height }: Size): Rect {
  const perPixel = 2 ** -zoom;
  const [x, y] = target;
  return {
    left: x - (width / 2) * perPixel,
    right: x + (width / 2) * perPixel,
    top: y - (height / 2) * perPixel,
    bottom: y + (height / 2) * perPixel,
  };
}

/** Screen pixels left free around a picture that is made to fit: room for the status line. */
const MARGIN = { x: 8, y: 36 };

/** The view in which all of `rect` is on screen, as large as it can be. */
export function fitView(rect: Rect, { width, height }: Size): ViewState {
  const across = (rect.right - rect.left) / Math.max(1, width - 2 * MARGIN.x);
  const down = (rect.bottom - rect.top) / Math.max(1, height - 2 * MARGIN.y);
  return {
    zoom: -Math.log2(Math.max(across, down)),
    target: [(rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2],
  };
}

/**
 * The level whose pixels are nearest in size to the screen's, in octaves: drawn between 0.71 and
 * 1.41 screen pixels wide wherever such a level exists.
 *
 * @param devicePixels device pixels per screen pixel
 */
export function levelForZoom(levels: readonly Level[], zoom: number, devicePixels = 1): number {
  const wanted = -zoom - Math.log2(devicePixels);
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  levels.forEach((level, index) => {
    const d = Math.abs(Math.log2(level.scaleX) - wanted);
    if (d <= distance) [best, distance] = [index, d];
  });
  return best;
}

/** Where a tile lies; tiles at the right and lower border are cut off by the image's edge. */
export function tileRect(levels: readonly Level[], { level, row, column }: TileAddress): Rect {
  const at = levels[level];
  if (!at) return { left: 0, top: 0, right: 0, bottom: 0 };
  return {
    left: column * at.tileWidth * at.scaleX,
    top: row * at.tileHeight * at.scaleY,
    right: Math.min((column + 1) * at.tileWidth, at.width) * at.scaleX,
    bottom: Math.min((row + 1) * at.tileHeight, at.height) * at.scaleY,
  };
}

/** The tiles of a level that `rect` touches, the nearest to its centre first. */
export function tilesIn(levels: readonly Level[], level: number, rect: Rect): TileAddress[] {
  const at = levels[level];
  if (!at) return [];
  const [columns, x] = span(
    rect.left,
    rect.right,
    at.tileWidth * at.scaleX,
    at.width,
    at.tileWidth,
  );
  const [rows, y] = span(
    rect.top,
    rect.bottom,
    at.tileHeight * at.scaleY,
    at.height,
    at.tileHeight,
  );
  const tiles = rows.flatMap((row) => columns.map((column) => ({ level, row, column })));
  const distance = (tile: TileAddress) => (tile.column + 0.5 - x) ** 2 + (tile.row + 0.5 - y) ** 2;
  return tiles.sort((a, b) => distance(a) - distance(b));
}

/** The indices of the tiles from `low` to `high`, and the middle of that stretch, in tiles. */
function span(
  low: number,
  high: number,
  step: number,
  length: number,
  tile: number,
): [indices: number[], middle: number] {
  const first = Math.max(0, Math.floor(low / step));
  const last = Math.min(Math.ceil(length / tile), Math.ceil(high / step));
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  return [indices, (low + high) / 2 / step];
}

/** The whole image. */
export function imageRect(levels: readonly Level[]): Rect {
  return { left: 0, top: 0, right: levels[0]?.width ?? 0, bottom: levels[0]?.height ?? 0 };
}

/**
 * The tiles to draw for `rect` at `level`, the finest last.
 *
 * Where a tile is not `ready`, the nearest coarser ones that are stand in for it, and under the
 * rest of the picture whatever finer ones (left over from zooming out) are ready.
 */
export function cover(
  levels: readonly Level[],
  level: number,
  rect: Rect,
  ready: (tile: TileAddress) => boolean,
): TileAddress[] {
  const drawn = new Map<string, TileAddress>();
  const draw = (tile: TileAddress) => drawn.set(`${tile.level}/${tile.row}.${tile.column}`, tile);
  for (const tile of tilesIn(levels, level, rect)) {
    if (ready(tile)) {
      draw(tile);
      continue;
    }
    const hole = tileRect(levels, tile);
    const finer = level > 0 ? tilesIn(levels, level - 1, hole) : [];
    finer.filter(ready).forEach(draw);
    if (finer.length > 0 && finer.every(ready)) continue;
    for (let coarser = level + 1; coarser < levels.length; coarser++) {
      const under = tilesIn(levels, coarser, hole);
      under.filter(ready).forEach(draw);
      if (under.length > 0 && under.every(ready)) break;
    }
  }
  return [...drawn.values()].sort((a, b) => b.level - a.level);
}
