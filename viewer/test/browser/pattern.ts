/**
 * A pyramid whose tiles say which they are: a white border one pixel wide, and in every 256 px cell
 * the tile's level, row, column and a hash of its key, as blocks of grey.
 */

import type { FakeStore } from "./fake_stores";

export interface PatternOptions {
  levels: number;
  tilesize?: number;
  /** Finest level, 0 or below; given, the source has the "mandelbrot" attribute. */
  floor?: number;
  /** Milliseconds that every tile takes. */
  delay?: number;
  /** Tiles computed at a time, as by a kernel's threads; default: all. */
  threads?: number;
  /** Milliseconds from one report of how far the tiles under way are to the next; default: none. */
  reports?: number;
}

interface Listener {
  changed(reports: { id: number; done: number; total: number }[]): Promise<unknown>;
}

/** What happened to a request, in milliseconds since the page was opened. */
export interface Request {
  readonly key: string;
  readonly asked: number;
  started?: number;
  done?: number;
  cancelled?: number;
}

const CELL = 256;
const BLOCK = 14;
const BLOCKS_PER_ROW = 16;
/** Where in a cell the blocks begin. */
const INSET = 16;
export const GREY = { border: 255, ground: 30, one: 200, zero: 100 };

const mask = (n: bigint, bits: number) => BigInt.asUintN(bits, n);

