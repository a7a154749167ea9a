/** What the tiles that are in the page say about one place. */

import { type Camera, cameraAt, localCamera, type Point } from "./frames";
import type { Image } from "./image";
import { coarsestStandIn, levelForZoom, tileArea, tilesIn } from "./pyramid";

/** The value of the first visible channel that is seen at a place, if a tile of it is drawn. */
export function valueAt(image: Image, point: Point, { zoom }: Camera): number | undefined {
  const { x, y, bits, zoom: localZoom } = localCamera(image, cameraAt(point, zoom));
  const area = { left: x, top: y, right: x + 1n, bottom: y + 1n, bits };
  const channel = image.channels.value.findIndex(({ visible }) => visible);
  const wanted = levelForZoom(image.info, localZoom, globalThis.devicePixelRatio);
  const coarsest = coarsestStandIn(image.info, wanted);
  for (let level = wanted; level <= coarsest; level++) {
    const [tile] = tilesIn(image.info, level, area);
    const pixels = tile && image.tiles.get(image.request(tile));
    const plane = pixels?.planes[channel];
    if (!tile || !pixels || !plane) continue;
    const { left, top, right, bottom } = tileArea(image.info, tile, bits);
    const column = indexAt(x - left, right - left, pixels.width);
    const row = indexAt(y - top, bottom - top, pixels.height);
    return plane[row * pixels.width + column];
  }
  return undefined;
}

function indexAt(offset: bigint, length: bigint, pixels: number): number {
  const index = length > 0n ? Number((offset * BigInt(pixels)) / length) : 0;
  return Math.min(Math.max(index, 0), pixels - 1);
}
