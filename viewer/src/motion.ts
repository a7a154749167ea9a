/** How the camera moves: everything that takes time, one thing at a time. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { type Camera, panned, zoomed } from "./frames";
import { journey } from "./journey";
import type { Viewer } from "./state";

/** Screen pixels right of and below the middle of the screen. */
export type Offset = readonly [dx: number, dy: number];

/** Milliseconds in which a smooth movement covers all but 1/e of what is left. */
const ZOOM_EASE = 45;
/** Levels: what is left at the end of a smooth zoom is less than a pixel or two at the border. */
const ZOOM_REST = 4e-3;
const GLIDE_EASE = 160;
/** Levels a second. */
const FLIGHT_SPEED = 1.5;
/** A journey's milliseconds: for each unit of its length, and at least and at most. */
const JOURNEY = { perUnit: 260, shortest: 250, longest: 7000 };

/** Moves on by so many milliseconds, and says whether there is more to come. */
type Step = (elapsed: number) => boolean;

export class Motion {
  /** The direction of flight: 1 in, -1 out, 0 none. */
  readonly flying: ReadonlySignal<number>;
  readonly #flying = signal(0);
  readonly #viewer: Viewer;
  #done: (() => void) | undefined;
  #frame = 0;
  #last = 0;
  #zoomGoal: { zoom: number; at: Offset } | undefined;
  #goal: Camera | undefined;

  constructor(viewer: Viewer) {
    this.#viewer = viewer;
    this.flying = this.#flying;
  }

  /** Whether the camera moves by itself. */
  get underWay(): boolean {
    return this.#frame !== 0;
  }

  /** Where the camera will come to rest, as far as that is known while it moves. */
  get goal(): Camera | undefined {
    return this.#goal;
  }

  /** Ends whatever is under way, where it is. */
  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#zoomGoal = undefined;
    this.#goal = undefined;
    this.#flying.value = 0;
    this.#done?.();
    this.#done = undefined;
  }

  /** Moves the picture by screen pixels, at once. */
  pan(dx: number, dy: number): void {
    this.stop();
    this.#move((camera) => panned(camera, -dx, -dy));
  }

  /** Zooms by so many levels, at once; what is seen at an offset stays there. */
  zoom(levels: number, at: Offset = [0, 0]): void {
    this.stop();
    this.#move((camera) => zoomed(camera, this.#limited(camera.zoom + levels), at));
  }

  /** Zooms smoothly; further calls add to what is still to come. */
  ease(levels: number, at: Offset = [0, 0]): void {
    const camera = this.#viewer.camera.value;
    if (!camera) return;
    if (prefersStillness()) {
      this.zoom(levels, at);
      return;
    }
    const goal = { zoom: this.#limited((this.#zoomGoal?.zoom ?? camera.zoom) + levels), at };
    this.stop();
    this.#zoomGoal = goal;
    this.#goal = zoomed(camera, goal.zoom, at);
    this.#run((elapsed) => {
      const { zoom } = this.#viewer.camera.value ?? camera;
      const next = zoom + (goal.zoom - zoom) * (1 - Math.exp(-elapsed / ZOOM_EASE));
      const done = Math.abs(goal.zoom - next) < ZOOM_REST;
      this.#move((now) => zoomed(now, done ? goal.zoom : next, at));
      return !done;
    });
  }

  /** Lets the picture run on with a speed in screen pixels per millisecond, slower and slower. */
  glide(vx: number, vy: number): void {
    this.stop();
    if (prefersStillness()) return;
    let [x, y] = [vx, vy];
    this.#run((elapsed) => {
      const decay = Math.exp(-elapsed / GLIDE_EASE);
      const reach = GLIDE_EASE * (1 - decay);
      const [dx, dy] = [x * reach, y * reach];
      this.#move((camera) => panned(camera, -dx, -dy));
      [x, y] = [x * decay, y * decay];
      return Math.hypot(x, y) > 0.01;
    });
  }

  /** Travels to another camera; resolves when it is there, or was stopped on the way. */
  goTo(goal: Camera): Promise<void> {
    this.stop();
    const from = this.#viewer.camera.value;
    const size = this.#viewer.size.value;
    if (!from || size.width === 0 || prefersStillness()) {
      this.#viewer.camera.value = goal;
      return Promise.resolve();
    }
    const { length, at } = journey(from, goal, size);
    const { perUnit, shortest, longest } = JOURNEY;
    const duration = Math.min(longest, Math.max(shortest, length * perUnit));
    this.#goal = goal;
    let time = 0;
    return new Promise((resolve) => {
      this.#run((elapsed) => {
        time = Math.min(duration, time + elapsed);
        this.#viewer.camera.value = at(smooth(time / duration));
        return time < duration;
      }, resolve);
    });
  }

  /** Shows all of the first image. */
  home(): Promise<void> {
    const whole = this.#viewer.wholeImage;
    return whole ? this.goTo(whole) : Promise.resolve();
  }

  /** Flies in (1) or out (-1) towards the pointer, until stopped or at the end. */
  fly(direction: 1 | -1): void {
    this.stop();
    this.#flying.value = direction;
    this.#run((elapsed) => {
      const before = this.#viewer.camera.value?.zoom;
      const levels = (direction * FLIGHT_SPEED * elapsed) / 1000;
      const at = this.#viewer.pointer.value ?? [0, 0];
      this.#move((camera) => zoomed(camera, this.#limited(camera.zoom + levels), at));
      return before !== this.#viewer.camera.value?.zoom || elapsed === 0;
    });
  }

  #move(change: (camera: Camera) => Camera): void {
    const { camera } = this.#viewer;
    if (camera.value) camera.value = change(camera.value);
  }

  #limited(zoom: number): number {
    const [least, most] = this.#viewer.zoomLimits;
    return Math.min(most, Math.max(least, zoom));
  }

  #run(step: Step, done?: () => void): void {
    this.#done = done;
    this.#last = performance.now();
    const tick = (now: number) => {
      const elapsed = Math.max(0, now - this.#last);
      this.#last = now;
      if (step(elapsed)) this.#frame = requestAnimationFrame(tick);
      else this.stop();
    };
    this.#frame = requestAnimationFrame(tick);
  }
}

/** Slow at both ends. */
function smooth(part: number): number {
  return part * part * (3 - 2 * part);
}

/** Whether the person has asked their system for less motion. */
function prefersStillness(): boolean {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}
