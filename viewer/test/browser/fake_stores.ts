/** Stores computed in the page, in the shape in which Python sends a Zarr source. */

import type { Request } from "./pattern";

export interface FakeStore {
  /** Every key that was asked for, in order. */
  asked: string[];
  cancelled: number[];
  /** What happened to each request, by its id, where the store keeps account of that. */
  requests: Map<number, Request>;
  /** Keys that are answered with an error, for as long as they are in here. */
  broken: string[];
  /** Holds all tiles back until told that they no longer are, where the store can. */
  hold?(isHeld: boolean): void;
  source: Record<string, unknown>;
}

export interface MandelbrotOptions {
  levels?: number;
  tilesize?: number;
  maxiter?: number;
  /** Milliseconds that every tile takes. */
  delay?: number;
}

/** The Mandelbrot set as a Zarr v2 group with consolidated metadata. */
export function mandelbrotStore(options: MandelbrotOptions = {}): FakeStore {
  const { levels = 40, tilesize = 256, maxiter = 255, delay = 0 } = options;
  const store: FakeStore = {
    asked: [],
    cancelled: [],
    broken: [],
    requests: new Map(),
    source: {},
  };
  const metadata = JSON.stringify(consolidated(levels, tilesize, maxiter));
  store.source = {
    _rintf: true,
    _rtype: "zarr-group",
    async getItem(key: string, { id }: { id?: number } = {}) {
      store.asked.push(key);
      if (key === ".zmetadata") return new TextEncoder().encode(metadata).buffer;
      const match = /^(\d+)\/(\d+)\.(\d+)$/.exec(key);
      if (!match) return null;
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      if (store.broken.includes(key)) throw new Error(`RuntimeError: no tile ${key} today`);
      if (id !== undefined && store.cancelled.includes(id)) return null;
      const [level = 0, row = 0, column = 0] = match.slice(1).map(Number);
      return tile(levels, tilesize, maxiter, level, row, column).buffer;
    },
    containsItem: async (key: string) => key === ".zmetadata",
    async cancelItems(ids: number[]) {
      store.cancelled.push(...ids);
      return null;
    },
  };
  return store;
}

function consolidated(levels: number, tilesize: number, maxiter: number) {
  const arrays = Array.from({ length: levels }, (_, level) => {
    const pixels = tilesize * 2 ** (levels - level);
    const array = {
      zarr_format: 2,
      shape: [pixels, pixels],
      chunks: [tilesize, tilesize],
      dtype: maxiter < 256 ? "|u1" : "<u2",
      compressor: null,
      fill_value: 0,
      order: "C",
      filters: null,
    };
    return [`${level}/.zarray`, array];
  });
  const datasets = Array.from({ length: levels }, (_, level) => ({
    path: String(level),
    coordinateTransformations: [{ type: "scale", scale: [2 ** level, 2 ** level] }],
  }));
  const axes = ["y", "x"].map((name) => ({ name, type: "space" }));
  const attributes = {
    multiscales: [{ version: "0.4", name: "mandelbrot", axes, datasets }],
    mandelbrot: {
      levels,
      tilesize,
      maxiter,
      sampling: "center",
      center: ["0", "0"],
      width: "5",
      precision: "exact",
    },
  };
  return {
    zarr_consolidated_format: 1,
    metadata: {
      ".zgroup": { zarr_format: 2 },
      ".zattrs": attributes,
      ...Object.fromEntries(arrays),
    },
  };
}

function tile(
  levels: number,
  tilesize: number,
  maxiter: number,
  level: number,
  row: number,
  column: number,
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const step = 5 / (tilesize * 2 ** (levels - level));
  const Pixels = maxiter < 256 ? Uint8Array : Uint16Array;
  const counts = new Pixels(tilesize * tilesize);
  for (let j = 0; j < tilesize; j++) {
    const im = 2.5 - (row * tilesize + j + 0.5) * step;
    for (let i = 0; i < tilesize; i++) {
      const re = -2.5 + (column * tilesize + i + 0.5) * step;
      counts[j * tilesize + i] = escapeTime(re, im, maxiter);
    }
  }
  return counts;
}

/** The iterates z₁, z₂, … with |z| ≤ 2, counted up to maxiter. */
export function escapeTime(re: number, im: number, maxiter: number): number {
  let [x, y, n] = [re, im, 0];
  while (n < maxiter && x * x + y * y <= 4) {
    [x, y] = [x * x - y * y + re, 2 * x * y + im];
    n++;
  }
  return n;
}
