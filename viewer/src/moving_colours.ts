import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { Image } from "./image";
import { paletteOf } from "./palette";
import type { Viewer } from "./state";

/** Whether the person asks their system for less motion, which they may at any time. */
export const reducedMotion: ReadonlySignal<boolean> = follow("(prefers-reduced-motion: reduce)");

function follow(media: string): ReadonlySignal<boolean> {
  const query = globalThis.matchMedia?.(media);
  const matches = signal(query?.matches ?? false);
  query?.addEventListener("change", (event) => {
    matches.value = event.matches;
  });
  return matches;
}

/** Seconds that one frame may stand for: after a pause the colours go on, and do not jump. */
const LONGEST_FRAME = 0.1;

/**
 * Moves the colours of the images that cycle, unless the person wants less motion, and limits that
 * follow the picture: a step per frame.
 *
 * @returns a function that ends it
 */
export function runColours(viewer: Viewer): () => void {
  let frame = 0;
  let last = 0;

  function step(now: number): void {
    const seconds = Math.min((now - last) / 1000, LONGEST_FRAME);
    last = now;
    const images = viewer.images.peek();
    const cycling = images.filter(cycles);
    for (const image of cycling) advance(image, seconds);
    const following = images.filter(({ goal }) => goal.peek());
    for (const image of following) {
      image.follow(reducedMotion.peek() ? Number.POSITIVE_INFINITY : seconds);
    }
    frame = cycling.length + following.length > 0 ? requestAnimationFrame(step) : 0;
  }

  const stop = effect(() => {
    const wanted = viewer.images.value.filter((image) => {
      image.coloring.value;
      return image.goal.value !== undefined || cycles(image);
    });
    if (wanted.length === 0 || frame !== 0) return;
    last = performance.now();
    frame = requestAnimationFrame(step);
  });
  return () => {
    stop();
    cancelAnimationFrame(frame);
  };
}

function cycles(image: Image): boolean {
  return image.coloring.peek().cycling !== 0 && !reducedMotion.value;
}

function advance(image: Image, seconds: number): void {
  const { offset, cycling } = image.coloring.peek();
  const period = offsetPeriod(image.colormap.peek());
  image.setColoring({ offset: (((offset + seconds * cycling) % period) + period) % period });
}

/** After how much of a shift a palette looks as before. */
export function offsetPeriod(colormap: string | undefined): number {
  return colormap !== undefined && paletteOf(colormap).cyclic ? 1 : 2;
}
