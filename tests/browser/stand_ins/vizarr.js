/**
 * A module with the entry points of today's vizarr: `createViewer(element).addImage({ source })`.
 * It reads what it is given with zarrita, as that does, and says what it read.
 */
import * as zarr from "zarrita";

// As the deck.gl and the luma.gl in vizarr do, which are of other versions than ours.
for (const name of ["deck", "luma"]) {
  if (globalThis[name]) throw new Error(`${name}.gl - multiple versions detected`);
  globalThis[name] = { VERSION: "9.1.15" };
}

export async function createViewer(element, { menuOpen }) {
  const listeners = [];
  const images = [];
  element.dataset.menuOpen = menuOpen;

  async function addImage({ source, ...options }) {
    const group = await zarr.open(zarr.root(source), { kind: "group" });
    const { path } = group.attrs.multiscales[0].datasets.at(-1);
    const array = await zarr.open(group.resolve(path), { kind: "array" });
    const { data } = await array.getChunk([0, 0]);
    const total = data.reduce((sum, value) => sum + value, 0);
    images.push({ ...options, shape: array.shape, chunk: [...data.slice(0, 4)], total });
    element.dataset.images = JSON.stringify(images);
  }

  return {
    addImage,
    setViewState(view) {
      element.dataset.view = JSON.stringify(view);
      for (const listener of listeners) listener({ ...view, target: [...view.target, 0] });
    },
    on: (event, listener) => event === "viewStateChange" && listeners.push(listener),
    destroy: () => element.removeAttribute("data-images"),
  };
}
