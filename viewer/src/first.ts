/**
 * What begins before the viewer itself has been read and compiled; this script is small and runs
 * first. The host is told what the page exports, and its calls wait for the viewer, instead of the
 * viewer for each answer of the host; the worker starts beside it all.
 */
import imjoyRPC from "imjoy-rpc/dist/imjoy-rpc.min.js";
import type { PluginApi } from "./plugin";
import { startWorker } from "./zarr/start";

/** Where the viewer is handed over to the host of the page, once it is there. */
export interface Connection {
  provide(api: PluginApi): void;
  /** Done when the host knows the page. */
  readonly exported: Promise<void>;
}

declare global {
  /** What this script has begun. */
  var begun: {
    readonly worker: Promise<Worker | MessagePort>;
    /** Undefined in a page that was opened by itself, not as a plugin. */
    readonly connection: Connection | undefined;
  };
}

/** Every method, by name only: the host is told them all before there is any. */
const METHODS: Record<keyof PluginApi, true> = {
  use_viewer: true,
  add_image: true,
  remove_image: true,
  update_image: true,
  set_view_state: true,
  get_view_state: true,
  go_to: true,
  on_view_state: true,
  on_palette: true,
  screenshot: true,
  set_bookmarks: true,
  on_bookmarks: true,
};

function connect(): Connection {
  let provide: Connection["provide"] = () => undefined;
  const viewer = new Promise<PluginApi>((resolve) => {
    provide = resolve;
  });
  return { provide, exported: exportPlugin(viewer) };
}

async function exportPlugin(viewer: Promise<PluginApi>): Promise<void> {
  const core = await imjoyRPC.setupRPC({
    name: "vizarr",
    version: "0.1.0",
    description: "Shows multiscale Zarr images; explores the Mandelbrot set.",
  });
  const names = Object.keys(METHODS) as (keyof PluginApi)[];
  const calls = names.map((name) => [
    name,
    async (...args: never[]) => ((await viewer)[name] as (...args: never[]) => unknown)(...args),
  ]);
  core.export(Object.fromEntries(calls));
}

globalThis.begun = {
  connection: window.parent === window ? undefined : connect(),
  worker: startWorker(),
};
