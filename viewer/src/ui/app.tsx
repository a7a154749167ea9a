import {
  effect,
  type ReadonlySignal,
  type Signal,
  untracked,
  useSignal,
  useSignalEffect,
} from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { runColours } from "../moving_colours";
import type { Viewer } from "../state";
import { FailedTiles } from "./failed_tiles";
import { Help } from "./help";
import { ImagePanel } from "./image_panel";
import { bindKeys } from "./keys";
import { LongWait } from "./long_wait";
import { MiniMap } from "./mini_map";
import { Notice } from "./notice";
import { Panel } from "./panel";
import { keep, PlacePanel, save } from "./place_panel";
import { PlaneView } from "./plane_view";
import { Problems } from "./problems";
import { StatusBar } from "./status_bar";
import { type PanelName, Toolbar, toggleFullScreen } from "./toolbar";

/** Milliseconds after which the controls are there without a picture. */
const LONGEST_PICTURE_ONLY = 1000;

/**
 * The page. The attributes of its root say what it shows, for tests and for people who look:
 * `data-state` (empty, opening, loading, idle) and the counters described in the README.
 */
export function App({ viewer }: { viewer: Viewer }) {
  const panel = useSignal<PanelName | undefined>(undefined);
  const help = useSignal(false);
  const root = useRef<HTMLElement>(null);
  const controls = useControls(viewer);
  // Not rendered: what is drawn changes with every frame of a movement, the page does not.
  useSignalEffect(() => {
    for (const [name, value] of Object.entries(describeState(viewer))) {
      const text = String(value);
      if (root.current?.getAttribute(name) !== text) root.current?.setAttribute(name, text);
    }
  });
  useEffect(() => runColours(viewer), [viewer]);
  useEffect(() => {
    const toggle = (name: PanelName) => () => {
      panel.value = panel.value === name ? undefined : name;
    };
    return bindKeys(window, {
      p: toggle("places"),
      c: toggle("colours"),
      g: () => {
        panel.value = "places";
        requestAnimationFrame(() => document.querySelector<HTMLElement>(".here textarea")?.focus());
      },
      b: () => void keep(viewer),
      s: () => void save(viewer),
      v: () => (viewer.motion.flying.peek() ? viewer.motion.stop() : viewer.motion.fly(1)),
      f: toggleFullScreen,
      "?": () => {
        help.value = true;
      },
      Escape: () => closePanel(panel),
    });
  }, [viewer, panel, help]);
  return (
    <main class="viewer" aria-label="Image viewer" ref={root}>
      <PlaneView viewer={viewer} />
      <FailedTiles viewer={viewer} />
      <Waiting viewer={viewer} />
      <Problems viewer={viewer} />
      <LongWait viewer={viewer} />
      {controls.value && viewer.images.value.length > 0 && (
        <Toolbar viewer={viewer} panel={panel} help={help} />
      )}
      {controls.value && panel.value === undefined && <MiniMap viewer={viewer} />}
      {controls.value && <StatusBar viewer={viewer} />}
      {panel.value === "places" && (
        <Panel title="Places" onClose={() => closePanel(panel)}>
          <PlacePanel viewer={viewer} />
        </Panel>
      )}
      {panel.value === "colours" && (
        <Panel title="Colours" onClose={() => closePanel(panel)}>
          <ImagePanel viewer={viewer} />
        </Panel>
      )}
      <Notice viewer={viewer} />
      <Help open={help} />
    </main>
  );
}

/**
 * Whether the controls are to be there: after the first picture, which they would delay by as long
 * as they take to be made and drawn, or when it does not come soon, or not as it should.
 */
function useControls(viewer: Viewer): ReadonlySignal<boolean> {
  const controls = useSignal(false);
  useEffect(() => {
    const show = () => {
      controls.value = true;
    };
    const timer = setTimeout(show, LONGEST_PICTURE_ONLY);
    const stop = effect(() => {
      if (viewer.problems.value.length + viewer.failures.value.length > 0) untracked(show);
      // Two frames on, the picture is on the screen.
      if (viewer.painted.value.complete) requestAnimationFrame(() => requestAnimationFrame(show));
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [viewer, controls]);
  return controls;
}

/** Closes what is open; the keyboard goes on at the button that opened it. */
function closePanel(panel: Signal<PanelName | undefined>): void {
  if (panel.peek() === undefined) return;
  document.querySelector<HTMLElement>('.tool[aria-expanded="true"]')?.focus();
  panel.value = undefined;
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

function describeState(viewer: Viewer): Record<`data-${string}`, string | number | boolean> {
  const counts = { requested: 0, loaded: 0, failed: 0, cancelled: 0 };
  for (const image of viewer.images.value) {
    image.tilesChanged.value;
    counts.requested += image.tiles.counts.requested;
    counts.loaded += image.tiles.counts.loaded;
    counts.failed += image.tiles.counts.failed;
    counts.cancelled += image.tiles.counts.cancelled;
  }
  const { tiles, complete, level } = viewer.painted.value;
  return {
    "data-state": stateName(viewer),
    "data-painted": tiles,
    "data-complete": complete,
    "data-level": level,
    "data-requested": counts.requested,
    "data-loaded": counts.loaded,
    "data-failed": counts.failed,
    "data-cancelled": counts.cancelled,
  };
}

function stateName({ images, opening, pending, camera }: Viewer): string {
  if (opening.value > 0) return "opening";
  if (images.value.length === 0 || !camera.value) return "empty";
  return pending.value > 0 ? "loading" : "idle";
}
