import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mergeArrivals } from "../../src/arrivals";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("tiles that come one after another are drawn together, the last one at once", () => {
  const draw = vi.fn();
  const arrivals = mergeArrivals(draw);
  for (let tile = 0; tile < 50; tile++) {
    arrivals.tell(false);
    vi.advanceTimersByTime(4);
  }
  // 200 ms: after 30, 110 and 190 of them.
  expect(draw).toHaveBeenCalledTimes(3);
  arrivals.tell(false);
  arrivals.tell(true);
  expect(draw).toHaveBeenCalledTimes(4);
  // With the last one, those that waited were drawn too.
  vi.advanceTimersByTime(1000);
  expect(draw).toHaveBeenCalledTimes(4);
});

test("a tile that comes alone is drawn soon", () => {
  const draw = vi.fn();
  const arrivals = mergeArrivals(draw);
  arrivals.tell(false);
  expect(draw).not.toHaveBeenCalled();
  vi.advanceTimersByTime(30);
  expect(draw).toHaveBeenCalledTimes(1);
});

test("once stopped, nothing is drawn any more", () => {
  const draw = vi.fn();
  const arrivals = mergeArrivals(draw);
  arrivals.tell(false);
  arrivals.stop();
  vi.advanceTimersByTime(1000);
  expect(draw).not.toHaveBeenCalled();
});
