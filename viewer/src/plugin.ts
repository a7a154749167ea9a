import imjoyRPC from "imjoy-rpc/dist/imjoy-rpc.min.js";
import type { ViewState } from "./model";
import type { Viewer } from "./state";
import { watchView } from "./view_events";

/** A caller's object that wants to hear where the camera is. */
export interface ViewListener {
  changed(view: ViewState): Promise<unknown>;
}

/** What this page exports over ImJoy RPC; the names are those of `docs/protocol.md`. */
export interface PluginApi {
  setup(): void;
  run(): void;
  add_image(config: unknown): Promise<string>;
  remove_image(id: string): void;
  update_image(id: string, change: unknown): void;
  set_view_state(view: unknown): void;
  get_view_state(): ViewState | null;
  on_view_state(listener: ViewListener): void;
}

/** The plugin's methods over a viewer. */
export function pluginApi(viewer: Viewer): PluginApi {
  const events = watchView(viewer.view);
  return {
    setup() {},
    run() {},
    add_image: (config) => viewer.addImage(config),
    remove_image: (id) => viewer.removeImage(id),
    update_image: (id, change) => viewer.updateImage(id, change),
    set_view_state(view) {
      viewer.view.value = events.adopt(parseViewState(view));
    },
    get_view_state: () => viewer.view.value ?? null,
    on_view_state: (listener) => events.listen((view) => listener.changed(view)),
  };
}

/** Offers the viewer to the ImJoy core that this page's parent plays. */
export async function exportPlugin(viewer: Viewer): Promise<void> {
  const core = await imjoyRPC.setupRPC({
    name: "vizarr",
    version: "0.1.0",
    description: "Shows multiscale Zarr images; explores the Mandelbrot set.",
  });
  core.export(pluginApi(viewer));
}

function parseViewState(view: unknown): ViewState {
  const { zoom, target } = (view ?? {}) as { zoom?: unknown; target?: unknown };
  const [x, y] = Array.isArray(target) ? target : [];
  if (![zoom, x, y].every(Number.isFinite)) {
    throw new Error(
      `The view state is ${JSON.stringify(view)}; expected {zoom: number, target: [x, y]}.`,
    );
  }
  return { zoom: zoom as number, target: [x, y] };
}
