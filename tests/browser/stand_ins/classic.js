/**
 * A window plugin with the entry points of vizarr v0.3: `imjoyRPC.setupRPC`, `add_image`,
 * `set_view_state`. It reads what it is given with zarr.js, as that did, and says what it read.
 */
import * as imjoyRPC from "imjoy-rpc/dist/imjoy-rpc.min.js";
import { openArray } from "zarr";

function say(name, value) {
  document.querySelector("main").dataset[name] = JSON.stringify(value);
}

const decoder = new TextDecoder();

async function addImage({ source, name }) {
  const attributes = JSON.parse(decoder.decode(await source.getItem(".zattrs")));
  const { path } = attributes.multiscales[0].datasets.at(-1);
  const array = await openArray({ store: source, path, mode: "r" });
  const { data } = await array.getRawChunk([0, 0]);
  const missing = await source.containsItem("nothing");
  say("image", { name, shape: array.shape, chunk: [...data.slice(0, 4)], total: sum(data), missing });
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

const api = await imjoyRPC.setupRPC({ name: "vizarr" });
api.export({
  setup() {},
  add_image: addImage,
  set_view_state: (view) => say("view", view),
});
