import { Deck, type Layer, OrthographicView } from "@deck.gl/core";
import { effect } from "@preact/signals";
import { imageScene, type Scene } from "./layers";
import type { ViewState } from "./model";
import type { Viewer } from "./state";

/** How far in one may zoom: screen pixels per level-0 pixel, as a power of two. */
const MAX_ZOOM = 6;
/** How far out: the whole image this many halvings smaller than it fits. */
const ZOOM_OUT = 3;

interface DeckViewState {
  readonly zoom: number;
  readonly target: [number, number, number];
}

/** Whether a layer's shader is ready: until it is, luma.gl leaves the layer out without a word. */
function isLinked(layer: Layer): boolean {
  return layer.getModels().every((model) => model.pipeline.linkStatus === "success");
}

/**
 * The WebGL canvas: draws what the viewer's state says, at most once per frame, and moves the
 * camera as the person does.
 *
 * @returns a function that takes it down again
 */
export function mountStage(parent: HTMLElement, viewer: Viewer): () => void {
  /** deck.gl's own version of the view, with the transition it may be in the middle of. */
  let deckView: DeckViewState | undefined;
  let moved: ViewState | undefined;
  let scenes: readonly Scene[] = [];

  const deck = new Deck({
    parent: parent as HTMLDivElement,
    views: new OrthographicView({
      id: "plane",
      controller: {
        scrollZoom: { speed: 0.01, smooth: true },
        inertia: 250,
        doubleClickZoom: true,
        touchZoom: true,
        keyboard: true,
      },
    }),
    viewState: { target: [0, 0, 0], zoom: 0 },
    layers: [],
    onViewStateChange: ({ viewState }) => {
      deckView = viewState as DeckViewState;
      const { zoom, target } = deckView;
      moved = { zoom, target: [target[0], target[1]] };
      viewer.view.value = moved;
    },
    onResize: (size) => {
      viewer.size.value = size;
    },
    onHover: ({ x, y, viewport }) => {
      const [column, row] = viewport?.unproject([x, y]) ?? [];
      viewer.pointer.value = column === undefined || row === undefined ? undefined : [column, row];
    },
    onAfterRender: () => {
      const layers = scenes.flatMap((scene) => scene.layers);
      const drawn = layers.filter(isLinked).length;
      const whole = scenes.length > 0 && scenes.every(({ complete }) => complete);
      viewer.painted.value = { tiles: drawn, complete: whole && drawn === layers.length };
    },
    onError: (error) => {
      viewer.report({ id: "drawing", text: `The picture could not be drawn. ${error.message}` });
    },
  });

  function draw(): void {
    const { view, size, images } = viewer;
    if (!view.value || size.value.width === 0) return;
    const { zoom, target } = view.value;
    scenes = images.value.map((image, i) => imageScene(image, i, { zoom, target }, size.value));
    const controlled =
      deckView && view.value === moved
        ? deckView
        : { zoom, target: [...target, 0] as [number, number, number] };
    deck.setProps({
      viewState: { ...controlled, minZoom: viewer.fitZoom - ZOOM_OUT, maxZoom: MAX_ZOOM },
      layers: scenes.flatMap(({ layers }) => layers),
    });
  }

  let frame = 0;
  const stop = effect(() => {
    viewer.view.value;
    viewer.size.value;
    for (const image of viewer.images.value) image.subscribe();
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  });

  return () => {
    stop();
    cancelAnimationFrame(frame);
    deck.finalize();
  };
}
