import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bitLength,
  ceilDivide,
  floorDivide,
  fromFixed,
  scale,
  shift,
  toFixed,
} from "../../src/fixed";

const numbers = fc.double({ noNaN: true, noDefaultInfinity: true });

test("every float64 is a fixed-point number, and back", () => {
  fc.assert(
    fc.property(numbers, (value) => {
      expect(fromFixed(toFixed(value, 1100), 1100)).toBe(value + 0);
    }),
  );
});

test("a fixed-point number is within an ulp or two of its float64", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 3000n), max: 2n ** 3000n }), (n) => {
      const bits = bitLength(n);
      const value = fromFixed(n, bits);
      const error = toFixed(value, bits) - n;
      expect(error < 0n ? -error : error).toBeLessThanOrEqual(2n ** BigInt(Math.max(0, bits - 52)));
    }),
  );
});

test("shifting rounds to the nearest", () => {
  expect([7n, 5n, -7n, -5n].map((n) => shift(n, -2))).toEqual([2n, 1n, -2n, -1n]);
  expect(shift(3n, 4)).toBe(48n);
});

test("bit lengths are those of the binary digits", () => {
  fc.assert(
    fc.property(fc.bigInt(), (n) => {
      const digits = n === 0n ? 0 : (n < 0n ? -n : n).toString(2).length;
      expect(bitLength(n)).toBe(digits);
    }),
  );
});

test("division rounds down and up, below zero too", () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt({ min: 1n }), (n, d) => {
      const [low, high] = [floorDivide(n, d), ceilDivide(n, d)];
      expect(low * d <= n && n < (low + 1n) * d).toBe(true);
      expect(high * d >= n && n > (high - 1n) * d).toBe(true);
    }),
  );
});

test("scaling works beyond the range of a power of two", () => {
  expect(scale(2 ** -1000, 2000)).toBe(2 ** 1000);
  expect(scale(1, -1060)).toBe(2 ** -1060);
});
