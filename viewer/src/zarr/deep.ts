/** What zarrita cannot do by itself: levels without metadata, and indices beyond 2^53. */

import * as zarr from "zarrita";
import type { ZarrArray } from "./open";

/**
 * The array of a level below 0: level 0's in everything but the name under which its chunks are
 * asked for, "-3/…" instead of "0/…".
 */
export async function deepArray(finest: ZarrArray, level: number): Promise<ZarrArray> {
  const folder = finest.path.replace(/[^/]*$/, "");
  const path = `${folder}${level}` as zarr.AbsolutePath;
  const store: zarr.AsyncReadable = {
    async get(key, options) {
      const isDocument = /\/(\.zarray|\.zattrs|zarr\.json)$/.test(key);
      const asked = isDocument ? key.replace(path, finest.path) : key;
      return finest.store.get(asked as zarr.AbsolutePath, options);
    },
  };
  const location = new zarr.Location(store, path);
  return zarr.open(location, { kind: "array", attrs: false });
}

/**
 * The same array as seen from one of its chunks: chunk (0, 0, …) is that one.
 *
 * zarrita computes pixels in float64, and is right only for those near 0.
 */
export function fromChunk(array: ZarrArray, first: readonly bigint[]): ZarrArray {
  if (first.every((index) => index === 0n)) return array;
  return zarr.defineArrayExtension((inner: ZarrArray) => ({
    getChunk(coordinates: number[], ...rest) {
      const shifted = coordinates.map((index, axis) => BigInt(index) + (first[axis] ?? 0n));
      return inner.getChunk(shifted.map(asIndex), ...rest);
    },
  }))(array) as ZarrArray;
}

/** zarrita writes a chunk's indices into its key, and does nothing else with them. */
function asIndex(index: bigint): number {
  return (index <= Number.MAX_SAFE_INTEGER ? Number(index) : index) as number;
}
