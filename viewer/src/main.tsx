import { render } from "preact";
import type {} from "./first";
import { pluginApi, replaceable } from "./plugin";
import { sentence, Viewer } from "./state";
import { App } from "./ui/app";
import { loadVizarr } from "./upstream";
import "./style.css";
import "./ui/panel.css";

const viewer = new Viewer();
const { connection } = globalThis.begun;
if (connection) {
  const api = replaceable(
    pluginApi(viewer),
    (address) => loadVizarr(address, document.body),
    (address, error) =>
      viewer.report({
        id: "upstream",
        text: `${address} cannot be loaded, so this is the bundled viewer. ${sentence(error)}`,
      }),
  );
  connection.provide(api);
  connection.exported.catch((error) => {
    viewer.report({
      id: "plugin",
      text: `The viewer could not connect to its notebook; run the cell again. ${sentence(error)}`,
    });
  });
} else {
  // Opened by itself, not as a plugin: an image may be named in the address.
  const source = new URLSearchParams(location.search).get("source");
  if (source) {
    const { href } = new URL(source, document.baseURI);
    void viewer.addImage({ source: href }).catch(() => undefined);
  }
}
const root = document.getElementById("app");
if (root) render(<App viewer={viewer} />, root);
