/** One image: what is shown of it, and how. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Channel, initialChannels, sampledLimits, updateChannels } from "./channels";
import { type ColorTable, type Look, rampOf, tableOf } from "./color_table";
import { type Coloring, DEFAULT_COLORING, equalizerOf } from "./coloring";
import type { ImageConfig } from "./config";
import type { Color, ImageInfo, Limits, PixelData, Rect, TilePixels, TileRequest } from "./model";
import { DEFAULT_ESCAPE_TIME } from "./palette";
import type { Progress } from "./progress";
import { imageRect, type TileAddress } from "./pyramid";
import { remember } from "./remember";
import { TileCache } from "./tiles";
import type { OpenedSource } from "./zarr_client";

/** The count that a source with maxiter "auto" gives to the interior. */
const AUTO_MAXITER = 2 ** 22;

/** Seconds in which following limits cover all but 1/e of what is left of their way. */
const FOLLOWING = 0.12;
/** Shares of the span: limits nearer than so much stay, also while tiles are to come … */
const CLOSE = 0.1;
const FAR = 0.5;
/** … and have arrived. */
const ARRIVED = 0.02;

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
  /** Whether the limits follow what is seen: counts grow with depth. */
  readonly fitting: Signal<boolean>;
  /** The limits of every channel that they are moving to; undefined: they rest. */
  readonly goal = signal<readonly (Limits | undefined)[] | undefined>(undefined);
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
  readonly #look = remember((table: ColorTable, from: number, color: Color): Look => {
    return { table, interior: { from, color } };
  });

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
    // Counts without a cap have no limits of their own: the first picture's leave deeper ones flat.
    const isOpen = this.channels.value.every(({ limits }) => limits === undefined);
    this.fitting = signal(isOpen && info.mandelbrot !== undefined);
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
  look(drawn: readonly TilePixels[]): Look {
    const { scaling, density, offset, interior } = this.coloring.value;
    const equalizes = scaling === "histogram";
    const equalizer = equalizes ? this.#equalizer(this.interior, ...drawn) : undefined;
    const limits = this.channels.value[0]?.limits ?? UNKNOWN_LIMITS;
    const ramp = this.#ramp(limits, scaling, this.info.pixelType !== "Float32", equalizer);
    const palette = this.colormap.value ?? DEFAULT_ESCAPE_TIME;
    return this.#look(this.#table(ramp, palette, density, offset), this.interior, interior);
  }

  request(tile: TileAddress): TileRequest {
    const { channelAxis } = this.info;
    const selections = this.channels.value.map(({ index }) =>
      this.selection.value.map((value, axis) => (axis === channelAxis ? index : value)),
    );
    return { ...tile, selections };
  }

  /** Makes the running effect depend on everything that this image's picture shows but its tiles. */
  subscribe(): void {
    this.visible.value;
    this.opacity.value;
    this.channels.value;
    this.colormap.value;
    this.coloring.value;
    this.selection.value;
  }

  setColoring(change: Partial<Coloring>): void {
    this.coloring.value = { ...this.coloring.value, ...change };
  }

  /** Puts the limits of every channel around what the picture holds. */
  fitLimits(): void {
    this.#setLimits(this.#limitsIn(...this.#seen));
  }

  /**
   * Told the tiles of a picture at rest that shows all of the view.
   *
   * @param complete whether they are of the level that is wanted: before, limits that are a little
   *   off are not worth their frames
   */
  see(tiles: readonly TilePixels[], complete: boolean): void {
    this.#seen = tiles;
    if (!this.fitting.peek()) return;
    const limits = this.#limitsIn(...tiles);
    if (limits === this.goal.peek()) return;
    const differ = this.channels
      .peek()
      .some(({ limits: shown }, i) => isOff(shown, limits[i], complete));
    this.goal.value = differ ? limits : undefined;
  }

  /** Moves limits that follow the picture on by so many seconds. */
  follow(seconds: number): void {
    const goal = this.goal.peek();
    if (!goal || !this.fitting.peek()) {
      this.goal.value = undefined;
      return;
    }
    const share = 1 - Math.exp(-seconds / FOLLOWING);
    const limits = this.channels.peek().map(({ limits: from }, i) => {
      const to = goal[i];
      return from && to ? nearer(from, to, share) : to;
    });
    const arrived = limits.every((limits, i) => limits === goal[i]);
    batch(() => {
      this.#setLimits(limits);
      if (arrived) this.goal.value = undefined;
    });
  }

  #setLimits(limits: readonly (Limits | undefined)[]): void {
    const channels = this.channels.peek();
    if (channels.every((channel, i) => (limits[i] ?? channel.limits) === channel.limits)) return;
    this.channels.value = channels.map((channel, i) => ({
      ...channel,
      limits: limits[i] ?? channel.limits,
    }));
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

/** Whether limits are to move: for as little as can be seen, or for much only. */
function isOff(shown: Limits | undefined, wanted: Limits | undefined, complete: boolean): boolean {
  if (!wanted) return false;
  return !shown || distance(shown, wanted) > (complete ? CLOSE : FAR);
}

/** The larger of both limits' distances, as a share of the wanted span. */
function distance([low, high]: Limits, [from, to]: Limits): number {
  return Math.max(Math.abs(low - from), Math.abs(high - to)) / Math.max(to - from, 1e-9);
}

function nearer(from: Limits, to: Limits, share: number): Limits {
  const moved = [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])] as const;
  return distance(moved, to) < ARRIVED ? to : moved;
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
