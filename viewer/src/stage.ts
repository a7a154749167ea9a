import { Deck, type Layer, OrthographicView } from "@deck.gl/core";
import { effect } from "@preact/signals";
import { mergeArrivals } from "./arrivals";
import { type Camera, type Frame, frameFor, localPoint } from "./frames";
import { imageScene, type Scene } from "./layers";
import type { Size } from "./model";
import type { Painted, Viewer } from "./state";

/** What is seen where there is no image; the page's `--ground`. */
const GROUND = "#0b0d12";

/** Milliseconds after which a camera that has not moved rests; two frames, where they take longer. */
const REST = { least: 100, most: 400 };

/** Whether a layer's shader is ready: until it is, luma.gl leaves the layer out without a word. */
function isLinked(layer: Layer): boolean {
  return layer.getModels().every((model) => model.pipeline.linkStatus === "success");
}

/**
 * The WebGL canvas: draws what the viewer's state says, at most once per frame.
 *
 * @returns a function that takes it down again
 */
export function mountStage(parent: HTMLDivElement, viewer: Viewer): () => void {
  let frame: Frame | undefined;
  let scenes: readonly Scene[] = [];
  let seen: Camera | undefined;
  let still = true;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let moved = 0;

  const deck = new Deck({
    parent,
    views: new OrthographicView({ id: "plane", controller: false }),
    viewState: { target: [0, 0, 0], zoom: 0 },
    layers: [],
    deviceProps: {
      type: "webgl",
      // Tiles have no slanted edges: smoothing them costs half of a frame in a software renderer.
      webgl: { antialias: false, stencil: false },
    },
    onResize: (size) => viewer.resize(size),
    onAfterRender: () => {
      const linked = scenes.every(({ layers }) => layers.every(isLinked));
      const whole = scenes.length > 0 && scenes.every(({ complete }) => complete);
      tellPainted(viewer, {
        tiles: linked ? scenes.reduce((sum, { tiles }) => sum + tiles, 0) : 0,
        complete: whole && linked,
        level: scenes[0]?.level ?? 0,
      });
    },
    onError: (error) => {
      viewer.report({ id: "drawing", text: `The picture could not be drawn. ${error.message}` });
    },
  });

  function draw(): void {
    const camera = viewer.camera.value;
    const size = viewer.size.value;
    if (!camera || size.width === 0) return;
    const now = frameFor(camera, frame);
    frame = now;
    const { goal } = viewer.motion;
    const sight = { camera, size, frame: now, goal, still };
    scenes = viewer.images.value.map((image, i) => imageScene(image, i, sight));
    const [x, y] = localPoint(now, camera);
    deck.setProps({
      viewState: { target: [x, y, 0], zoom: camera.zoom + now.level },
      layers: scenes.flatMap(({ layers }) => layers),
    });
  }

  /** Draws quickly while the camera moves, and smoothly as soon as it has come to rest. */
  function drawFrame(): void {
    const camera = viewer.camera.peek();
    if (seen !== undefined && camera !== seen) {
      const now = performance.now();
      const frames = 2 * (now - moved);
      still = false;
      moved = now;
      clearTimeout(rest);
      rest = setTimeout(drawStill, Math.min(Math.max(REST.least, frames), REST.most));
    }
    seen = camera;
    draw();
  }

  function drawStill(): void {
    still = true;
    draw();
  }

  viewer.copyCanvas = (limit) => {
    drawStill();
    // Draws now: what a WebGL canvas shows can be read in the same task only.
    deck.redraw("copy");
    return copyOf(parent.querySelector("canvas") as HTMLCanvasElement, limit);
  };

  let request = 0;
  function drawSoon(): void {
    request ||= requestAnimationFrame(() => {
      request = 0;
      drawFrame();
    });
  }

  const stop = effect(() => {
    viewer.camera.value;
    viewer.size.value;
    for (const image of viewer.images.value) image.subscribe();
    drawSoon();
  });

  const arrivals = mergeArrivals(drawSoon);
  const stopTiles = effect(() => {
    for (const image of viewer.images.value) image.tilesChanged.value;
    arrivals.tell(viewer.pending.value === 0);
  });

  return () => {
    viewer.copyCanvas = undefined;
    stop();
    stopTiles();
    arrivals.stop();
    cancelAnimationFrame(request);
    clearTimeout(rest);
    deck.finalize();
  };
}

/** What was drawn, where that is not what was drawn before. */
function tellPainted({ painted }: Viewer, now: Painted): void {
  const { tiles, complete, level } = painted.peek();
  const same = tiles === now.tiles && complete === now.complete && level === now.level;
  if (!same) painted.value = now;
}

/** The canvas on the viewer's ground, made smaller where it is larger than a limit. */
function copyOf(canvas: HTMLCanvasElement, limit?: Size): HTMLCanvasElement {
  const { width, height } = canvas;
  const factor = limit ? Math.min(1, limit.width / width, limit.height / height) : 1;
  const copy = document.createElement("canvas");
  copy.width = Math.max(1, Math.round(width * factor));
  copy.height = Math.max(1, Math.round(height * factor));
  const context = copy.getContext("2d");
  if (!context) return copy;
  context.fillStyle = GROUND;
  context.fillRect(0, 0, copy.width, copy.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, copy.width, copy.height);
  return copy;
}
