import { proxy, type Remote, transfer, wrap } from "comlink";
import type {} from "./first";
import type { ImageInfo } from "./model";
import type { ProgressReport } from "./progress";
import type { TileLoader } from "./tiles";
import type { OpenOptions } from "./zarr/open";
import type { ZarrRoom } from "./zarr/room";
import type { RemoteStore } from "./zarr/store";

export interface OpenedSource {
  readonly info: ImageInfo;
  readonly loadTile: TileLoader;
  close(): void;
}

/** Started before this module was read, so that it is there when the first source comes. */
const room: Promise<Remote<ZarrRoom>> = globalThis.begun.worker.then((endpoint) =>
  wrap<ZarrRoom>(endpoint),
);
let lastImage = 0;
let lastTile = 0;

/**
 * Opens a URL or a store behind an RPC connection; its chunks are decoded off the main thread.
 *
 * @param changed told how far long computations are, where the store tells that
 */
export async function openSource(
  source: string | RemoteStore,
  options: OpenOptions,
  changed: (reports: readonly ProgressReport[]) => void,
): Promise<OpenedSource> {
  const { tile, cancel, open, close } = await room;
  const image = ++lastImage;
  const store = typeof source === "string" ? source : (proxy(postable(source, changed)) as never);
  const info = await open(image, store, options);
  return {
    info,
    loadTile(request, signal) {
      const id = ++lastTile;
      signal.addEventListener("abort", () => void cancel([id]), { once: true });
      return tile(id, image, request);
    },
    close: () => void close(image),
  };
}

/** The same store with its bytes moved, not copied, to the worker. */
function postable(
  source: RemoteStore,
  changed: (reports: readonly ProgressReport[]) => void,
): RemoteStore {
  const items = new Map(Object.entries(source.items ?? {}));
  let listens = false;

  /** Has the source tell its progress, once there is something to wait for. */
  function listen(): void {
    if (listens) return;
    listens = true;
    // A store that does not answer does without.
    source.onProgress?.({ _rintf: true, changed })?.catch(() => undefined);
  }

  return {
    async getItem(key, options) {
      const early = items.get(key);
      // Once: what is asked for again may have changed, and its bytes are gone.
      items.delete(key);
      if (early === undefined) listen();
      const bytes = early === undefined ? await source.getItem(key, options) : early;
      if (!bytes) return null;
      return transfer(bytes, [ArrayBuffer.isView(bytes) ? bytes.buffer : bytes]);
    },
    async cancelItems(ids) {
      await source.cancelItems?.(ids);
      return null;
    },
  };
}