/** 16 bits of the level, 24 of the row, 24 of the column, 32 of a hash of all their digits. */
function labelBits(level: number, row: bigint, column: bigint): boolean[] {
  let hash = 2166136261;
  for (const character of `${level}/${row}.${column}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0;
  }
  const fields: [bigint, number][] = [
    [mask(BigInt(level), 16), 16],
    [mask(row, 24), 24],
    [mask(column, 24), 24],
    [BigInt(hash), 32],
  ];
  return fields.flatMap(([value, bits]) =>
    Array.from({ length: bits }, (_, i) => ((value >> BigInt(i)) & 1n) === 1n),
  );
}

function paint(size: number, level: number, row: bigint, column: bigint): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(size * size).fill(GREY.ground);
  const bits = labelBits(level, row, column);
  for (let top = 0; top < size; top += CELL) {
    for (let left = 0; left < size; left += CELL) {
      bits.forEach((bit, i) => {
        const x = left + INSET + (i % BLOCKS_PER_ROW) * BLOCK;
        const y = top + INSET + Math.floor(i / BLOCKS_PER_ROW) * BLOCK;
        for (let j = y; j < y + BLOCK; j++) {
          pixels.fill(bit ? GREY.one : GREY.zero, j * size + x, j * size + x + BLOCK);
        }
      });
    }
  }
  for (let i = 0; i < size; i++) {
    for (const at of [i, (size - 1) * size + i, i * size, i * size + size - 1]) {
      pixels[at] = GREY.border;
    }
  }
  return pixels;
}

/** A picture as grey values, 0 to 255. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): number;
}

/** What is seen of a tile's labels where the tile is expected: blocks read, and those that are wrong. */
export function readsAs(
  picture: Grey,
  tile: { level: number; row: bigint; column: bigint; left: number; top: number },
  tilesize: number,
): { blocks: number; wrong: number } {
  const bits = labelBits(tile.level, tile.row, tile.column);
  let [blocks, wrong] = [0, 0];
  for (let y = tile.top; y < tile.top + tilesize; y += CELL) {
    for (let x = tile.left; x < tile.left + tilesize; x += CELL) {
      bits.forEach((bit, i) => {
        const at = Math.floor(x + INSET + ((i % BLOCKS_PER_ROW) + 0.5) * BLOCK);
        const down = Math.floor(y + INSET + (Math.floor(i / BLOCKS_PER_ROW) + 0.5) * BLOCK);
        if (at < 0 || down < 0 || at >= picture.width || down >= picture.height) return;
        blocks++;
        if (picture.at(at, down) !== (bit ? GREY.one : GREY.zero)) wrong++;
      });
    }
  }
  return { blocks, wrong };
}

/** A tile, where its upper left corner is seen, and how many screen pixels one of its own takes. */
export interface SeenTile {
  readonly level: number;
  readonly row: bigint;
  readonly column: bigint;
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

/** Every so many pixels, `shows` looks at one. */
const STEP = 5;

/** Whether nothing but a tile is seen in a square of the screen, some of which may be outside. */
export function shows(
  picture: Grey,
  { level, row, column, left, top, scale }: SeenTile,
  square: { left: number; top: number; side: number },
): boolean {
  const bits = labelBits(level, row, column);
  const expected = (x: number, y: number) =>
    greyIn(bits, Math.floor((x + 0.5 - left) / scale), Math.floor((y + 0.5 - top) / scale));
  return everyPixel(picture, square, (x, y) => {
    const grey = expected(x, y);
    // Where it changes, it may be the average of two, or lie a pixel further.
    const isEven = [-2, 2].every((i) => [-2, 2].every((j) => expected(x + i, y + j) === grey));
    return !isEven || picture.at(x, y) === grey;
  });
}

/** Whether a condition holds all over a square of the screen. */
export function everyPixel(
  { width, height }: Grey,
  { left, top, side }: { left: number; top: number; side: number },
  condition: (x: number, y: number) => boolean,
): boolean {
  for (let y = Math.max(0, Math.ceil(top)); y < Math.min(height, top + side); y += STEP) {
    for (let x = Math.max(0, Math.ceil(left)); x < Math.min(width, left + side); x += STEP) {
      if (!condition(x, y)) return false;
    }
  }
  return true;
}

/** The value of a tile's pixel. */
function greyIn(bits: readonly boolean[], x: number, y: number): number {
  if (x <= 0 || y <= 0 || x >= CELL - 1 || y >= CELL - 1) return GREY.border;
  const [i, j] = [Math.floor((x - INSET) / BLOCK), Math.floor((y - INSET) / BLOCK)];
  const bit = i >= 0 && i < BLOCKS_PER_ROW && j >= 0 ? bits[j * BLOCKS_PER_ROW + i] : undefined;
  if (bit === undefined) return GREY.ground;
  return bit ? GREY.one : GREY.zero;
}

/**
 * Where along a line of pixels two borders meet, nearest to `expected`: the middle of the white.
 * Undefined when there is none within three pixels.
 */
export function seamNear(
  line: (at: number) => number,
  length: number,
  expected: number,
): number | undefined {
  const white: number[] = [];
  for (let at = Math.floor(expected) - 4; at <= Math.ceil(expected) + 3; at++) {
    if (at >= 0 && at < length && line(at) === GREY.border) white.push(at);
  }
  const [first, last] = [white[0], white.at(-1)];
  return first === undefined || last === undefined ? undefined : (first + last + 1) / 2;
}

/** The store itself; it runs in the page that plays Python, and works through its requests as a kernel does. */
export function patternStore(options: PatternOptions): FakeStore {
  const { levels, tilesize = CELL, floor, delay = 0, threads = 1000, reports = 0 } = options;
  const requests = new Map<number, Request>();
  let gate: Promise<void> | undefined;
  let open = () => {};
  const store: FakeStore = {
    asked: [],
    cancelled: [],
    broken: [],
    requests,
    hold(isHeld) {
      open();
      gate = isHeld ? new Promise((resolve) => (open = resolve)) : undefined;
    },
    source: {},
  };
  const metadata = JSON.stringify(consolidated(levels, tilesize, floor));
  const queue: (() => Promise<void>)[] = [];
  let running = 0;

  async function work(): Promise<void> {
    if (running >= threads) return;
    running++;
    for (let job = queue.shift(); job; job = queue.shift()) await job();
    running--;
  }

  async function compute(request: Request): Promise<ArrayBuffer | null> {
    if (request.cancelled !== undefined) return null;
    request.started = performance.now();
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    await gate;
    const match = /^(-?\d+)\/(\d+)\.(\d+)$/.exec(request.key);
    if (!match || request.cancelled !== undefined) return null;
    request.done = performance.now();
    const [, level = "", row = "", column = ""] = match;
    return paint(tilesize, Number(level), BigInt(row), BigInt(column)).buffer;
  }

  /** Tells how far the tiles under way are, as Python's end does. */
  function tell({ changed }: Listener): void {
    const running = [...requests].filter(
      ([, { started, done, cancelled }]) =>
        started !== undefined && done === undefined && cancelled === undefined,
    );
    const now = performance.now();
    const list = running.map(([id, { started = 0 }]) => ({
      id,
      done: now - started,
      total: delay,
    }));
    void changed(list);
  }

  store.source = {
    _rintf: true,
    _rtype: "zarr-group",
    async onProgress(listener: Listener) {
      if (reports > 0) setInterval(() => tell(listener), reports);
      return null;
    },
    async getItem(key: string, { id = 0 }: { id?: number } = {}) {
      store.asked.push(key);
      if (key === ".zmetadata") return new TextEncoder().encode(metadata).buffer;
      const request: Request = { key, asked: performance.now() };
      requests.set(id, request);
      return new Promise((resolve, reject) => {
        queue.push(() => compute(request).then(resolve, reject));
        void work();
      });
    },
    containsItem: async (key: string) => key === ".zmetadata",
    async cancelItems(ids: number[]) {
      store.cancelled.push(...ids);
      for (const id of ids) {
        const request = requests.get(id);
        if (request) request.cancelled = performance.now();
      }
      return null;
    },
  };
  return store;
}

function consolidated(levels: number, tilesize: number, floor: number | undefined) {
  const paths = Array.from({ length: levels }, (_, level) => level);
  const array = (level: number) => ({
    zarr_format: 2,
    shape: [tilesize * 2 ** (levels - level), tilesize * 2 ** (levels - level)],
    chunks: [tilesize, tilesize],
    dtype: "|u1",
    compressor: null,
    fill_value: 0,
    order: "C",
    filters: null,
  });
  const axes = ["y", "x"].map((name) => ({ name, type: "space" }));
  const datasets = paths.map((level) => ({ path: String(level) }));
  const mandelbrot = {
    levels,
    tilesize,
    maxiter: 255,
    sampling: "center",
    center: ["0", "0"],
    width: "5",
    floor,
  };
  return {
    zarr_consolidated_format: 1,
    metadata: {
      ".zgroup": { zarr_format: 2 },
      ".zattrs": {
        multiscales: [{ version: "0.4", name: "pattern", axes, datasets }],
        ...(floor !== undefined && { mandelbrot }),
      },
      ...Object.fromEntries(paths.map((level) => [`${level}/.zarray`, array(level)])),
    },
  };
}
