import type { TilePixels, TileRequest } from "./model";
import { addressKey } from "./pyramid";

/** Reads one tile; rejects with the signal's reason once it is aborted. */
export type TileLoader = (request: TileRequest, signal: AbortSignal) => Promise<TilePixels>;

export interface FailedTile {
  readonly request: TileRequest;
  readonly message: string;
}

/** How many tiles went which way since the image was opened. */
export interface TileCounts {
  requested: number;
  loaded: number;
  failed: number;
  cancelled: number;
}

interface Entry {
  readonly request: TileRequest;
  state: "waiting" | "loading" | "ready" | "failed";
  pixels?: TilePixels;
  /** Why the last attempt failed. */
  message?: string | undefined;
  attempts: number;
  /** When it was first wanted, in milliseconds, and in how many views since. */
  readonly since: number;
  views: number;
  abort?: AbortController;
  timer?: ReturnType<typeof setTimeout>;
}

export interface TileCacheOptions {
  /** Bytes of decoded pixels kept beside those on screen. */
  readonly maxBytes?: number;
  /** Requests under way at a time: enough to hide latency, few enough to be reordered. */
  readonly concurrency?: number;
  /**
   * Once anything is on screen, tiles are asked for when the view has wanted the same ones for so
   * many milliseconds (two frames, where frames take longer): what a moving camera only passes by
   * costs nobody anything. While the view keeps changing, only those are asked for that stay in it.
   */
  readonly patience?: number;
  /** Milliseconds before the first retry; doubles with each failure, up to `maxRetryDelay`. */
  readonly retryDelay?: number;
  readonly maxRetryDelay?: number;
}

/** Milliseconds: however slow the frames, the camera rests after this. */
const LONGEST_REST = 250;
/** Tiles loaded at a time ahead of being wanted: whoever computes them is to stay responsive. */
const MOST_AHEAD = 2;
/** From when on a tile counts as one that stays in a changing view. */
const LINGERING = { milliseconds: 150, views: 4 };

/**
 * The tiles of one image: those wanted now, those on their way, and those kept from before.
 *
 * A tile is asked for once, however many want it. A request that is wanted no longer is aborted. A
 * failed tile is tried again by itself, later and later, for as long as it is wanted.
 */
export class TileCache {
  readonly counts: TileCounts = { requested: 0, loaded: 0, failed: 0, cancelled: 0 };
  readonly #entries = new Map<string, Entry>();
  readonly #load: TileLoader;
  readonly #changed: () => void;
  readonly #options: Required<TileCacheOptions>;
  #wanted = new Set<string>();
  #nearby = new Set<string>();
  /** What the camera is heading for, where that is known. */
  #goal = new Set<string>();
  #loading = 0;
  #wake: ReturnType<typeof setTimeout> | undefined;
  #lastChange = 0;
  #resting = true;
  #bytes = 0;

