import { expect, test, vi } from "vitest";
import { pluginApi } from "../../src/plugin";
import { Viewer } from "../../src/state";

vi.mock("../../src/zarr_client", () => ({ openSource: vi.fn() }));

const listener = { changed: async () => null };

test.each([
  ["can be opened", async () => "image-1"],
  ["cannot be opened", () => Promise.reject(new Error("no such image"))],
])("who asks to be told is answered when the first image %s", async (_, addImage) => {
  const viewer = new Viewer();
  vi.spyOn(viewer, "addImage").mockImplementation(addImage);
  const api = pluginApi(viewer);
  const answered = vi.fn();
  for (const name of ["on_view_state", "on_palette", "on_bookmarks"] as const) {
    Promise.resolve(api[name](listener)).then(answered);
  }
  await new Promise((resolve) => setTimeout(resolve));
  expect(answered).not.toHaveBeenCalled();
  await Promise.resolve(api.add_image({})).catch(() => undefined);
  await vi.waitFor(() => expect(answered).toHaveBeenCalledTimes(3));
});
