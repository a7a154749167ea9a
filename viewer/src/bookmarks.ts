/** Places that a person keeps. The notebook's handle holds them; this page shows and changes them. */

import { effect } from "@preact/signals";
import type { Location } from "./model";
import { takePicture } from "./picture";
import type { Viewer } from "./state";

export interface Bookmark extends Location {
  readonly name: string;
  /** A small picture, as a PNG file. */
  readonly thumbnail?: Uint8Array<ArrayBuffer>;
}

/** As the protocol has it: bytes travel as a buffer. */
export type WireBookmark = Location & { readonly name: string; readonly thumbnail?: ArrayBuffer };

type Listener = (bookmarks: readonly WireBookmark[]) => Promise<unknown>;

/** Pixels a side at most. */
const THUMBNAIL = { width: 132, height: 88 };

/** Keeps what is on screen now; resolves to what was added. */
export async function addBookmark(viewer: Viewer): Promise<Bookmark | undefined> {
  const location = viewer.location.peek();
  if (!location) return undefined;
  const thumbnail = await takePicture(viewer, THUMBNAIL).catch(() => undefined);
  const taken = new Set(viewer.bookmarks.peek().map(({ name }) => name));
  let number = taken.size + 1;
  while (taken.has(`Place ${number}`)) number++;
  const bookmark = { name: `Place ${number}`, ...location, ...(thumbnail && { thumbnail }) };
  viewer.bookmarks.value = [...viewer.bookmarks.peek(), bookmark];
  return bookmark;
}

/**
 * Bookmarks as they came over RPC.
 *
 * @throws Error saying what was expected
 */
export function parseBookmarks(value: unknown): readonly Bookmark[] {
  if (!Array.isArray(value)) throw notBookmarks(value);
  return value.map((item) => {
    const { name, center, width, thumbnail } = (item ?? {}) as Record<string, unknown>;
    const [a, b] = Array.isArray(center) ? center : [];
    if (![name, a, b, width].every((text) => typeof text === "string")) throw notBookmarks(item);
    return {
      name: name as string,
      center: [a as string, b as string],
      width: width as string,
      ...(isBuffer(thumbnail) && { thumbnail: new Uint8Array(thumbnail) }),
    };
  });
}

export function toWire({ name, center, width, thumbnail }: Bookmark): WireBookmark {
  return { name, center, width, ...(thumbnail && { thumbnail: thumbnail.slice().buffer }) };
}

export interface BookmarkEvents {
  listen(listener: Listener): void;
  /** Takes over what a listener holds; it is not told that back. */
  adopt(bookmarks: readonly Bookmark[]): void;
}

/** Tells listeners of every change that the person makes. */
export function watchBookmarks(viewer: Viewer): BookmarkEvents {
  const listeners = new Set<Listener>();
  let known = viewer.bookmarks.peek();
  effect(() => {
    const now = viewer.bookmarks.value;
    if (now === known) return;
    known = now;
    // One whose other end is gone (a restarted kernel) is not asked again.
    for (const listener of listeners) {
      listener(now.map(toWire)).catch(() => listeners.delete(listener));
    }
  });
  return {
    listen: (listener) => void listeners.add(listener),
    adopt(bookmarks) {
      known = bookmarks;
      viewer.bookmarks.value = bookmarks;
    },
  };
}

function isBuffer(value: unknown): value is ArrayBuffer | Uint8Array<ArrayBuffer> {
  return value instanceof ArrayBuffer || value instanceof Uint8Array;
}

function notBookmarks(value: unknown): Error {
  return new Error(
    `The bookmarks hold ${JSON.stringify(value)}; expected a list of {name, center: [decimal, ` +
      "decimal], width: decimal}, decimals as text.",
  );
}
