import { expose } from "comlink";
import { ZarrRoom } from "./room";

/** Given where this script runs on the main thread, for want of a worker. */
declare const zarrPort: MessagePort | undefined;

/**
 * Has the browser get ready to draw with WebGL, until the first message comes. A page's first
 * context takes 0.15 to 0.35 s on its thread; after one in a worker, meanwhile, 15 ms.
 */
function warmGraphics(port: MessagePort): void {
  if (typeof OffscreenCanvas === "undefined") return;
  const context = new OffscreenCanvas(1, 1).getContext("webgl2");
  const release = () => context?.getExtension("WEBGL_lose_context")?.loseContext();
  port.addEventListener("message", release, { once: true });
}

const port = typeof zarrPort === "undefined" ? (globalThis as unknown as MessagePort) : zarrPort;
expose(new ZarrRoom(), port);
port.postMessage("ready");
if (typeof zarrPort === "undefined") warmGraphics(port);
