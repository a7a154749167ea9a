import * as zarr from "zarrita";

type Chunk = zarr.Chunk<zarr.DataType>;

/** Decoded bytes kept per array. */
const MAX_BYTES = 2 ** 26;

interface Loading {
  readonly chunk: Promise<Chunk>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Keeps the last decoded chunks of an array, and decodes a chunk once however many ask for it.
 *
 * For chunks that are larger than a tile: their tiles would each fetch and decode all of it. A
 * chunk on its way is given up only when everyone who waits for it has.
 */
export const withChunkCache = zarr.defineArrayExtension((array) => {
  const decoded = new Map<string, Chunk>();
  const loading = new Map<string, Loading>();
  let bytes = 0;

  function keep(key: string, chunk: Chunk): void {
    decoded.set(key, chunk);
    bytes += byteLength(chunk);
    for (const [oldest, old] of decoded) {
      if (bytes <= MAX_BYTES || oldest === key) return;
      decoded.delete(oldest);
      bytes -= byteLength(old);
    }
  }

  function load(key: string, coordinates: number[]): Loading {
    const abort = new AbortController();
    const chunk = array.getChunk(coordinates, { signal: abort.signal }).finally(() => {
      if (loading.get(key) === entry) loading.delete(key);
    });
    const entry: Loading = { chunk, abort, waiting: 0 };
    loading.set(key, entry);
    chunk.then(
      (loaded) => keep(key, loaded),
      () => undefined,
    );
    return entry;
  }

  return {
    async getChunk(coordinates: number[], { signal }: { signal?: AbortSignal } = {}) {
      const key = coordinates.join(",");
      const known = decoded.get(key);
      if (known) return known;
      const entry = loading.get(key) ?? load(key, coordinates);
      entry.waiting++;
      return new Promise<Chunk>((resolve, reject) => {
        const leave = () => {
          reject(signal?.reason);
          if (--entry.waiting > 0) return;
          loading.delete(key);
          entry.abort.abort(signal?.reason);
        };
        signal?.addEventListener("abort", leave, { once: true });
        entry.chunk
          .then(resolve, reject)
          .finally(() => signal?.removeEventListener("abort", leave));
      });
    },
  };
});

function byteLength({ data }: Chunk): number {
  return "byteLength" in data ? data.byteLength : data.length * 8;
}
