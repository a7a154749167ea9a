/** Tiles and tables in the memory of the graphics card. */

import type { Device, Texture, TextureFormat } from "@luma.gl/core";
import { type Look, paint } from "./color_table";
import type { PixelData, PixelType, TilePixels } from "./model";

interface Format {
  readonly values: TextureFormat;
  readonly sampler: "usampler2D" | "isampler2D" | "sampler2D";
  /** Tables that are read beside such values: samplers of two types may not share a program. */
  readonly colors: TextureFormat;
  fromBytes(bytes: Uint8Array<ArrayBuffer>): PixelData;
}

const unsigned = {
  sampler: "usampler2D",
  colors: "rgba8uint",
  fromBytes: (bytes: Uint8Array<ArrayBuffer>) => bytes,
} as const;
const signed = {
  sampler: "isampler2D",
  colors: "rgba16sint",
  fromBytes: (bytes: Uint8Array<ArrayBuffer>) => new Int16Array(bytes),
} as const;

const FORMATS: Record<PixelType, Format> = {
  Uint8: { values: "r8uint", ...unsigned },
  Uint16: { values: "r16uint", ...unsigned },
  Uint32: { values: "r32uint", ...unsigned },
  Int8: { values: "r8sint", ...signed },
  Int16: { values: "r16sint", ...signed },
  Int32: { values: "r32sint", ...signed },
  Float32: {
    values: "r32float",
    sampler: "sampler2D",
    colors: "rgba32float",
    fromBytes: (bytes) => new Float32Array(bytes),
  },
};

/** How a shader reads pixels of a type. */
export function samplerOf(type: PixelType): Format["sampler"] {
  return FORMATS[type].sampler;
}

/** WebGL's UNPACK_ALIGNMENT: rows of a texture may have any length. */
const UNPACK_ALIGNMENT = 0x0cf5;

function makeTexture(
  device: Device,
  { width, height }: { width: number; height: number },
  format: TextureFormat,
  data: PixelData,
): Texture {
  device.setParametersWebGL({ [UNPACK_ALIGNMENT]: 1 });
  const texture = device.createTexture({
    width,
    height,
    format,
    sampler: {
      magFilter: "nearest",
      // Whole numbers cannot be filtered; colours are, where texels are smaller than pixels.
      minFilter: format === "rgba8unorm" ? "linear" : "nearest",
      addressModeU: "clamp-to-edge",
      addressModeV: "clamp-to-edge",
    },
  });
  // Given with the others, it would be held as long as the texture.
  texture.copyImageData({ data });
  return texture;
}

/** RGBA bytes in rows of a width, for a shader that reads pixels of a type. */
export function tableTexture(
  device: Device,
  type: PixelType,
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
): Texture {
  const { colors, fromBytes } = FORMATS[type];
  return makeTexture(device, { width, height: bytes.length / 4 / width }, colors, fromBytes(bytes));
}

/** Bytes of textures kept for when their tiles are seen again, those on screen included. */
const MOST_BYTES = 2 ** 26;

interface Kept {
  readonly texture: Texture;
  readonly bytes: number;
  /** What gave it its colours; undefined: it holds the values themselves. */
  readonly look: Look | undefined;
}

/** One texture for each tile: made when it is drawn first, and kept while there is room. */
export class TileTextures {
  readonly #device: Device;
  readonly #type: PixelType;
  /** Those used last come last. */
  readonly #kept = new Map<TilePixels, Kept>();
  #bytes = 0;

  constructor(device: Device, type: PixelType) {
    this.#device = device;
    this.#type = type;
  }

  /** The texture of a tile with its values in it. */
  values(pixels: TilePixels): Texture {
    const known = this.#use(pixels);
    return known?.texture ?? this.#keep(pixels, FORMATS[this.#type].values, planeOf(pixels));
  }

  /** The texture of a tile with its colours in it, which are averaged where it is drawn smaller. */
  painted(pixels: TilePixels, look: Look): Texture {
    const known = this.#use(pixels);
    const texture =
      known?.look === look
        ? known.texture
        : this.#keep(pixels, "rgba8unorm", paint(planeOf(pixels), look), look);
    return texture;
  }

  #use(pixels: TilePixels): Kept | undefined {
    const known = this.#kept.get(pixels);
    if (known) {
      this.#kept.delete(pixels);
      this.#kept.set(pixels, known);
    }
    return known;
  }

  #keep(pixels: TilePixels, format: TextureFormat, data: PixelData, look?: Look): Texture {
    const old = this.#kept.get(pixels);
    old?.texture.destroy();
    const texture = makeTexture(this.#device, pixels, format, data);
    this.#bytes += data.byteLength - (old?.bytes ?? 0);
    this.#kept.set(pixels, { texture, bytes: data.byteLength, look });
    return texture;
  }

  /** Lets go what is too much, those longest unused first, and none of the last `drawn`. */
  trim(drawn: number): void {
    for (const [pixels, { texture, bytes }] of this.#kept) {
      if (this.#bytes <= MOST_BYTES || this.#kept.size <= drawn) return;
      this.#kept.delete(pixels);
      this.#bytes -= bytes;
      texture.destroy();
    }
  }

  destroy(): void {
    for (const { texture } of this.#kept.values()) texture.destroy();
    this.#kept.clear();
    this.#bytes = 0;
  }
}

function planeOf({ planes: [plane] }: TilePixels): PixelData {
  if (!plane) throw new Error("a tile without a plane was to be drawn");
  return plane;
}
