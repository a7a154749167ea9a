/** One image: what is shown of it, and how. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Channel, initialChannels, sampledLimits, updateChannels } from "./channels";
import { type ColorTable, rampOf, tableOf } from "./color_table";
import { type Coloring, DEFAULT_COLORING, equalizerOf } from "./coloring";
import type { ImageConfig } from "./config";
import type { ImageInfo, Limits, PixelData, Rect, TilePixels, TileRequest } from "./model";
import { DEFAULT_ESCAPE_TIME } from "./palette";
import type { Progress } from "./progress";
import { imageRect, type TileAddress } from "./pyramid";
import { remember } from "./remember";
import { TileCache } from "./tiles";
import type { OpenedSource } from "./zarr_client";

/** The count that a source with maxiter "auto" gives to the interior. */
const AUTO_MAXITER = 2 ** 22;

/** Until the first tile is here, there is nothing to take limits from. */
const UNKNOWN_LIMITS: Limits = [0, 1];

/** An image once its source has been opened, with everything about it that can change. */
export class Image {
  readonly id: string;
  readonly info: ImageInfo;
  readonly modelMatrix: readonly number[] | undefined;
  readonly name: Signal<string>;
  readonly visible = signal(true);
  readonly opacity: Signal<number>;
  readonly channels: Signal<readonly Channel[]>;
  /** Undefined: channels are mixed by their colours. */
  readonly colormap: Signal<string | undefined>;
  readonly coloring: Signal<Coloring>;
  /** The index shown on every axis; those of y, x and the channels are unused. */
  readonly selection: Signal<readonly number[]>;
  readonly tiles: TileCache;
  /** Counts up whenever tiles came, went or failed. */
  readonly tilesChanged = signal(0);
  /** How far the longest computation is that its tiles wait for; undefined: none is long. */
  readonly progress: ReadonlySignal<Progress | undefined>;
  readonly #source: OpenedSource;
  /** Whether the limits are fitted to each picture anew. */
  readonly fitting = signal(false);
  #seen: readonly TilePixels[] = [];
  readonly #limitsIn = remember((...tiles: readonly TilePixels[]) =>
    this.channels.peek().map((_, i) => {
      const planes = tiles.flatMap(({ planes }) => planes[i] ?? []);
      return sampledLimits(planes, this.interior);
    }),
  );
  readonly #equalizer = remember((interior: number, ...tiles: readonly TilePixels[]) =>
    equalizerOf(tiles, interior),
  );
  readonly #ramp = remember(rampOf);
  readonly #table = remember(tableOf);

  constructor(
    id: string,
    source: OpenedSource,
    config: ImageConfig,
    progress: ReadonlySignal<Progress | undefined>,
  ) {
    const { info } = source;
    this.id = id;
    this.info = info;
    this.progress = progress;
    this.#source = source;
    this.modelMatrix = config.modelMatrix;
    this.name = signal(config.name ?? info.name ?? "image");
    this.opacity = signal(config.opacity ?? 1);
    this.channels = signal(initialChannels(info, config));
    const colored = config.colors !== undefined || this.channels.value.length > 1;
    const escapeTime = info.mandelbrot && !colored ? DEFAULT_ESCAPE_TIME : undefined;
    this.colormap = signal(config.colormap ?? escapeTime);
    const scaling = info.mandelbrot ? "logarithmic" : "linear";
    this.coloring = signal({ ...DEFAULT_COLORING, scaling });
    this.selection = signal(info.axes.map((axis) => middleOf(axis.type, axis.size)));
    this.tiles = new TileCache(source.loadTile, () => this.#onTiles());
  }

  /** The value that marks the interior of the set, where the source has one. */
  get interior(): number {
    const maxiter = this.info.mandelbrot?.maxiter ?? Number.POSITIVE_INFINITY;
    return maxiter === "auto" ? AUTO_MAXITER : maxiter;
  }

  /** Whether channels are mixed by their colours; else there is one, seen through a palette. */
  get isMixed(): boolean {
    return this.colormap.value === undefined || this.channels.value.length !== 1;
  }

  /** The colours for a picture of these tiles; the same object while nothing about it changes. */
  colorTable(drawn: readonly TilePixels[]): ColorTable {
    const { scaling, density, offset } = this.coloring.value;
    const equalizes = scaling === "histogram";
    const equalizer = equalizes ? this.#equalizer(this.interior, ...drawn) : undefined;
    const limits = this.channels.value[0]?.limits ?? UNKNOWN_LIMITS;
    const ramp = this.#ramp(limits, scaling, this.info.pixelType !== "Float32", equalizer);
    return this.#table(ramp, this.colormap.value ?? DEFAULT_ESCAPE_TIME, density, offset);
  }

  request(tile: TileAddress): TileRequest {
    const { channelAxis } = this.info;
    const selections = this.channels.value.map(({ index }) =>
      this.selection.value.map((value, axis) => (axis === channelAxis ? index : value)),
    );
    return { ...tile, selections };
  }

  /** Makes the running effect depend on everything that the picture of this image shows. */
  subscribe(): void {
    this.visible.value;
    this.opacity.value;
    this.channels.value;
    this.colormap.value;
    this.coloring.value;
    this.selection.value;
    this.tilesChanged.value;
  }

  setColoring(change: Partial<Coloring>): void {
    this.coloring.value = { ...this.coloring.value, ...change };
  }

  /** Puts the limits of every channel around what the picture holds. */
  fitLimits(): void {
    const limits = this.#limitsIn(...this.#seen);
    const changes = this.channels
      .peek()
      .some((channel, i) => (limits[i] ?? channel.limits) !== channel.limits);
    if (!changes) return;
    this.channels.value = this.channels.value.map((channel, i) => ({
      ...channel,
      limits: limits[i] ?? channel.limits,
    }));
  }

  /** Told the tiles of a picture that is whole. */
  see(tiles: readonly TilePixels[]): void {
    this.#seen = tiles;
    if (this.fitting.peek()) this.fitLimits();
  }

  setChannel(index: number, change: Partial<Channel>): void {
    if (change.limits) this.fitting.value = false;
    this.channels.value = this.channels.value.map((channel, i) =>
      i === index ? { ...channel, ...change } : channel,
    );
  }

  update(change: Omit<ImageConfig, "source">): void {
    batch(() => {
      if (change.name !== undefined) this.name.value = change.name;
      if (change.opacity !== undefined) this.opacity.value = change.opacity;
      if (change.limits) this.fitting.value = false;
      if (change.colormap !== undefined) this.colormap.value = change.colormap;
      this.channels.value = updateChannels(this.channels.value, change);
    });
  }

  close(): void {
    this.tiles.clear();
    this.#source.close();
  }

  #onTiles(): void {
    batch(() => {
      if (this.channels.value.some(({ limits }) => !limits)) {
        this.#chooseLimits();
      }
      this.tilesChanged.value++;
    });
  }

  /** Limits that nobody gave are taken from the first tiles that arrive. */
  #chooseLimits(): void {
    const seen = this.tiles.loaded();
    if (seen.length === 0) return;
    this.channels.value = this.channels.value.map((channel, i) => {
      if (channel.limits) return channel;
      const planes = seen.map(({ planes }) => planes[i]).filter((p): p is PixelData => !!p);
      return { ...channel, limits: sampledLimits(planes, this.interior) ?? channel.limits };
    });
  }
}

function middleOf(type: string, size: number): number {
  return type === "space" ? Math.floor(size / 2) : 0;
}

/** Where the whole of an image lies, its model matrix applied. */
export function imageBounds({ info, modelMatrix }: Image): Rect {
  const rect = imageRect(info);
  return modelMatrix ? transformRect(modelMatrix, rect) : rect;
}

/** The bounding box of a rectangle under the x and y part of a row-major 4×4 matrix. */
export function transformRect(m: readonly number[], rect: Rect): Rect {
  const [a = 1, b = 0, , e = 0, c = 0, d = 1, , f = 0] = m;
  const corners = [rect.left, rect.right].flatMap((x) =>
    [rect.top, rect.bottom].map((y) => [a * x + b * y + e, c * x + d * y + f] as const),
  );
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  return {
    left: Math.min(...xs),
    right: Math.max(...xs),
    top: Math.min(...ys),
    bottom: Math.max(...ys),
  };
}
