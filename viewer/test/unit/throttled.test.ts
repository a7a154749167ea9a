import { effect, signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { remember } from "../../src/remember";
import { throttled } from "../../src/throttled";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a throttled signal shows the first change, some between, and always the last", () => {
  const source = signal(0);
  const seen: number[] = [];
  const shown = throttled(source, 100);
  effect(() => void seen.push(shown.value));
  for (let i = 1; i <= 30; i++) {
    source.value = i;
    vi.advanceTimersByTime(10);
  }
  expect(seen.slice(0, 2)).toEqual([0, 1]);
  expect(seen.length).toBeLessThan(7);
  vi.advanceTimersByTime(100);
  expect(seen.at(-1)).toBe(30);
  vi.advanceTimersByTime(1000);
  source.value = 31;
  expect(seen.at(-1)).toBe(31);
});

test("what is remembered is the same object for the same arguments, and no others", () => {
  const make = remember((...numbers: number[]) => ({ sum: numbers.reduce((a, b) => a + b, 0) }));
  const first = make(1, 2);
  expect(make(1, 2)).toBe(first);
  expect(make(1, 2, 3)).toEqual({ sum: 6 });
  expect(make(1, 3)).toEqual({ sum: 4 });
  expect(make(1)).toEqual({ sum: 1 });
});
