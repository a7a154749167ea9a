import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { mountGestures } from "../gestures";
import type { Rect } from "../model";
import { mountStage } from "../stage";
import type { Viewer } from "../state";

/** The picture, and what hands can do to it. */
export function PlaneView({ viewer }: { viewer: Viewer }) {
  const stage = useRef<HTMLDivElement>(null);
  const box = useSignal<Rect | undefined>(undefined);
  // At once, not after the next frame: the canvas takes its time to be ready.
  useLayoutEffect(() => {
    const element = stage.current;
    if (!element) return undefined;
    const unmountStage = mountStage(element, viewer);
    const gestures = mountGestures(element, viewer);
    const stop = gestures.box.subscribe((rect) => {
      box.value = rect;
    });
    return () => {
      stop();
      gestures.unmount();
      unmountStage();
    };
  }, [viewer, box]);
  return (
    <>
      <div
        class="stage"
        ref={stage}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is interactive: it takes the keys below
        tabIndex={0}
        role="application"
        aria-label="Picture. Arrows move, plus and minus zoom, Home shows all of it."
      />
      {box.value && <div class="zoom-box" style={boxStyle(box.value)} />}
    </>
  );
}

function boxStyle({ left, top, right, bottom }: Rect) {
  return {
    left: `${left}px`,
    top: `${top}px`,
    width: `${right - left}px`,
    height: `${bottom - top}px`,
  };
}
