/** The words the rooms of the viewer share. Nothing here does anything. */

/** Where the camera is, in vizarr's terms. */
export interface ViewState {
  /** log2 of screen pixels per level-0 pixel. */
  readonly zoom: number;
  /** Level-0 pixel at the centre of the screen, x then y. */
  readonly target: readonly [number, number];
}

/** A place and how much of it is seen, exactly: decimals in the image's own coordinates. */
export interface Location {
  /** Real and imaginary part; for an ordinary image, x and y in level-0 pixels. */
  readonly center: readonly [string, string];
  /** Width of the screen. */
  readonly width: string;
}

/** In CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Half-open rectangle. */
export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export type Color = readonly [red: number, green: number, blue: number];
export type Limits = readonly [low: number, high: number];

/** Pixel types a texture can hold, by Viv's names. */
export type PixelType = "Uint8" | "Uint16" | "Uint32" | "Int8" | "Int16" | "Int32" | "Float32";

export type PixelData =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>;

/** One decoded tile: a plane per channel, row-major. */
export interface TilePixels {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly PixelData[];
}

/** One axis of an n-dimensional image. */
export interface Axis {
  readonly name: string;
  readonly type: "space" | "channel" | "time" | "other";
  readonly size: number;
}

/** One resolution of an image; level 0 is the finest. */
export interface Level {
  readonly width: number;
  readonly height: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Level-0 pixels per pixel of this level. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** A channel as the file's own `omero` metadata describes it. */
export interface OmeroChannel {
  readonly label?: string;
  readonly color?: Color;
  readonly limits?: Limits;
  readonly active?: boolean;
}

/** The `"mandelbrot"` attribute: the parameters that define the numbers of a generative store. */
export interface MandelbrotAttribute {
  readonly levels: number;
  readonly tilesize: number;
  readonly maxiter: number | "auto";
  readonly sampling: "center" | "corner";
  /** Exact decimals, or "p/q": re then im. */
  readonly center: readonly [string, string];
  readonly width: string;
  /** The finest level that has chunks: 0, or below it where there is no metadata. */
  readonly floor: number;
}

/** What a source turned out to hold. */
export interface ImageInfo {
  readonly axes: readonly Axis[];
  /** Index into `axes`, or -1 when there is none. */
  readonly channelAxis: number;
  readonly yAxis: number;
  readonly xAxis: number;
  /** Zarr's name for the stored type. */
  readonly dtype: string;
  /** The type in which it is drawn. */
  readonly pixelType: PixelType;
  readonly levels: readonly Level[];
  /** The finest level that can be asked for: levels below 0 go on halving level 0's pixels. */
  readonly floor: number;
  readonly name?: string;
  readonly omero?: readonly OmeroChannel[];
  readonly mandelbrot?: MandelbrotAttribute;
}

/** Which pixels to read: a tile of a level, and an index on every axis that is neither y nor x. */
export interface TileRequest {
  readonly level: number;
  readonly row: bigint;
  readonly column: bigint;
  /** One full index per plane; entries for y and x are ignored. */
  readonly selections: readonly (readonly number[])[];
}
