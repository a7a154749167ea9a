import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TilePixels, TileRequest } from "../../src/model";
import { TileCache, type TileCacheOptions, tileKey } from "../../src/tiles";

const request = (column: number): TileRequest => ({
  level: 0,
  row: 0n,
  column: BigInt(column),
  selections: [[0, 0]],
});
const PIXELS: TilePixels = { width: 2, height: 2, planes: [new Uint8Array(4)] };

interface Answer {
  readonly column: number;
  readonly signal: AbortSignal;
  resolve(pixels: TilePixels): void;
  reject(error: Error): void;
}

/** A cache whose loads are answered by hand. */
function setUp(options: TileCacheOptions = {}) {
  const answers: Answer[] = [];
  const changed = vi.fn();
  const cache = new TileCache(
    ({ column }, signal) =>
      new Promise((resolve, reject) => {
        answers.push({ column: Number(column), signal, resolve, reject });
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    changed,
    { patience: 0, ...options },
  );
  const want = (...columns: number[]) => cache.want(columns.map(request));
  const asked = () => answers.map(({ column }) => column);
  const answer = async (column: number, result: TilePixels | Error = PIXELS) => {
    const open = answers.findLast((candidate) => candidate.column === column);
    if (result instanceof Error) open?.reject(result);
    else open?.resolve(result);
    await settle();
  };
  return { cache, changed, want, asked, answer };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a tile cache", () => {
  test("asks once for a tile that is wanted again and again", async () => {
    const { cache, want, asked, answer } = setUp();
    want(1);
    want(1);
    await answer(1);
    want(1);
    expect(asked()).toEqual([1]);
    expect(cache.get(request(1))).toBe(PIXELS);
    expect(cache.pending).toBe(0);
  });

  test("asks in the order of urgency, a few at a time", async () => {
    const { want, asked, answer } = setUp({ concurrency: 2 });
    want(3, 1, 2);
    expect(asked()).toEqual([3, 1]);
    await answer(1);
    expect(asked()).toEqual([3, 1, 2]);
  });

  test("aborts what is wanted no longer and starts what is wanted now", async () => {
    const { cache, want, asked } = setUp({ concurrency: 2 });
    want(1, 2, 3);
    want(2, 4);
    await settle();
    expect(asked()).toEqual([1, 2, 4]);
    expect(cache.counts).toMatchObject({ requested: 3, cancelled: 1 });
  });

  test("does not ask for what a moving camera only passes by", async () => {
    const { cache, want, asked, answer } = setUp({ patience: 60 });
    want(0);
    await answer(0);
    for (const column of [1, 2, 3]) {
      want(column);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(asked()).toEqual([0]);
    await vi.advanceTimersByTimeAsync(40);
    expect(asked()).toEqual([0, 3]);
    expect(cache.counts.cancelled).toBe(0);
  });

  test("loads neighbours once nothing else is to do, two at a time, and lets go of them", async () => {
    const { cache, asked, answer } = setUp();
    const look = (wanted: number[], nearby: number[]) =>
      cache.want(wanted.map(request), nearby.map(request));
    look([1, 2], [3, 4, 5]);
    await answer(1);
    expect(asked()).toEqual([1, 2]);
    await answer(2);
    expect(asked()).toEqual([1, 2, 3, 4]);
    expect(cache.pending).toBe(0);
    look([2, 3], [1, 6]);
    expect(cache.counts).toMatchObject({ requested: 4, cancelled: 1 });
    expect(cache.pending).toBe(1);
    await answer(3);
    expect(asked()).toEqual([1, 2, 3, 4, 6]);
    await answer(6, new Error("no luck"));
    expect(cache.failures).toEqual([]);
  });

  test("keeps tiles from before, the oldest least, within its bytes", async () => {
    const { cache, want, answer } = setUp({ maxBytes: 8 });
    for (const column of [1, 2, 3]) {
      want(column);
      await answer(column);
    }
    expect([1, 2, 3].map((column) => cache.get(request(column)) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("never drops a tile that is wanted", async () => {
    const { cache, want, answer } = setUp({ maxBytes: 4 });
    want(1, 2);
    await answer(1);
    await answer(2);
    expect(cache.loaded()).toHaveLength(2);
  });

  test("tries a failed tile again by itself, later each time", async () => {
    const { cache, want, asked, answer } = setUp({ retryDelay: 1000 });
    want(1);
    await answer(1, new Error("no luck"));
    expect(cache.failures).toEqual([{ request: request(1), message: "no luck" }]);
    await vi.advanceTimersByTimeAsync(1000);
    await answer(1, new Error("still none"));
    await vi.advanceTimersByTimeAsync(1999);
    expect(asked()).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1);
    await answer(1);
    expect(asked()).toEqual([1, 1, 1]);
    expect(cache.failures).toEqual([]);
    expect(cache.get(request(1))).toBe(PIXELS);
  });

  test("tries failed tiles at once when told to", async () => {
    const { cache, want, asked, answer } = setUp();
    want(1);
    await answer(1, new Error("no luck"));
    cache.retry();
    expect(asked()).toEqual([1, 1]);
    expect(cache.failures).toHaveLength(1);
    await answer(1);
    expect(cache.failures).toEqual([]);
  });

  test("forgets a failure once its tile is out of view", async () => {
    const { cache, want, asked, answer } = setUp();
    want(1);
    await answer(1, new Error("no luck"));
    want();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(cache.failures).toEqual([]);
    expect(asked()).toEqual([1]);
  });

  test("says when something changed, and not when nothing did", async () => {
    const { changed, want, answer } = setUp();
    want(1);
    await answer(1);
    const before = changed.mock.calls.length;
    want(1);
    expect(changed).toHaveBeenCalledTimes(before);
    want(2);
    expect(changed).toHaveBeenCalledTimes(before + 1);
  });

  test("asks for what the camera is heading for, and not for what it passes by", async () => {
    const { cache, asked, answer } = setUp({ patience: 50 });
    cache.want([request(1)]);
    await answer(1);
    for (const passed of [10, 11, 12, 13, 14]) {
      cache.want([request(passed)], [], [request(20), request(21)]);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(asked()).toEqual([1, 20, 21]);
    // The goal changes: what is under way for the other is given up.
    cache.want([request(15)], [], [request(30)]);
    await vi.advanceTimersByTimeAsync(300);
    expect(asked()).toEqual([1, 20, 21, 30]);
    expect(cache.counts.cancelled).toBe(2);
    // Arrived: what is on its way already is not asked for again, and nobody waits anew.
    cache.want([request(30)]);
    await answer(30);
    expect(cache.get(request(30))).toBe(PIXELS);
    expect(asked()).toEqual([1, 20, 21, 30]);
  });

  test("stops what is wanted until it is tried again, and does nothing else meanwhile", async () => {
    const { cache, asked, answer } = setUp({ retryDelay: 10 });
    cache.want([request(1), request(2)], [request(3)]);
    await answer(1);
    cache.stop();
    expect(cache.pending).toBe(0);
    expect(cache.failures.map(({ message }) => message)).toEqual([
      "their computation was stopped.",
    ]);
    expect(cache.counts).toEqual({ requested: 2, loaded: 1, failed: 0, cancelled: 1 });
    await vi.advanceTimersByTimeAsync(100_000);
    cache.want([request(1), request(2)], [request(3)]);
    expect(asked()).toEqual([1, 2]);
    cache.retry();
    expect(asked()).toEqual([1, 2, 2]);
    await answer(2);
    expect(cache.failures).toEqual([]);
    expect(asked()).toEqual([1, 2, 2, 3]);
  });
});

test("tiles of different planes of one image have different keys", () => {
  const keys = [
    [[0, 0]],
    [[1, 0]],
    [
      [0, 0],
      [1, 0],
    ],
  ].map((selections) => tileKey({ ...request(0), selections }));
  expect(new Set(keys).size).toBe(3);
});

test("keys of deep tiles are hexadecimal, which takes no time", () => {
  const [row, column] = [(1n << 40_000n) - 1n, 171n];
  expect(tileKey({ ...request(0), row, column })).toContain(`/${"f".repeat(10_000)}.ab/`);
});
