import { describe, expect, test, vi } from "vitest";
import { type RemoteStore, remoteStore } from "../../src/zarr/store";

/** A remote that answers when told to. */
function setUp() {
  const pending = new Map<number, (bytes: ArrayBuffer | null) => void>();
  const remote = {
    getItem: vi.fn<RemoteStore["getItem"]>(
      (_key, { id }) => new Promise((resolve) => pending.set(id, resolve)),
    ),
    cancelItems: vi.fn(async (_ids: number[]) => null),
  };
  return { remote, store: remoteStore(remote), pending };
}

const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer;

describe("a remote store", () => {
  test("asks for a key without its leading slash", async () => {
    const { remote, store, pending } = setUp();
    const got = store.get("/3/1.2");
    const [[key, { id }] = ["", { id: 0 }]] = remote.getItem.mock.calls;
    pending.get(id)?.(bytes("abc"));
    expect(key).toBe("3/1.2");
    expect(new TextDecoder().decode(await got)).toBe("abc");
  });

  test("turns null into a missing key", async () => {
    const { store, pending } = setUp();
    const got = store.get("/x");
    for (const answer of pending.values()) answer(null);
    expect(await got).toBeUndefined();
  });

  test("passes errors on", async () => {
    const store = remoteStore({ getItem: () => Promise.reject(new Error("no")) });
    await expect(store.get("/x")).rejects.toThrow("no");
  });

  test("cancels aborted requests in one message and rejects them at once", async () => {
    const { remote, store } = setUp();
    const abort = new AbortController();
    const got = ["/a", "/b"].map((key) =>
      Promise.resolve(store.get(key as `/${string}`, { signal: abort.signal })),
    );
    abort.abort();
    for (const promise of got) await expect(promise).rejects.toThrow(/abort/i);
    const ids = remote.getItem.mock.calls.map(([, { id }]) => id);
    expect(remote.cancelItems.mock.calls).toEqual([[ids]]);
  });

  test("never takes the null of a cancelled request for a missing chunk", async () => {
    const { store, pending } = setUp();
    const abort = new AbortController();
    const got = Promise.resolve(store.get("/a", { signal: abort.signal }));
    abort.abort();
    for (const answer of pending.values()) answer(null);
    await expect(got).rejects.toThrow(/abort/i);
  });

  test("numbers every request anew", () => {
    const { remote, store } = setUp();
    void store.get("/a");
    void store.get("/a");
    void remoteStore(remote).get("/a");
    const ids = remote.getItem.mock.calls.map(([, { id }]) => id);
    expect(new Set(ids).size).toBe(3);
  });
});
