import { parseBookmarks, type WireBookmark, watchBookmarks } from "./bookmarks";
import { fromViewState } from "./frames";
import type { Location, ViewState } from "./model";
import { takePicture } from "./picture";
import type { Viewer } from "./state";
import { type ExactView, exactView, watchPalette, watchView } from "./view_events";

/** A caller's object that wants to hear where the camera is. */
export interface ViewListener {
  changed(view: ExactView): Promise<unknown>;
}

/** A caller's object that wants to hear which colormap is shown. */
export interface PaletteListener {
  changed(name: string): Promise<unknown>;
}

/** A caller's object that keeps the bookmarks. */
export interface BookmarkListener {
  changed(bookmarks: readonly WireBookmark[]): Promise<unknown>;
}

/** What this page exports over ImJoy RPC; the names are those of `docs/protocol.md`. */
export interface PluginApi {
  /** Has another viewer, upstream's vizarr at its address, take this one's place. */
  use_viewer(address: string): Promise<void>;
  add_image(config: unknown): Promise<string>;
  remove_image(id: string): void | Promise<void>;
  update_image(id: string, change: unknown): void | Promise<void>;
  set_view_state(view: unknown): ExactView | null;
  get_view_state(): ExactView | null;
  go_to(location: unknown): void;
  on_view_state(listener: ViewListener): void | Promise<void>;
  on_palette(listener: PaletteListener): void | Promise<void>;
  screenshot(): Promise<ArrayBuffer>;
  set_bookmarks(bookmarks: unknown): void;
  on_bookmarks(listener: BookmarkListener): void | Promise<void>;
}

/** The plugin's methods over a viewer. */
export function pluginApi(viewer: Viewer): Omit<PluginApi, "use_viewer"> {
  const events = watchView(viewer);
  const paletteEvents = watchPalette(viewer);
  const bookmarkEvents = watchBookmarks(viewer);
  let begin: () => void;
  /** Done when the first image is open, or cannot be. */
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return {
    add_image: (config) => viewer.addImage(config).finally(begin),
    remove_image: (id) => viewer.removeImage(id),
    update_image: (id, change) => paletteEvents.adopt(() => viewer.updateImage(id, change)),
    set_view_state(view) {
      const wanted = parseView(view);
      viewer.motion.stop();
      events.adopt(() => {
        if ("zoom" in wanted) viewer.camera.value = fromViewState(wanted);
        else viewer.look(wanted);
      });
      return exactView(viewer);
    },
    get_view_state: () => exactView(viewer),
    go_to(location) {
      const wanted = parseLocation(location);
      const goal = viewer.cameraAt(wanted);
      if (goal) void viewer.motion.goTo(goal);
      else viewer.look(wanted);
    },
    // Answered together with `add_image`: a message of its own would cost a frame before the picture.
    on_view_state(listener) {
      events.listen((view) => listener.changed(view));
      return begun;
    },
    on_palette(listener) {
      paletteEvents.listen((name) => listener.changed(name));
      return begun;
    },
    screenshot: async () => (await takePicture(viewer)).buffer,
    set_bookmarks: (bookmarks) => bookmarkEvents.adopt(parseBookmarks(bookmarks)),
    on_bookmarks(listener) {
      bookmarkEvents.listen((list) => listener.changed(list));
      return begun;
    },
  };
}

/**
 * The methods of `bundled` until another viewer is to take its place, and from then on those of
 * that one, which may take its time to load. When it cannot be had, `bundled` stays.
 */
export function replaceable(
  bundled: Omit<PluginApi, "use_viewer">,
  load: (address: string) => Promise<Omit<PluginApi, "use_viewer">>,
  failed: (address: string, error: unknown) => void,
): PluginApi {
  let chosen = Promise.resolve(bundled);
  const calls = Object.keys(bundled).map((name) => [
    name,
    async (...args: unknown[]) => {
      const method = (await chosen)[name as keyof typeof bundled];
      return (method as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return {
    ...(Object.fromEntries(calls) as typeof bundled),
    async use_viewer(address) {
      chosen = load(address).catch((error: unknown) => {
        failed(address, error);
        return bundled;
      });
    },
  };
}

/** A view in either form; where both are given, the exact one. */
function parseView(view: unknown): ViewState | Location {
  const { zoom, target, center } = (view ?? {}) as Record<string, unknown>;
  if (center !== undefined && center !== null) return parseLocation(view);
  const [x, y] = Array.isArray(target) ? target : [];
  if (![zoom, x, y].every(Number.isFinite)) {
    throw new Error(
      `The view state is ${JSON.stringify(view)}; expected {zoom: number, target: [x, y]} ` +
        "or {center: [decimal, decimal], width: decimal}.",
    );
  }
  return { zoom: zoom as number, target: [x, y] };
}

function parseLocation(location: unknown): Location {
  const { center, width } = (location ?? {}) as Record<string, unknown>;
  const [a, b] = Array.isArray(center) ? center : [];
  if (![a, b, width].every((text) => typeof text === "string")) {
    throw new Error(
      `The place is ${JSON.stringify(location)}; expected ` +
        '{center: [decimal, decimal], width: decimal}, decimals as text such as "-0.75".',
    );
  }
  return { center: [a, b], width: width as string };
}
