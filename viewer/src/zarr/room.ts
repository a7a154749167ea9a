import { type Remote, transfer } from "comlink";
import * as zarr from "zarrita";
import type { ImageInfo, TilePixels, TileRequest } from "../model";
import { tilePixels } from "../pyramid";
import { fromChunk } from "./deep";
import { type OpenedImage, type OpenOptions, openImage } from "./open";
import { toPixels, type Values } from "./pixels";
import { type RemoteStore, remoteStore } from "./store";

/** A URL, or a store at the other end of an RPC connection. */
export type Source = string | Remote<RemoteStore>;

/**
 * Everything that touches Zarr: metadata, chunk keys, codecs.
 *
 * It runs in a worker, so that decoding never delays a frame; every argument and result can be
 * posted. Images and requests are named by numbers that the caller chooses.
 */
export class ZarrRoom {
  readonly #images = new Map<number, OpenedImage>();
  readonly #running = new Map<number, AbortController>();

  /** Reads the metadata of a source: one request where it is consolidated. */
  async open(image: number, source: Source, options: OpenOptions): Promise<ImageInfo> {
    const store =
      typeof source === "string"
        ? new zarr.FetchStore(source)
        : remoteStore(source as unknown as RemoteStore);
    const opened = await openImage(store, options);
    this.#images.set(image, opened);
    return opened.info;
  }

  close(image: number): void {
    this.#images.delete(image);
  }

  /** Reads and decodes one tile; rejects with an AbortError once `cancel(id)` was called. */
  async tile(id: number, image: number, request: TileRequest): Promise<TilePixels> {
    const opened = this.#images.get(image);
    if (!opened) throw new Error(`image ${image} is closed`);
    const abort = new AbortController();
    this.#running.set(id, abort);
    try {
      const pixels = await readTile(opened, request, abort.signal);
      return transfer(
        pixels,
        pixels.planes.map((plane) => plane.buffer),
      );
    } finally {
      this.#running.delete(id);
    }
  }

  cancel(ids: readonly number[]): void {
    for (const id of ids) this.#running.get(id)?.abort();
  }
}

async function readTile(
  { info, array: arrayOf }: OpenedImage,
  request: TileRequest,
  signal: AbortSignal,
): Promise<TilePixels> {
  const { y, x } = tilePixels(info, request);
  const array = await arrayOf(request.level);
  const first = array.chunks.map(() => 0n);
  const inside = ({ start, length }: typeof y, axis: number) => {
    const chunk = BigInt(array.chunks[axis] ?? 1);
    first[axis] = start / chunk;
    const from = Number(start % chunk);
    return zarr.slice(from, from + length);
  };
  const [rows, columns] = [inside(y, info.yAxis), inside(x, info.xAxis)];
  const near = fromChunk(array, first);
  const planes = await Promise.all(
    request.selections.map(async (indices) => {
      const selection = indices.map((index, axis) => {
        if (axis === info.yAxis) return rows;
        return axis === info.xAxis ? columns : index;
      });
      const plane = await zarr.get(near, selection, { signal });
      return toPixels(rowMajor(plane as zarr.Chunk<zarr.DataType>, info), info.pixelType);
    }),
  );
  return { width: x.length, height: y.length, planes };
}

/** The values of a y-by-x or x-by-y plane, stored in any order, as rows of y. */
function rowMajor(plane: zarr.Chunk<zarr.DataType>, { yAxis, xAxis }: ImageInfo): Values {
  const values = plane.data as unknown as Values;
  const [y, x] = yAxis < xAxis ? [0, 1] : [1, 0];
  const [height = 0, width = 0] = [plane.shape[y], plane.shape[x]];
  const [dy = 0, dx = 0] = [plane.stride[y], plane.stride[x]];
  if (dx === 1 && dy === width) return values;
  return Array.from({ length: width * height }, (_, i) => {
    const row = Math.floor(i / width);
    return values[row * dy + (i - row * width) * dx];
  });
}
