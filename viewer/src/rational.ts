/** Exact numbers as people write them: decimals of any length, and fractions. */

import { bitLength, floorDivide } from "./fixed";

/** n / d, with d > 0; not necessarily in lowest terms. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Exponents beyond this are taken for mistakes: no pyramid is so deep. */
const MAX_EXPONENT = 20_000;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i;

/**
 * "-0.75", "1e-30" or "p/q", exactly.
 *
 * @throws Error saying what was expected
 */
export function parseRational(text: string): Rational {
  // The typographic minus is what the viewer itself writes.
  const parts = text.trim().replaceAll("−", "-").split("/");
  const [numerator, denominator = { n: 1n, d: 1n }] = parts.map(parseDecimal);
  if (parts.length > 2 || !numerator || denominator.n === 0n) throw notANumber(text);
  const sign = denominator.n < 0n ? -1n : 1n;
  return { n: numerator.n * denominator.d * sign, d: numerator.d * denominator.n * sign };
}

function parseDecimal(text: string): Rational {
  const match = DECIMAL.exec(text.trim());
  const [, sign, whole = "", fraction = "", power = "0"] = match ?? [];
  const exponent = Number(power);
  if (!match || whole + fraction === "" || Math.abs(exponent) > MAX_EXPONENT) {
    throw notANumber(text);
  }
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const places = exponent - fraction.length;
  return places >= 0
    ? { n: digits * 10n ** BigInt(places), d: 1n }
    : { n: digits, d: 10n ** BigInt(-places) };
}

function notANumber(text: string): Error {
  return new Error(`${text || "Nothing"} is no number; write one such as -0.75, 1e-30 or 1/3.`);
}

export const add = (a: Rational, b: Rational): Rational => ({
  n: a.n * b.d + b.n * a.d,
  d: a.d * b.d,
});

export const multiply = (a: Rational, b: Rational): Rational => ({ n: a.n * b.n, d: a.d * b.d });

export const negate = ({ n, d }: Rational): Rational => ({ n: -n, d });

/** a / b, for b > 0. */
export const divide = (a: Rational, b: Rational): Rational => ({ n: a.n * b.d, d: a.d * b.n });

/** log2 of a positive number. */
export function log2({ n, d }: Rational): number {
  const [a, b] = [normalized(n), normalized(d)];
  return a.exponent - b.exponent + Math.log2(a.mantissa / b.mantissa);
}

function normalized(n: bigint): { mantissa: number; exponent: number } {
  const exponent = Math.max(0, bitLength(n) - 64);
  return { mantissa: Number(n >> BigInt(exponent)), exponent };
}

/** The nearest integer, halves upwards. */
function rounded({ n, d }: Rational): bigint {
  return floorDivide(2n * n + d, 2n * d);
}

/** In plain decimals, rounded to so many places, without trailing zeros. */
export function toDecimal(value: Rational, places: number): string {
  const negative = value.n < 0n;
  const n = negative ? -value.n : value.n;
  const digits = rounded({ n: n * 10n ** BigInt(places), d: value.d })
    .toString()
    .padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  const text = fraction ? `${whole}.${fraction}` : whole;
  return negative && text !== "0" ? `-${text}` : text;
}

/** 2^exponent as a decimal in scientific notation with `digits` significant digits. */
export function powerOfTwo(exponent: number, digits = 17): string {
  const whole = Math.floor(exponent);
  const mantissa = BigInt(Math.round(2 ** (exponent - whole) * 2 ** 52));
  const binary = whole - 52;
  return toScientific(
    binary >= 0
      ? { n: mantissa << BigInt(binary), d: 1n }
      : { n: mantissa, d: 1n << BigInt(-binary) },
    digits,
  );
}

/** "1.25e-300": as many significant digits as asked for, without trailing zeros. */
export function toScientific(value: Rational, digits: number): string {
  if (value.n === 0n) return "0";
  const negative = value.n < 0n;
  const positive = negative ? negate(value) : value;
  let exponent = Math.floor(log2(positive) * Math.log10(2));
  let mantissa = significand(positive, exponent, digits);
  // The logarithm is rounded: it may be one off next to a power of ten.
  if (mantissa.length > digits) mantissa = significand(positive, ++exponent, digits);
  if (mantissa.length < digits) mantissa = significand(positive, --exponent, digits);
  const fraction = mantissa.slice(1).replace(/0+$/, "");
  return `${negative ? "-" : ""}${mantissa[0]}${fraction && `.${fraction}`}e${exponent}`;
}

function significand({ n, d }: Rational, exponent: number, digits: number): string {
  const places = digits - 1 - exponent;
  const scaled =
    places >= 0 ? { n: n * 10n ** BigInt(places), d } : { n, d: d * 10n ** BigInt(-places) };
  return rounded(scaled).toString();
}
