import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { log2, parseRational, powerOfTwo, toDecimal, toScientific } from "../../src/rational";

test.each([
  ["-0.75", "-0.75"],
  ["−0.75", "-0.75"],
  ["1e-30", "0.000000000000000000000000000001"],
  ["-1/4", "-0.25"],
  ["1/-4", "-0.25"],
  [" +.5 ", "0.5"],
  ["12E2", "1200"],
])("%j is read as %s", (text, decimal) => {
  expect(toDecimal(parseRational(text), 40)).toBe(decimal);
});

test.each(["", "x", "1/0", "1/2/3", "1e", "--1", ".", "1e99999"])("%j is no number", (text) => {
  expect(() => parseRational(text)).toThrow("is no number; write one such as");
});

describe("decimals", () => {
  test("of any length are read and written without loss", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 3000 }), (n, places) => {
        const value = { n, d: 10n ** BigInt(places) };
        const back = parseRational(toDecimal(value, places));
        expect(back.n * value.d).toBe(n * back.d);
      }),
    );
  });

  test("are rounded to the nearest", () => {
    expect(toDecimal(parseRational("2/3"), 4)).toBe("0.6667");
    expect(toDecimal(parseRational("-2/3"), 0)).toBe("-1");
    expect(toDecimal(parseRational("-1/1000"), 2)).toBe("0");
  });
});

test.each([
  ["5", 3, "5e0"],
  ["999.96", 4, "1e3"],
  ["1234567", 3, "1.23e6"],
  ["-1/3", 5, "-3.3333e-1"],
  ["1e-1000", 3, "1e-1000"],
  ["0", 3, "0"],
])("%s with %i digits is %s", (text, digits, written) => {
  expect(toScientific(parseRational(text), digits)).toBe(written);
});

test("powers of two and logarithms are inverse, far beyond float64", () => {
  fc.assert(
    fc.property(fc.double({ min: -12000, max: 12000, noNaN: true }), (exponent) => {
      expect(log2(parseRational(powerOfTwo(exponent)))).toBeCloseTo(exponent, 9);
    }),
  );
});
