import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Bookmark } from "./bookmarks";
import { type Channel, initialChannels, sampledLimits, updateChannels } from "./channels";
import { type Coloring, DEFAULT_COLORING, type Equalizer, equalizerOf } from "./coloring";
import { type ImageConfig, parseAppearance, parseConfig } from "./config";
import { type Camera, type Point, pointAt, toViewState } from "./frames";
import type { ImageInfo, Location, PixelData, Rect, TilePixels, TileRequest } from "./model";
import { Motion } from "./motion";
import { DEFAULT_ESCAPE_TIME } from "./palette";
import { Places } from "./places";
import { cameraOf, locationOf, type Plane, planeOf } from "./plane";
import { type Progress, ProgressClock } from "./progress";
import { fitView, imageRect, type Size, type TileAddress } from "./pyramid";
import { type FailedTile, TileCache } from "./tiles";
import { type OpenedSource, openSource } from "./zarr_client";

/** The count that a source with maxiter "auto" gives to the interior. */
const AUTO_MAXITER = 2 ** 22;

/** How far in one may zoom: screen pixels per pixel of the finest level, as a power of two. */
const MAX_ZOOM = 6;
/** How far out: the whole image this many halvings smaller than it fits. */
const ZOOM_OUT = 3;

/** A sentence for the person, and what to do about it. */
export interface Problem {
  readonly id: string;
  readonly text: string;
  readonly retry?: () => void;
}

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
  #equalized: { tiles: readonly TilePixels[]; equalizer: Equalizer | undefined } = {
    tiles: [],
    equalizer: undefined,
  };

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

  /** The equalizer for a picture of these tiles; the same object while they are the same. */
  equalizer(drawn: readonly TilePixels[]): Equalizer | undefined {
    if (this.coloring.value.scaling !== "histogram") return undefined;
    const { tiles } = this.#equalized;
    if (tiles.length !== drawn.length || tiles.some((tile, i) => tile !== drawn[i])) {
      this.#equalized = { tiles: drawn, equalizer: equalizerOf(drawn, this.interior) };
    }
    return this.#equalized.equalizer;
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

  /** Puts the limits of every channel around what the loaded tiles hold. */
  fitLimits(): void {
    this.#chooseLimits(() => true);
  }

  setChannel(index: number, change: Partial<Channel>): void {
    this.channels.value = this.channels.value.map((channel, i) =>
      i === index ? { ...channel, ...change } : channel,
    );
  }

  update(change: Omit<ImageConfig, "source">): void {
    batch(() => {
      if (change.name !== undefined) this.name.value = change.name;
      if (change.opacity !== undefined) this.opacity.value = change.opacity;
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
        this.#chooseLimits(({ limits }) => !limits);
      }
      this.tilesChanged.value++;
    });
  }

  /** Limits that nobody gave are taken from the first tiles that arrive. */
  #chooseLimits(isMissing: (channel: Channel) => boolean): void {
    const seen = this.tiles.loaded();
    if (seen.length === 0) return;
    this.channels.value = this.channels.value.map((channel, i) => {
      if (!isMissing(channel)) return channel;
      const planes = seen.map(({ planes }) => planes[i]).filter((p): p is PixelData => !!p);
      return { ...channel, limits: sampledLimits(planes, this.interior) ?? channel.limits };
    });
  }
}

function middleOf(type: string, size: number): number {
  return type === "space" ? Math.floor(size / 2) : 0;
}

/** Everything on the page, as signals; the picture and the controls follow from it. */
export class Viewer {
  readonly images = signal<readonly Image[]>([]);
  readonly problems = signal<readonly Problem[]>([]);
  /** Sources being opened. */
  readonly opening = signal(0);
  /** Exactly where we look; undefined until an image or a caller says where. */
  readonly camera = signal<Camera | undefined>(undefined);
  readonly size = signal<Size>({ width: 0, height: 0 });
  /** Where the pointer is, in screen pixels right of and below the middle of the screen. */
  readonly pointer = signal<readonly [number, number] | undefined>(undefined);
  /**
   * What was drawn last: how many tiles, whether they were all that the view wants, and at which
   * level of the first image.
   */
  readonly painted = signal({ tiles: 0, complete: false, level: 0 });

  /** The camera in vizarr's terms. */
  readonly view = computed(() => this.camera.value && toViewState(this.camera.value));

  /** The coordinates in which places are told: those of the first image. */
  readonly plane = computed<Plane | undefined>(() => {
    const [image] = this.images.value;
    return image && planeOf(image.info);
  });

  /** Where we look, in the first image's coordinates. */
  readonly location = computed<Location | undefined>(() => {
    const [camera, plane, size] = [this.camera.value, this.plane.value, this.size.value];
    return camera && plane && size.width > 0 ? locationOf(plane, camera, size) : undefined;
  });

  /** What is under the pointer, else in the middle of the screen. */
  readonly cursor = computed<Point | undefined>(() => {
    const [camera, [dx, dy]] = [this.camera.value, this.pointer.value ?? [0, 0]];
    return camera && pointAt(camera, dx, dy);
  });

