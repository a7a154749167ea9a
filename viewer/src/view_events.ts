import { effect, untracked } from "@preact/signals";
import { type Camera, sameCamera } from "./frames";
import type { Location, ViewState } from "./model";
import type { Viewer } from "./state";

/** What is told of a view: vizarr's view state, and exactly where that is. */
export type ExactView = ViewState &
  Partial<Location> & {
    /** The whole image, which this page has opened with: nobody led it there. */
    fitted?: true;
  };

type Listener = (view: ExactView) => Promise<unknown>;

export interface ViewEvents {
  listen(listener: Listener): void;
  /** Does what a listener asked for; where that leads is not told back. */
  adopt(move: () => void): void;
}

/** How long the camera rests before listeners are told, in milliseconds. */
const QUIET = 100;

/** The view as the protocol has it. */
export function exactView(viewer: Viewer): ExactView | null {
  const view = viewer.view.peek();
  return view ? { ...view, ...viewer.location.peek() } : null;
}

/**
 * Tells listeners where the camera came to rest, once per move.
 *
 * A view that came from a listener is never sent back: two viewers that follow each other settle
 * after one message each.
 */
export function watchView(viewer: Viewer, quiet = QUIET): ViewEvents {
  const listeners = new Set<Listener>();
  let known: Camera | undefined;
  let fitted = false;
  let adopting = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tell(listener: Listener): void {
    const view = exactView(viewer);
    if (!view) return;
    // One whose other end is gone (a restarted kernel) is not asked again.
    listener(fitted ? { ...view, fitted } : view).catch(() => listeners.delete(listener));
  }

  function opensWhole(): boolean {
    const [now, whole] = [viewer.camera.peek(), viewer.wholeImage];
    return !known && !!now && !!whole && sameCamera(now, whole);
  }

  function rest(): void {
    const now = viewer.camera.peek();
    if (viewer.motion.underWay) {
      // Between two slow frames of a movement.
      wait();
      return;
    }
    if (!now || (known && sameCamera(now, known))) return;
    fitted = opensWhole();
    known = now;
    for (const listener of listeners) tell(listener);
  }

  function wait(): void {
    clearTimeout(timer);
    timer = setTimeout(rest, quiet);
  }

  effect(() => {
    viewer.camera.value;
    // What the page opens with is no move that would come to rest: it is told with the image's id.
    if (!adopting && untracked(opensWhole)) untracked(rest);
    else wait();
  });

  return {
    listen(listener) {
      listeners.add(listener);
      if (known) tell(listener);
    },
    adopt(move) {
      adopting = true;
      try {
        move();
      } finally {
        adopting = false;
      }
      known = viewer.camera.peek();
      fitted = false;
    },
  };
}

export interface PaletteEvents {
  listen(listener: (name: string) => Promise<unknown>): void;
  /** Does what a listener asked for; the palette that follows is not told back. */
  adopt(change: () => void): void;
}

/** Tells listeners which colormap the first image has got, once the choice has come to rest. */
export function watchPalette(viewer: Viewer, quiet = QUIET): PaletteEvents {
  const listeners = new Set<(name: string) => Promise<unknown>>();
  const name = () => viewer.images.value[0]?.colormap.value;
  let known: string | undefined;
  let adopting = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function rest(): void {
    const now = untracked(name);
    if (now === undefined || now === known) return;
    known = now;
    for (const listener of listeners) listener(now).catch(() => listeners.delete(listener));
  }

  effect(() => {
    const isFirst = name() !== undefined && known === undefined;
    clearTimeout(timer);
    if (isFirst && !adopting) untracked(rest);
    else timer = setTimeout(rest, quiet);
  });

  return {
    listen(listener) {
      listeners.add(listener);
      if (known !== undefined) listener(known).catch(() => listeners.delete(listener));
    },
    adopt(change) {
      adopting = true;
      try {
        change();
      } finally {
        adopting = false;
      }
      known = untracked(name);
    },
  };
}
