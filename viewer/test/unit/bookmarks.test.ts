import { signal } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import {
  addBookmark,
  type Bookmark,
  parseBookmarks,
  toWire,
  watchBookmarks,
} from "../../src/bookmarks";
import type { Viewer } from "../../src/state";

const HOME: Bookmark = { name: "home", center: ["-0.75", "0.1"], width: "1e-300" };

function viewerAt(location: object | undefined): Viewer {
  return {
    bookmarks: signal<readonly Bookmark[]>([]),
    location: signal(location),
    images: signal([]),
  } as unknown as Viewer;
}

describe("bookmarks over RPC", () => {
  test("are the same on the other side, pictures too", () => {
    const thumbnail = Uint8Array.from([1, 2, 3]);
    const wire = [HOME, { ...HOME, thumbnail }].map(toWire);
    expect(wire[1]?.thumbnail).toBeInstanceOf(ArrayBuffer);
    expect(parseBookmarks(wire)).toEqual([HOME, { ...HOME, thumbnail }]);
  });

  test.each([undefined, "home", [null], [{ ...HOME, width: 3 }], [{ ...HOME, center: ["1"] }]])(
    "%j is refused",
    (value) => {
      expect(() => parseBookmarks(value)).toThrow("expected a list of {name, center");
    },
  );
});

describe("bookmarks of a person", () => {
  test("are told to those who listen; what they sent is not told back", () => {
    const viewer = viewerAt(undefined);
    const events = watchBookmarks(viewer);
    const told = vi.fn(async () => undefined);
    events.listen(told);
    events.adopt([HOME]);
    expect(viewer.bookmarks.value).toEqual([HOME]);
    expect(told).not.toHaveBeenCalled();
    viewer.bookmarks.value = [{ ...HOME, name: "renamed" }];
    expect(told).toHaveBeenCalledExactlyOnceWith([{ ...HOME, name: "renamed" }]);
  });

  test("a listener that fails is not asked again", async () => {
    const viewer = viewerAt(undefined);
    const events = watchBookmarks(viewer);
    const gone = vi.fn(() => Promise.reject(new Error("the kernel is gone")));
    events.listen(gone);
    viewer.bookmarks.value = [HOME];
    await Promise.resolve();
    viewer.bookmarks.value = [];
    expect(gone).toHaveBeenCalledTimes(1);
  });

  test("are made where the view is, under a name that is free", async () => {
    const viewer = viewerAt({ center: ["1", "2"], width: "3" });
    await addBookmark(viewer);
    await addBookmark(viewer);
    viewer.bookmarks.value = viewer.bookmarks.value.slice(1);
    await addBookmark(viewer);
    expect(viewer.bookmarks.value.map(({ name }) => name)).toEqual(["Place 2", "Place 3"]);
    expect(viewer.bookmarks.value[0]).toMatchObject({ center: ["1", "2"], width: "3" });
  });

  test("are not made while there is nothing to see", async () => {
    const viewer = viewerAt(undefined);
    expect(await addBookmark(viewer)).toBeUndefined();
    expect(viewer.bookmarks.value).toEqual([]);
  });
});
