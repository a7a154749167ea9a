import { describe, expect, test } from "vitest";
import { describeTime, ProgressClock } from "../../src/progress";

describe("the clock of long computations", () => {
  test("foretells the rest from what it has seen", () => {
    const clock = new ProgressClock();
    const read = (done: number, now: number) => clock.read([{ id: 1, done, total: 500 }], now);
    // What is over within a second was not long.
    expect(read(100, 0)).toBeUndefined();
    expect(read(120, 500)).toBeUndefined();
    // 100 of 500 in two seconds: 300 are left.
    expect(read(200, 2000)).toEqual({ part: 0.4, left: 6000 });
    expect(read(500, 8000)).toEqual({ part: 1, left: 0 });
  });

  test("begins again with another part of the computation", () => {
    const clock = new ProgressClock();
    clock.read([{ id: 1, done: 0, total: 10 }], 0);
    expect(clock.read([{ id: 1, done: 5, total: 10 }], 2000)?.left).toBe(2000);
    const nothing = { part: 0.005, left: undefined };
    expect(clock.read([{ id: 1, done: 5, total: 1000 }], 4000)).toEqual(nothing);
    expect(clock.read([{ id: 1, done: 105, total: 1000 }], 6000)?.left).toBe(17_900);
    expect(clock.read([{ id: 1, done: 0, total: 1000 }], 8000)).toEqual({ ...nothing, part: 0 });
  });

  test("tells of the longest wait, and of none when there is none", () => {
    const clock = new ProgressClock();
    const reports = (a: number, b: number) => [
      { id: 1, done: a, total: 10 },
      { id: 2, done: b, total: 10 },
    ];
    expect(clock.read(reports(1, 0), 0)).toBeUndefined();
    expect(clock.read(reports(2, 5), 2000)).toEqual({ part: 0.2, left: 16_000 });
    expect(clock.read([], 3000)).toBeUndefined();
    // What was over and is told again is another computation.
    expect(clock.read(reports(3, 6), 4000)).toBeUndefined();
  });

  test("takes nothing to do for done", () => {
    const clock = new ProgressClock();
    clock.read([{ id: 1, done: 0, total: 0 }], 0);
    expect(clock.read([{ id: 1, done: 1, total: 0 }], 2000)).toEqual({ part: 1, left: 0 });
  });
});

test.each([
  [0, "a few seconds"],
  [4999, "a few seconds"],
  [5001, "about 5 seconds"],
  [57_000, "about 55 seconds"],
  [58_000, "about a minute"],
  [150_000, "about 3 minutes"],
  [5_000_000, "about 83 minutes"],
  [7_200_000, "about 2 hours"],
])("%d ms are %s", (milliseconds, text) => {
  expect(describeTime(milliseconds)).toBe(text);
});
