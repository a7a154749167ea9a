import { batch, computed, signal } from "@preact/signals";
import type { Bookmark } from "./bookmarks";
import { type ImageConfig, parseAppearance, parseConfig } from "./config";
import { type Camera, type Point, pointAt, toViewState } from "./frames";
import { Image, imageBounds } from "./image";
import type { Location } from "./model";
import { Motion } from "./motion";
import { Places } from "./places";
import { cameraOf, locationOf, type Plane, planeOf } from "./plane";
import { type Progress, ProgressClock } from "./progress";
import { fitView, type Size } from "./pyramid";
import { throttled } from "./throttled";
import type { FailedTile } from "./tiles";
import { openSource } from "./zarr_client";

/** How far in one may zoom: screen pixels per pixel of the finest level, as a power of two. */
const MAX_ZOOM = 6;
/** Milliseconds from one reading of the coordinates to the next. */
const READOUT = 100;
/** How far out: the whole image this many halvings smaller than it fits. */
const ZOOM_OUT = 3;

/** A sentence for the person, and what to do about it. */
export interface Problem {
  readonly id: string;
  readonly text: string;
  readonly retry?: () => void;
}

/** What was drawn. */
export interface Painted {
  readonly tiles: number;
  /** Whether the tiles were all that the view wants. */
  readonly complete: boolean;
  /** The level in which the first image was wanted. */
  readonly level: number;
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
  /** What was drawn last. */
  readonly painted = signal<Painted>({ tiles: 0, complete: false, level: 0 });

  /** The camera in vizarr's terms. */
  readonly view = computed(() => this.camera.value && toViewState(this.camera.value));

  /** The coordinates in which places are told: those of the first image. */
  readonly plane = computed<Plane | undefined>(() => {
    const [image] = this.images.value;
    return image && planeOf(image.info);
  });

  /** Where we look, in the first image's coordinates. */
  readonly location = computed(() => this.#locationOf(this.camera.value));

  /** Camera and pointer as they are told to the person: not in every frame of a movement. */
  readonly readout = throttled(
    computed(() => ({ camera: this.camera.value, pointer: this.pointer.value })),
    READOUT,
  );
  readonly toldLocation = computed(() => this.#locationOf(this.readout.value.camera));
  /** What is under the pointer, else in the middle of the screen. */
  readonly cursor = computed<Point | undefined>(() => {
    const { camera, pointer } = this.readout.value;
    return camera && pointAt(camera, ...(pointer ?? [0, 0]));
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

  #locationOf(camera: Camera | undefined): Location | undefined {
    const [plane, size] = [this.plane.value, this.size.value];
    return camera && plane && size.width > 0 ? locationOf(plane, camera, size) : undefined;
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

/** What a thrown thing says, without the class names and traceback that RPC puts around it. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lastLine = text.trim().split("\n").at(-1) ?? "";
  return lastLine.replace(/^(?:[\w.]*(?:Error|Exception): )+/, "");
}

export type { FailedTile };
