import type { PixelData, PixelType } from "../model";

const TEXTURE_TYPES: Record<string, PixelType> = {
  bool: "Uint8",
  uint8: "Uint8",
  uint16: "Uint16",
  uint32: "Uint32",
  int8: "Int8",
  int16: "Int16",
  int32: "Int32",
  // A texture has no 64-bit numbers; 24 bits of mantissa are enough to look at.
  uint64: "Float32",
  int64: "Float32",
  float16: "Float32",
  float32: "Float32",
  float64: "Float32",
};

/** The pixel type in which a Zarr data type is drawn, or undefined when it is not a number. */
export function textureType(dtype: string): PixelType | undefined {
  return TEXTURE_TYPES[dtype];
}

const CONSTRUCTORS = {
  Uint8: Uint8Array,
  Uint16: Uint16Array,
  Uint32: Uint32Array,
  Int8: Int8Array,
  Int16: Int16Array,
  Int32: Int32Array,
  Float32: Float32Array,
} as const;

/** Decoded values before conversion: any of zarrita's typed arrays. */
export type Values = ArrayLike<unknown> & Iterable<unknown>;

/** Whatever zarrita decoded, as the typed array of `type`; the same memory where it already is. */
export function toPixels(data: Values, type: PixelType): PixelData {
  const Pixels = CONSTRUCTORS[type];
  if (data instanceof Pixels && data.buffer instanceof ArrayBuffer) return data as PixelData;
  const pixels = new Pixels(data.length);
  let i = 0;
  for (const value of data) pixels[i++] = Number(value);
  return pixels;
}
