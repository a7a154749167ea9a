/** Where the camera has been: undo and redo of places. */

import { computed, effect, signal } from "@preact/signals";
import { type Camera, sameCamera } from "./frames";
import type { Viewer } from "./state";

/** Places kept. */
const MOST = 200;
/** Milliseconds at rest that make a place one to come back to. */
const REST = 700;

export class Places {
  readonly #places = signal<readonly Camera[]>([]);
  /** Which of them we are at, or have just left. */
  readonly #at = signal(-1);
  readonly #viewer: Viewer;

  readonly canUndo = computed(() => this.#at.value > 0);
  readonly canRedo = computed(() => this.#at.value < this.#places.value.length - 1);

  constructor(viewer: Viewer, rest = REST) {
    this.#viewer = viewer;
    let timer: ReturnType<typeof setTimeout> | undefined;
    effect(() => {
      viewer.camera.value;
      clearTimeout(timer);
      timer = setTimeout(() => {
        // Frames may be far apart on a slow machine: a place passed by is none.
        if (!viewer.motion.underWay) this.#remember();
      }, rest);
    });
  }

  undo(): void {
    this.#remember();
    this.#goTo(this.#at.peek() - 1);
  }

  redo(): void {
    this.#goTo(this.#at.peek() + 1);
  }

  #goTo(index: number): void {
    const place = this.#places.peek()[index];
    if (!place) return;
    this.#at.value = index;
    void this.#viewer.motion.goTo(place);
  }

  #remember(): void {
    const camera = this.#viewer.camera.peek();
    const current = this.#places.peek()[this.#at.peek()];
    if (!camera || (current && sameCamera(camera, current))) return;
    const before = this.#places.peek().slice(0, this.#at.peek() + 1);
    this.#places.value = [...before, camera].slice(-MOST);
    this.#at.value = this.#places.peek().length - 1;
  }
}
