import { proxy, type Remote, transfer, wrap } from "comlink";
import type { ImageInfo } from "./model";
import type { ProgressReport } from "./progress";
import type { TileLoader } from "./tiles";
import type { OpenOptions } from "./zarr/open";
import type { ZarrRoom } from "./zarr/room";
import type { RemoteStore } from "./zarr/store";
import workerScript from "./zarr/worker.ts?script";

export interface OpenedSource {
  readonly info: ImageInfo;
  readonly loadTile: TileLoader;
  close(): void;
}

/** Started with the page, so that it is there when the first source comes. */
const room: Promise<Remote<ZarrRoom>> = startWorker().then((endpoint) => wrap<ZarrRoom>(endpoint));
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
  const store = typeof source === "string" ? source : (proxy(postable(source)) as never);
  const info = await open(image, store, options);
  if (typeof source !== "string") {
    // A store that does not answer does without.
    source.onProgress?.({ _rintf: true, changed })?.catch(() => undefined);
  }
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
function postable(source: RemoteStore): RemoteStore {
  return {
    async getItem(key, options) {
      const bytes = await source.getItem(key, options);
      if (!bytes) return null;
      return transfer(bytes, [ArrayBuffer.isView(bytes) ? bytes.buffer : bytes]);
    },
    async cancelItems(ids) {
      await source.cancelItems?.(ids);
      return null;
    },
  };
}

/** The Zarr room in a worker; where the host page's policy forbids workers, on this thread. */
async function startWorker(): Promise<Worker | MessagePort> {
  const url = URL.createObjectURL(new Blob([workerScript], { type: "text/javascript" }));
  try {
    const worker = new Worker(url);
    // A worker that a policy forbids is constructed all the same, and then fails.
    await new Promise((resolve, reject) => {
      worker.addEventListener("message", resolve, { once: true });
      worker.addEventListener("error", () => reject(new Error("it failed to start")), {
        once: true,
      });
    });
    return worker;
  } catch (error) {
    console.warn("No worker can be started here; chunks are decoded on the main thread.", error);
    const { port1, port2 } = new MessageChannel();
    port2.start();
    new Function("zarrPort", workerScript)(port2);
    port1.start();
    return port1;
  } finally {
    URL.revokeObjectURL(url);
  }
}
