/** Fixed-point numbers: a BigInt n and a number of bits stand for n / 2^bits. */

const word = new DataView(new ArrayBuffer(8));

/** A finite float64 as mantissa · 2^exponent, exactly. */
function decompose(value: number): [mantissa: bigint, exponent: number] {
  word.setFloat64(0, value);
  const bits = word.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & (2n ** 52n - 1n);
  const magnitude = biased === 0 ? fraction : fraction | (1n << 52n);
  return [value < 0 ? -magnitude : magnitude, Math.max(biased, 1) - 1075];
}

/** n · 2^by, to the nearest integer. */
export function shift(n: bigint, by: number): bigint {
  if (by >= 0) return n << BigInt(by);
  const places = BigInt(-by);
  return (n + (1n << (places - 1n))) >> places;
}

/** The fixed-point number nearest to a finite float64. */
export function toFixed(value: number, bits: number): bigint {
  const [mantissa, exponent] = decompose(value);
  return shift(mantissa, exponent + bits);
}

/** value · 2^exponent, also where 2^exponent alone is no float64. */
export function scale(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

/** n / 2^bits as a float64: right to within 2^-52 of itself. */
export function fromFixed(n: bigint, bits: number): number {
  if (BigInt.asIntN(64, n) === n) return scale(Number(n), -bits);
  const excess = Math.max(0, bitLength(n) - 64);
  return scale(Number(n >> BigInt(excess)), excess - bits);
}

/** How many binary digits |n| has. */
export function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const digits = (n < 0n ? -n : n).toString(16);
  return digits.length * 4 - Math.clz32(Number.parseInt(digits[0] ?? "0", 16)) + 28;
}

/** The integer at or below n / d, for d > 0. */
export function floorDivide(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

/** The integer at or above n / d, for d > 0. */
export function ceilDivide(n: bigint, d: bigint): bigint {
  return -floorDivide(-n, d);
}