  constructor(load: TileLoader, changed: () => void, options: TileCacheOptions = {}) {
    this.#load = load;
    this.#changed = changed;
    this.#options = {
      maxBytes: 2 ** 28,
      concurrency: 12,
      patience: 60,
      retryDelay: 1000,
      maxRetryDelay: 30_000,
      ...options,
    };
  }

  /**
   * States which tiles are wanted, the most urgent first, and which may be soon: those are loaded
   * once nothing else is to do. Everything else is let go.
   *
   * @param goal the tiles that will be wanted when the camera has come to rest, if it moves and
   *   that is known: they come first, and those that it only passes by are not asked for
   */
  want(
    requests: readonly TileRequest[],
    nearby: readonly TileRequest[] = [],
    goal: readonly TileRequest[] = [],
  ): void {
    const keyed = (list: readonly TileRequest[]) =>
      new Map(list.map((request) => [tileKey(request), request]));
    const [wanted, ahead, heading] = [keyed(requests), keyed(nearby), keyed(goal)];
    let changed = false;
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key) || ahead.has(key) || heading.has(key)) continue;
      if (entry.state === "ready") continue;
      this.#drop(key, entry);
      changed ||= this.#wanted.has(key);
    }
    const before = this.#goal.size > 0 ? this.#goal : this.#wanted;
    if (!sameKeys(before, heading.size > 0 ? heading : wanted)) this.#waitForRest();
    for (const key of wanted.keys()) changed ||= !this.#wanted.has(key);
    this.#wanted = new Set(wanted.keys());
    this.#nearby = new Set(ahead.keys());
    this.#goal = new Set(heading.keys());
    for (const [key, request] of new Map([...ahead, ...heading, ...wanted])) {
      const known = this.#entries.get(key);
      const entry: Entry = known ?? {
        request,
        state: "waiting",
        attempts: 0,
        since: Date.now(),
        views: 0,
      };
      entry.views++;
      // Re-inserted, so that the map's order is the order of last use.
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    this.#startWaiting();
    if (changed) this.#changed();
  }

  get(request: TileRequest): TilePixels | undefined {
    return this.#entries.get(tileKey(request))?.pixels;
  }

  /** The pixels of every tile that is here. */
  loaded(): readonly TilePixels[] {
    return [...this.#entries.values()].flatMap(({ pixels }) => (pixels ? [pixels] : []));
  }

  /** Wanted tiles that are still to come. */
  get pending(): number {
    return this.#wantedEntries().filter(isOnItsWay).length;
  }

  /** Tiles whose last attempt failed, also while the next one is under way. */
  get failures(): readonly FailedTile[] {
    return this.#wantedEntries().flatMap(({ request, message }) =>
      message === undefined ? [] : [{ request, message }],
    );
  }

  /** Tries the failed tiles again now. */
  retry(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === "failed") this.#requeue(entry);
    }
    this.#startWaiting();
    this.#changed();
  }

  /** Gives up the wanted tiles that are still to come, until they are tried again. */
  stop(): void {
    for (const entry of this.#wantedEntries().filter(isOnItsWay)) {
      this.#abort(entry);
      entry.state = "failed";
      entry.message = "their computation was stopped.";
    }
    this.#changed();
  }

  /** Aborts everything under way and forgets all tiles. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#drop(key, entry);
    this.#wanted.clear();
    this.#nearby.clear();
    this.#goal.clear();
  }

  #wantedEntries(): Entry[] {
    return [...this.#wanted].flatMap((key) => this.#entries.get(key) ?? []);
  }

  #waitForRest(): void {
    clearTimeout(this.#wake);
    const { patience } = this.#options;
    this.#resting = this.#bytes === 0 || patience === 0;
    if (this.#resting) return;
    const now = Date.now();
    const gap = now - this.#lastChange;
    this.#lastChange = now;
    // After a longer gap this is no frame of a movement, but the first: it may well be the last.
    const frame = gap < LONGEST_REST ? gap : 0;
    this.#wake = setTimeout(
      () => {
        this.#resting = true;
        this.#startWaiting();
      },
      Math.max(patience, Math.min(2 * frame, LONGEST_REST)),
    );
  }

  #startWaiting(): void {
    const early = Date.now() - LINGERING.milliseconds;
    for (const key of new Set([...this.#goal, ...this.#wanted])) {
      if (this.#loading >= this.#options.concurrency) return;
      const entry = this.#entries.get(key);
      if (entry?.state !== "waiting") continue;
      const stays = this.#resting && (this.#goal.size === 0 || this.#goal.has(key));
      const lingers = entry.since <= early && entry.views >= LINGERING.views;
      if (stays || (lingers && this.#wanted.has(key))) void this.#start(entry);
    }
    if (this.#resting && this.#wantedEntries().every(({ pixels }) => pixels)) this.#startAhead();
  }

  #startAhead(): void {
    for (const key of this.#nearby) {
      if (this.#loading >= MOST_AHEAD) return;
      const entry = this.#entries.get(key);
      if (entry?.state === "waiting") void this.#start(entry);
    }
  }

  async #start(entry: Entry): Promise<void> {
    const abort = new AbortController();
    entry.abort = abort;
    entry.state = "loading";
    this.#loading++;
    this.counts.requested++;
    try {
      const pixels = await this.#load(entry.request, abort.signal);
      if (!abort.signal.aborted) this.#finish(entry, pixels);
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(entry, error);
    }
    if (!abort.signal.aborted) this.#loading--;
    this.#startWaiting();
    this.#changed();
  }

  #finish(entry: Entry, pixels: TilePixels): void {
    entry.state = "ready";
    entry.message = undefined;
    entry.pixels = pixels;
    this.counts.loaded++;
    this.#bytes += byteLength(pixels);
    this.#evict();
  }

  #fail(entry: Entry, error: unknown): void {
    entry.state = "failed";
    entry.message = error instanceof Error ? error.message : String(error);
    this.counts.failed++;
    const { retryDelay, maxRetryDelay } = this.#options;
    entry.timer = setTimeout(
      () => {
        this.#requeue(entry);
        this.#startWaiting();
        this.#changed();
      },
      Math.min(retryDelay * 2 ** entry.attempts++, maxRetryDelay),
    );
  }

  #requeue(entry: Entry): void {
    clearTimeout(entry.timer);
    entry.state = "waiting";
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#options.maxBytes) return;
      if (entry.pixels && !this.#wanted.has(key) && !this.#goal.has(key)) this.#drop(key, entry);
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    clearTimeout(entry.timer);
    if (entry.pixels) this.#bytes -= byteLength(entry.pixels);
    this.#abort(entry);
  }

  #abort(entry: Entry): void {
    if (entry.state !== "loading") return;
    this.#loading--;
    this.counts.cancelled++;
    entry.abort?.abort();
  }
}

function isOnItsWay({ state }: Entry): boolean {
  return state === "waiting" || state === "loading";
}

/** One string per distinct tile. */
export function tileKey(request: TileRequest): string {
  const selections = request.selections.map((indices) => indices.join(",")).join(";");
  return `${addressKey(request)}/${selections}`;
}

function sameKeys(a: ReadonlySet<string>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key));
}

function byteLength({ planes }: TilePixels): number {
  return planes.reduce((sum, plane) => sum + plane.byteLength, 0);
}