  readonly failures = computed(() =>
    this.images.value.flatMap((image) => {
      image.tilesChanged.value;
      return image.tiles.failures.map((failure) => ({ image, failure }));
    }),
  );

  readonly pending = computed(() =>
    this.images.value.reduce((sum, image) => {
      image.tilesChanged.value;
      return sum + image.tiles.pending;
    }, 0),
  );

  /** A short sentence about what was just done; it goes away by itself. */
  readonly notice = signal("");
  /** The places that the person keeps. */
  readonly bookmarks = signal<readonly Bookmark[]>([]);
  /** Copies what is on screen, at most as large as a limit; undefined until there is a canvas. */
  copyCanvas: ((limit?: Size) => HTMLCanvasElement) | undefined;

  readonly motion = new Motion(this);
  readonly places = new Places(this);

  #lastId = 0;
  /** Where to look as soon as there is an image whose coordinates can say where that is. */
  #awaited: Location | undefined;

  /** Opens the source of an image config and shows it; resolves to the image's id. */
  async addImage(config: unknown): Promise<string> {
    const id = `image-${++this.#lastId}`;
    try {
      await this.#open(id, parseConfig(config));
      return id;
    } catch (error) {
      const name = (config as { name?: unknown } | undefined)?.name;
      this.report({
        id,
        text: `${typeof name === "string" ? name : "The image"} could not be opened. ${sentence(error)}`,
        retry: () => {
          this.dismiss(id);
          void this.addImage(config).catch(() => undefined);
        },
      });
      throw error;
    }
  }

  removeImage(id: string): void {
    const image = this.#find(id);
    this.images.value = this.images.value.filter((other) => other !== image);
    image.close();
  }

  updateImage(id: string, change: unknown): void {
    const image = this.#find(id);
    image.update(parseAppearance(change as Record<string, unknown>));
  }

  dismiss(id: string): void {
    this.problems.value = this.problems.value.filter((problem) => problem.id !== id);
  }

  report(problem: Problem): void {
    this.dismiss(problem.id);
    this.problems.value = [...this.problems.value, problem];
  }

  /** The camera that sees all of the first image. */
  get wholeImage(): Camera | undefined {
    const [image] = this.images.value;
    if (!image || this.size.value.width === 0) return undefined;
    return fitView(imageBounds(image), this.size.value);
  }

  /** How far out and in a person may zoom. */
  get zoomLimits(): readonly [least: number, most: number] {
    const floor = Math.min(0, ...this.images.value.map(({ info }) => info.floor));
    return [(this.wholeImage?.zoom ?? 0) - ZOOM_OUT, MAX_ZOOM - floor];
  }

  /** Shows all of the first image. */
  home(): void {
    const whole = this.wholeImage;
    if (whole) this.camera.value = whole;
  }

  /**
   * The camera that sees a location in the first image's coordinates.
   *
   * @throws Error naming what is no number
   */
  cameraAt(location: Location): Camera | undefined {
    const [plane, size] = [this.plane.value, this.size.value];
    return plane && size.width > 0 ? cameraOf(plane, location, size) : undefined;
  }

  /** Looks at a location, as soon as there is an image. */
  look(location: Location): void {
    const camera = this.cameraAt(location);
    this.#awaited = camera ? undefined : location;
    if (camera) this.camera.value = camera;
  }

  /** Called when the canvas has another size. */
  resize(size: Size): void {
    batch(() => {
      this.size.value = size;
      this.#lookFirst();
    });
  }

  #lookFirst(): void {
    if (this.#awaited) this.look(this.#awaited);
    else if (!this.camera.value) this.home();
  }

  async #open(id: string, config: ImageConfig): Promise<void> {
    this.opening.value++;
    try {
      const clock = new ProgressClock();
      const progress = signal<Progress | undefined>(undefined);
      const options = {
        ...(config.axisLabels && { axisLabels: config.axisLabels }),
        ...(config.channelAxis !== undefined && { channelAxis: config.channelAxis }),
      };
      const source = await openSource(config.source, options, (reports) => {
        progress.value = clock.read(reports, performance.now());
      });
      const image = new Image(id, source, config, progress);
      batch(() => {
        this.images.value = [...this.images.value, image];
        this.#lookFirst();
      });
    } finally {
      this.opening.value--;
    }
  }

  #find(id: string): Image {
    const image = this.images.value.find((candidate) => candidate.id === id);
    if (image) return image;
    const ids = this.images.value.map((candidate) => candidate.id).join(", ");
    throw new Error(`There is no image ${id}; the viewer shows ${ids || "none"}.`);
  }
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

/** What a thrown thing says, without the class names and traceback that RPC puts around it. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lastLine = text.trim().split("\n").at(-1) ?? "";
  return lastLine.replace(/^(?:[\w.]*(?:Error|Exception): )+/, "");
}

export type { FailedTile };
