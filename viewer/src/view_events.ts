import { effect, type ReadonlySignal } from "@preact/signals";
import type { ViewState } from "./model";

type Listener = (view: ViewState) => Promise<unknown>;

export interface ViewEvents {
  listen(listener: Listener): void;
  /** Marks a view as one that the listeners told us: they are not told it back. */
  adopt(view: ViewState): ViewState;
}

/** How long the camera rests before listeners are told, in milliseconds. */
const QUIET = 100;

/**
 * Tells listeners where the camera came to rest, once per move.
 *
 * A view that came from a listener is never sent back: two viewers that follow each other settle
 * after one message each.
 */
export function watchView(view: ReadonlySignal<ViewState | undefined>, quiet = QUIET): ViewEvents {
  const listeners = new Set<Listener>();
  let known: ViewState | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tell(listener: Listener, now: ViewState): void {
    // One whose other end is gone (a restarted kernel) is not asked again.
    listener(now).catch(() => listeners.delete(listener));
  }

  function rest(): void {
    const now = view.value;
    if (!now || (known && sameView(now, known))) return;
    known = now;
    for (const listener of listeners) tell(listener, now);
  }

  effect(() => {
    view.value;
    clearTimeout(timer);
    timer = setTimeout(rest, quiet);
  });

  return {
    listen(listener) {
      listeners.add(listener);
      if (known) tell(listener, known);
    },
    adopt(told) {
      known = told;
      return told;
    },
  };
}

/** Equal to within a hundredth of a screen pixel. */
export function sameView(a: ViewState, b: ViewState): boolean {
  const tolerance = 0.01 * 2 ** -a.zoom;
  return (
    Math.abs(a.zoom - b.zoom) < 1e-4 &&
    Math.abs(a.target[0] - b.target[0]) < tolerance &&
    Math.abs(a.target[1] - b.target[1]) < tolerance
  );
}
