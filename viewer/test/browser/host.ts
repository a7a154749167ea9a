/**
 * The parent page of the browser tests: it plays the ImJoy core for the viewer in a sandboxed
 * iframe, as a notebook does, with stores that are computed here.
 */
import { RPC } from "imjoy-rpc/src/rpc.js";
import { type FakeStore, type MandelbrotOptions, mandelbrotStore } from "./fake_stores";
import { type PatternOptions, patternStore } from "./pattern";

/** Which store the host offers: the set, unless a pattern is asked for. */
export type HostOptions = MandelbrotOptions & { pattern?: PatternOptions };

type Handler = (data: Record<string, unknown>) => void;

class FrameConnection {
  readonly #handlers = new Map<string, Handler[]>();
  readonly #frame: HTMLIFrameElement;
  peer_id: unknown;

  constructor(frame: HTMLIFrameElement) {
    this.#frame = frame;
    window.addEventListener("message", ({ source, data }) => {
      if (source !== frame.contentWindow) return;
      if (data.type === "initialized") this.peer_id = data.peer_id;
      for (const handler of [...(this.#handlers.get(data.type) ?? [])]) handler(data);
    });
  }

  on(type: string, handler: Handler) {
    this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler]);
  }

  once(type: string, handler: Handler) {
    const once: Handler = (data) => {
      const rest = (this.#handlers.get(type) ?? []).filter((other) => other !== once);
      this.#handlers.set(type, rest);
      handler(data);
    };
    this.on(type, once);
  }

  emit(data: Record<string, unknown>) {
    this.#frame.contentWindow?.postMessage({ ...data, peer_id: this.peer_id }, "*");
  }

  execute() {}
  disconnect() {}
}

export interface Host {
  api: Record<string, (...args: unknown[]) => Promise<unknown>>;
  store: FakeStore;
  views: unknown[];
}

declare global {
  interface Window {
    startHost(page: string, options: HostOptions): Promise<void>;
    host: Host;
  }
}

window.startHost = async (page, options) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.setAttribute("allow", "fullscreen; clipboard-write");
  const connection = new FrameConnection(frame);
  const ready = new Promise<Host["api"]>((resolve) => {
    connection.on("initialized", () => {
      const rpc = new RPC(connection, { name: "core" }, {});
      rpc.on("remoteReady", () => resolve(rpc.getRemote()));
      rpc.setInterface({ alert() {} });
      rpc.sendInterface();
      rpc.requestRemote();
    });
  });
  frame.srcdoc = page;
  document.body.append(frame);
  const store = options.pattern ? patternStore(options.pattern) : mandelbrotStore(options);
  window.host = { api: await ready, store, views: [] };
};
