import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fromViewState } from "../../src/frames";
import type { Image } from "../../src/image";
import type { ViewState } from "../../src/model";
import { Viewer } from "../../src/state";
import { watchPalette, watchView } from "../../src/view_events";

vi.mock("../../src/zarr_client", () => ({ openSource: vi.fn() }));

const at = (x: number, zoom = 0): ViewState => ({ zoom, target: [x, 0] });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(start?: ViewState) {
  const viewer = new Viewer();
  const look = (view: ViewState) => {
    viewer.camera.value = fromViewState(view);
  };
  if (start) look(start);
  const events = watchView(viewer, 100);
  const told = vi.fn(async (_: ViewState): Promise<unknown> => null);
  events.listen(told);
  const rest = () => vi.advanceTimersByTimeAsync(150);
  return { look, events, told, rest };
}

test("listeners hear where a move ended, once", async () => {
  const { look, told, rest } = setUp();
  for (let x = 0; x <= 50; x++) {
    look(at(x));
    await vi.advanceTimersByTimeAsync(16);
  }
  await rest();
  expect(told.mock.calls).toEqual([[at(50)]]);
});

test("a view that was told is not told back", async () => {
  const { look, events, told, rest } = setUp();
  events.adopt(() => look(at(7)));
  await rest();
  expect(told).not.toHaveBeenCalled();
  look(at(8));
  await rest();
  expect(told.mock.calls).toEqual([[at(8)]]);
});

test("a shift below what the screen can show is no move", async () => {
  const { look, told, rest } = setUp(at(5));
  await rest();
  look(at(5.001));
  await rest();
  expect(told.mock.calls).toEqual([[at(5)]]);
});

test("one who listens later hears at once where the camera is", async () => {
  const { events, rest } = setUp(at(3));
  await rest();
  const late = vi.fn(async (_: ViewState) => null);
  events.listen(late);
  expect(late.mock.calls).toEqual([[at(3)]]);
});

test("the whole image that a page opens with is told as where nobody went", async () => {
  const viewer = new Viewer();
  const whole = fromViewState(at(5, -3));
  vi.spyOn(viewer, "wholeImage", "get").mockReturnValue(whole);
  const events = watchView(viewer, 100);
  const told = vi.fn(async (_: ViewState): Promise<unknown> => null);
  events.listen(told);
  for (const camera of [whole, fromViewState(at(6)), whole]) {
    viewer.camera.value = camera;
    // At once: what the page opens with is no move that would have to come to rest.
    if (camera === whole) expect(told.mock.calls.length).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(150);
  }
  const last = at(5, -3);
  expect(told.mock.calls).toEqual([[{ ...last, fitted: true }], [at(6)], [last]]);
});

test("one whose other end is gone is not asked again, and the others still are", async () => {
  const { look, events, told, rest } = setUp();
  const gone = vi.fn(() => Promise.reject(new Error("gone")));
  events.listen(gone);
  look(at(1));
  await rest();
  look(at(2));
  await rest();
  expect(gone).toHaveBeenCalledTimes(1);
  expect(told).toHaveBeenCalledTimes(2);
});

test("a place can be asked for before there is an image", () => {
  const viewer = new Viewer();
  viewer.look({ center: ["0", "0"], width: "1" });
  expect(viewer.camera.value).toBeUndefined();
});

test("a palette is told at once when there is one, and later when the choice has come to rest", async () => {
  const viewer = new Viewer();
  const colormap = signal<string | undefined>("fire");
  const events = watchPalette(viewer, 100);
  const told = vi.fn(async (_: string): Promise<unknown> => null);
  events.listen(told);
  viewer.images.value = [{ colormap } as unknown as Image];
  expect(told.mock.calls).toEqual([["fire"]]);
  colormap.value = "ice";
  colormap.value = "viridis";
  await vi.advanceTimersByTimeAsync(150);
  events.adopt(() => {
    colormap.value = "magma";
  });
  await vi.advanceTimersByTimeAsync(150);
  expect(told.mock.calls).toEqual([["fire"], ["viridis"]]);
});
