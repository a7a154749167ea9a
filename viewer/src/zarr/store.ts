import type { AbsolutePath, AsyncReadable, GetOptions } from "zarrita";
import type { ProgressReport } from "../progress";

/** A Zarr store at the other end of an RPC connection, as `docs/protocol.md` describes it. */
export interface RemoteStore {
  /** What was read before anybody asked; null for a key that is not there. */
  items?: Record<string, ArrayBuffer | null>;
  getItem(key: string, options: { id: number }): Promise<ArrayBuffer | ArrayBufferView | null>;
  cancelItems?(ids: number[]): Promise<unknown>;
  onProgress?(listener: ProgressListener): Promise<unknown>;
}

/** A caller's object that wants to hear how far long computations are. */
export interface ProgressListener {
  readonly _rintf: true;
  changed(reports: readonly ProgressReport[]): void;
}

let lastId = 0;

/**
 * A zarrita store that asks `remote` for every key.
 *
 * Aborting a request rejects it at once and tells the other end, all requests aborted in one go in
 * one message, so that nobody computes what nobody waits for.
 */
export function remoteStore(remote: RemoteStore): AsyncReadable {
  let cancelled: number[] = [];

  function cancel(id: number): void {
    if (!remote.cancelItems) return;
    if (cancelled.push(id) > 1) return;
    queueMicrotask(() => {
      const ids = cancelled;
      cancelled = [];
      // The requests are settled on this side already: a lost cancellation costs only work.
      remote.cancelItems?.(ids).catch(() => undefined);
    });
  }

  return {
    get(path: AbsolutePath, { signal }: GetOptions = {}) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const id = ++lastId;
        const abort = () => {
          cancel(id);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
        remote
          .getItem(path.slice(1), { id })
          .then((bytes) => resolve(asBytes(bytes)), reject)
          .finally(() => signal?.removeEventListener("abort", abort));
      });
    },
  };
}

function asBytes(bytes: ArrayBuffer | ArrayBufferView | null): Uint8Array | undefined {
  if (bytes === null || bytes === undefined) return undefined;
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return new Uint8Array(bytes);
}
