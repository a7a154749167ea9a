import { proxy, type Remote, transfer, wrap } from "comlink";
import type { ImageInfo } from "./model";
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

let room: Remote<ZarrRoom> | undefined;
let lastImage = 0;
let lastTile = 0;

/** Opens a URL or a store behind an RPC connection; its chunks are decoded off the main thread. */
export async function openSource(
  source: string | RemoteStore,
  options: OpenOptions,
): Promise<OpenedSource> {
  room ??= wrap<ZarrRoom>(startWorker());
  const { tile, cancel, open, close } = room;
  const image = ++lastImage;
  const store = typeof source === "string" ? source : (proxy(postable(source)) as never);
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
function postable(source: RemoteStore): Required<RemoteStore> {
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

function startWorker(): Worker | MessagePort {
  const url = URL.createObjectURL(new Blob([workerScript], { type: "text/javascript" }));
  try {
    return new Worker(url);
  } catch (error) {
    // A host page whose security policy forbids workers: decode on the main thread instead.
    console.warn("No worker can be started here; chunks are decoded on the main thread.", error);
    const { port1, port2 } = new MessageChannel();
    port2.start();
    new Function("zarrPort", workerScript)(port2);
    return port1;
  } finally {
    URL.revokeObjectURL(url);
  }
}
