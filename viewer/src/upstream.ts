import type { ViewState } from "./model";
import type { PluginApi, ViewListener } from "./plugin";
import { type RemoteStore, remoteStore } from "./zarr/store";

/** Today's vizarr, an ES module, as far as this page uses it. */
interface VizarrModule {
  createViewer(element: HTMLElement, options?: { menuOpen?: boolean }): Promise<VizarrViewer>;
}

interface VizarrViewer {
  addImage(config: Record<string, unknown>): void;
  setViewState(view: ViewState): void;
  on(event: "viewStateChange", listener: (view: ViewState) => void): void;
  destroy(): void;
}

/** deck.gl and luma.gl refuse to start beside other versions of themselves, found by these names. */
const LIBRARIES = ["deck", "luma"] as const;

/** Imports a module that brings its own deck.gl, whatever version that is. */
async function importBesideOurs(url: string): Promise<VizarrModule> {
  const globals = globalThis as Record<string, unknown>;
  const ours = LIBRARIES.map((name) => [name, globals[name]] as const);
  for (const name of LIBRARIES) delete globals[name];
  try {
    return await import(/* @vite-ignore */ url);
  } catch (error) {
    for (const [name, library] of ours) globals[name] = library;
    throw error;
  }
}

/** How long the camera rests before listeners are told, in milliseconds. */
const QUIET = 100;

/**
 * Loads vizarr from its address, lets it take the place of this page's own viewer, and offers it
 * under the names of `docs/protocol.md`.
 *
 * What vizarr cannot do (exact places, palettes, pictures, bookmarks) is left out or said. It only
 * adds images: when one changes or goes, vizarr is made anew with what is left.
 *
 * @throws Error when there is no such module at that address
 */
export async function loadVizarr(
  url: string,
  place: HTMLElement,
): Promise<Omit<PluginApi, "use_viewer">> {
  const { createViewer } = await importBesideOurs(url);
  if (typeof createViewer !== "function") {
    throw new Error(`${url} exports no createViewer; expected vizarr's index.js.`);
  }
  const images = new Map<string, Record<string, unknown>>();
  const listeners = new Set<ViewListener>();
  let view: ViewState | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let added = 0;
  let vizarr = await create();

  async function create(): Promise<VizarrViewer> {
    const element = document.createElement("div");
    element.className = "upstream";
    place.replaceChildren(element);
    const viewer = await createViewer(element, { menuOpen: true });
    viewer.on("viewStateChange", ({ zoom, target }) => {
      const next: ViewState = { zoom, target: [target[0], target[1]] };
      clearTimeout(timer);
      timer = setTimeout(() => tell(next), QUIET);
    });
    return viewer;
  }

  function tell(next: ViewState): void {
    if (JSON.stringify(next) === JSON.stringify(view)) return;
    view = next;
    for (const listener of listeners) {
      listener.changed(next).catch(() => listeners.delete(listener));
    }
  }

  async function again(): Promise<void> {
    vizarr.destroy();
    vizarr = await create();
    for (const config of images.values()) vizarr.addImage(config);
    if (view) vizarr.setViewState(view);
  }

  return {
    async add_image(config) {
      const { source, ...options } = config as { source: string | RemoteStore };
      const readable = typeof source === "string" ? source : remoteStore(source);
      const id = `image-${++added}`;
      images.set(id, { ...options, source: readable });
      vizarr.addImage({ ...options, source: readable });
      return id;
    },
    async update_image(id, change) {
      const config = images.get(id);
      if (!config) throw new Error(`There is no image ${id}.`);
      images.set(id, { ...config, ...(change as Record<string, unknown>) });
      await again();
    },
    async remove_image(id) {
      if (images.delete(id)) await again();
    },
    set_view_state(wanted) {
      const { zoom, target } = (wanted ?? {}) as Partial<ViewState>;
      if (zoom === undefined || target === undefined) {
        throw new Error("vizarr looks at {zoom, target}; it cannot be sent to an exact place.");
      }
      view = { zoom, target };
      vizarr.setViewState(view);
      return null;
    },
    get_view_state: () => view,
    go_to() {
      throw new Error("vizarr looks at {zoom, target}; it cannot be sent to an exact place.");
    },
    on_view_state: (listener) => void listeners.add(listener),
    on_palette() {},
    screenshot: async () => {
      throw new Error("vizarr takes no pictures; the bundled viewer does.");
    },
    set_bookmarks() {},
    on_bookmarks() {},
  };
}
