import { useEffect, useRef } from "preact/hooks";
import { mountStage } from "../stage";
import type { Viewer } from "../state";
import { FailedTiles } from "./failed_tiles";
import { ImagePanel } from "./image_panel";
import { Problems } from "./problems";
import { StatusBar } from "./status_bar";

/**
 * The page. The attributes of its root say what it shows, for tests and for people who look:
 * `data-state` (empty, opening, loading, idle) and the counters described in the README.
 */
export function App({ viewer }: { viewer: Viewer }) {
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => (stage.current ? mountStage(stage.current, viewer) : undefined), [viewer]);
  return (
    <main class="viewer" aria-label="Image viewer" {...describeState(viewer)}>
      <div class="stage" ref={stage} />
      <FailedTiles viewer={viewer} />
      <Waiting viewer={viewer} />
      <ImagePanel viewer={viewer} />
      <Problems viewer={viewer} />
      <StatusBar viewer={viewer} />
    </main>
  );
}

function Waiting({ viewer }: { viewer: Viewer }) {
  const { opening, images, problems } = viewer;
  if (images.value.length > 0 || problems.value.length > 0) return null;
  return (
    <p class="waiting" role="status">
      {opening.value > 0 ? "Opening the image…" : "Waiting for an image…"}
    </p>
  );
}

function describeState(viewer: Viewer): Record<`data-${string}`, string | number> {
  const counts = { requested: 0, loaded: 0, failed: 0, cancelled: 0 };
  for (const image of viewer.images.value) {
    image.tilesChanged.value;
    counts.requested += image.tiles.counts.requested;
    counts.loaded += image.tiles.counts.loaded;
    counts.failed += image.tiles.counts.failed;
    counts.cancelled += image.tiles.counts.cancelled;
  }
  const { tiles, complete } = viewer.painted.value;
  return {
    "data-state": stateName(viewer),
    "data-painted": tiles,
    "data-complete": String(complete),
    "data-requested": counts.requested,
    "data-loaded": counts.loaded,
    "data-failed": counts.failed,
    "data-cancelled": counts.cancelled,
  };
}

function stateName({ images, opening, pending, view }: Viewer): string {
  if (opening.value > 0) return "opening";
  if (images.value.length === 0 || !view.value) return "empty";
  return pending.value > 0 ? "loading" : "idle";
}
