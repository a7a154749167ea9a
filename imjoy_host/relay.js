/**
 * Relay between an ImJoy window plugin in a sandboxed iframe (postMessage) and ImJoyWindow in
 * Python (widget custom messages). docs/protocol.md has the table of the messages.
 *
 * An anywidget module: no bundler, no imports, no network.
 */

/** Pages by content hash, shared by all windows of this notebook page: each is fetched once. */
globalThis.imjoyHostPages ??= new Map();
const pages = globalThis.imjoyHostPages;

const UNREACHABLE_GRACE = 3; // seconds: fetch() may be refused where an iframe is not
const SHARED_PATIENCE = 5; // seconds
const KERNEL_PATIENCE = 5; // seconds
const FIRST_WAIT = 0.2; // seconds
const GATHERING = 4; // milliseconds

/**
 * What a window's iframe holds first. The page comes to it compressed, as it came to the browser: it
 * is unpacked there, beside the notebook's own work, and no 3 MB of text go through an attribute.
 */
const LOADER = `<!doctype html><script>
addEventListener("message", async ({ data }) => {
  try {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
    const html = await new Response(stream).text();
    document.open();
    document.write(html);
    document.close();
  } catch (error) {
    parent.postMessage({ unreadable: String(error) }, "*");
  }
}, { once: true });
</script>`;

const text = {
  kernelSilent: (seconds) =>
    `Python has not answered for ${seconds} s. If the kernel is busy, this goes on by itself when the running cell is done; if it was restarted or stopped, run this cell again.`,
  kernelGone:
    "The kernel behind this window is gone: it was restarted or stopped. Run this cell again.",
  pageSilent: (seconds, page) =>
    `${page} has not answered for ${seconds} s. It may still be loading, or it may not be an ImJoy window plugin. Retry, or open it in a tab of its own to see what it says.`,
  notReady: (seconds, page) =>
    `${page} has started, but was not ready after ${seconds} s: it has not exported its interface, or its setup has not finished. Retry; the browser's console may say why.`,
  unreachable: (url) =>
    `${url} cannot be reached from this browser. Check the address and the network, then retry.`,
  replaced: (url) =>
    `${url} cannot be reached from this browser, so this is the viewer of the package. Check the address and the network, then retry.`,
  unreadable: (error) => `The page could not be unpacked (${error}). A current browser can.`,
};

/** One view of the widget: one iframe, and one connection after the other. */
class WindowView {
  constructor(model, element) {
    this.model = model;
    this.url = model.get("_url");
    this.unreached = ""; // the address in whose place another page is shown
    this.timeout = model.get("_timeout");
    this.root = document.createElement("div");
    this.root.className = "imjoy-window";
    this.root.style.height = model.get("_height");
    this.notice = document.createElement("div");
    this.notice.className = "imjoy-notice";
    this.notice.setAttribute("role", "alert");
    this.notice.hidden = true;
    this.root.append(this.notice);
    element.append(this.root);

    this.disposed = new AbortController();
    const { signal } = this.disposed;
    model.on("msg:custom", (content, buffers) => this.receive(content, buffers ?? []));
    model.on("comm_live_update", () => setTimeout(() => this.checkKernel()));
    window.addEventListener("message", (event) => this.relay(event), { signal });
    window.addEventListener("pagehide", () => this.send({ type: "closed" }), { signal });
    this.open();
  }

  /** Load the page into a new iframe, over a new connection. */
  async open() {
    this.iframe?.remove();
    this.isLost = false;
    this.isReady = false;
    this.unanswered = new Set();
    this.connection = randomId();
    this.outbox = [];
    const { connection } = this;
    const iframe = document.createElement("iframe");
    // Downloads begin with a click only, and without them a page cannot save what it shows.
    iframe.sandbox = "allow-scripts allow-downloads";
    iframe.title = "ImJoy window";
    iframe.allow = "fullscreen; clipboard-write";
    this.iframe = iframe;
    if (this.url) {
      iframe.src = this.url;
      this.root.prepend(iframe);
      this.probe(connection);
    } else {
      iframe.srcdoc = LOADER;
      const loaded = new Promise((resolve) => {
        iframe.addEventListener("load", resolve, { once: true });
      });
      this.root.prepend(iframe);
      this.expect(text.kernelSilent, KERNEL_PATIENCE);
      const [page] = await Promise.all([this.page(), loaded]);
      if (this.connection !== connection || this.disposed.signal.aborted) return;
      iframe.contentWindow.postMessage(page, "*");
    }
    this.expect((seconds) => text.pageSilent(seconds, this.name()));
  }

  reopen() {
    this.send({ type: "closed" });
    this.url = this.model.get("_url");
    this.unreached = "";
    this.open();
  }

  /** The page's address cannot be reached: show the page that came with the widget, if any. */
  unreachable() {
    if (!this.model.get("_page_key")) {
      this.say(text.unreachable(this.url));
      return;
    }
    this.unreached = this.url;
    this.url = "";
    this.open();
  }

  dispose() {
    this.send({ type: "closed" });
    this.disposed.abort();
    this.settle();
    this.iframe?.remove();
  }

  /** The page, compressed: what another window got or asked for, else from Python. */
  async page() {
    const key = this.model.get("_page_key");
    if (pages.has(key)) {
      // Another window's kernel may be busy or gone: do not wait for it for ever.
      const page = await Promise.race([pages.get(key), sleep(SHARED_PATIENCE)]);
      if (page) return page;
    }
    pages.set(key, this.fetchPage(key));
    return pages.get(key);
  }

  fetchPage(key) {
    return new Promise((resolve) => {
      const receive = (content, buffers) => {
        if (content.type !== "page" || content.key !== key) return;
        this.model.off("msg:custom", receive);
        this.unanswered.delete("page");
        resolve(buffers[0]);
      };
      this.model.on("msg:custom", receive);
      this.insist("page", { type: "page" });
    });
  }

  /** Page to Python. Only the iframe's own window is listened to. */
  relay(event) {
    if (!this.iframe || event.source !== this.iframe.contentWindow) return;
    const message = event.data;
    if (typeof message?.unreadable === "string") this.say(text.unreadable(message.unreadable));
    if (typeof message?.type !== "string") return;
    if (message.type === "initialized" || message.type === "imjoyRPCReady") {
      this.expect(text.kernelSilent, KERNEL_PATIENCE);
      this.insist("rpc", { type: "rpc", messages: [message], paths: [] });
    } else if (this.outbox.push(message) === 1) {
      setTimeout(() => this.flush(), GATHERING);
    }
  }

  /**
   * Send what the page has said, all in one: each widget message costs the notebook, its server and
   * the kernel together some 30 ms, most of it for showing that the kernel is busy, and idle again.
   */
  flush() {
    if (this.outbox.length === 0) return; // of a connection before this one
    const paths = [];
    const buffers = [];
    const messages = takeBuffers(this.outbox, [], paths, buffers);
    this.outbox = [];
    this.send({ type: "rpc", messages, paths }, buffers);
  }

  /** Python to page. */
  receive(content, buffers) {
    if (content.type === "roll call") this.send({ type: "present" });
    if (content.type === "pong") {
      this.unanswered.delete("ping");
      this.found();
    }
    if (content.type === "problem") this.say(content.text);
    if (content.connection !== this.connection) return;
    if (content.type === "reload") this.reopen();
    if (content.type === "rpc") {
      this.unanswered.delete("rpc");
      const { messages, paths } = content;
      if (messages.some(({ type }) => type === "getInterface")) {
        this.expect((seconds) => text.notReady(seconds, this.name()));
      }
      const owned = paths.map((path, i) => putBuffer(messages, path, buffers[i]));
      messages.forEach((message, i) => {
        if (message.type === "ready") {
          this.ready();
          return;
        }
        const transfer = owned.filter((_, j) => paths[j][0] === i);
        this.iframe?.contentWindow?.postMessage(message, "*", transfer);
      });
    }
  }

  send(content, buffers = []) {
    try {
      this.model.send({ ...content, connection: this.connection }, undefined, buffers);
    } catch {
      this.lost(); // the comm is closed
    }
  }

  /**
   * Send, again and again, until `name` is no longer unanswered.
   *
   * JupyterLab has the kernel answer widgets in a subshell, beside the cells that run, but sends
   * the first messages before that subshell exists: they wait for the cells. Python takes each
   * of these messages once.
   */
  insist(name, content, wait = FIRST_WAIT, connection = this.connection) {
    if (wait === FIRST_WAIT) this.unanswered.add(name);
    const over = connection !== this.connection || this.isLost || this.disposed.signal.aborted;
    if (over || !this.unanswered.has(name)) return;
    this.send(content);
    setTimeout(() => this.insist(name, content, 2 * wait, connection), wait * 1000);
  }

  /** An iframe that fails to load fires no error; fetch() tells. */
  async probe(connection) {
    try {
      await fetch(this.url, { mode: "no-cors", credentials: "omit" });
    } catch {
      this.unless(() => this.unreachable(), UNREACHABLE_GRACE, connection);
    }
  }

  /** The connection to the kernel came or went: is Python still there? */
  checkKernel() {
    this.expect(text.kernelSilent, KERNEL_PATIENCE);
    this.insist("ping", { type: "ping" });
  }

  /** The page is set up. */
  ready() {
    this.isReady = true;
    this.settle();
    if (this.unreached) this.say(text.replaced(this.unreached));
  }

  lost() {
    if (this.disposed.signal.aborted) return;
    this.isLost = true;
    this.say(text.kernelGone, {});
  }

  found() {
    if (this.isLost) this.reopen();
    else if (this.isReady) this.settle();
  }

  /** Show `sentence(seconds)` unless the next step comes in time. */
  expect(sentence, seconds = this.timeout) {
    this.unless(() => this.say(sentence(seconds)), seconds);
  }

  /** Do `action` unless the next step comes in time. */
  unless(action, seconds, connection = this.connection) {
    if (this.isLost || connection !== this.connection) return;
    this.settle();
    this.timer = setTimeout(action, seconds * 1000);
  }

  settle() {
    clearTimeout(this.timer);
    this.notice.hidden = true;
  }

  say(sentence, actions = { Retry: () => this.reopen(), Dismiss: () => this.settle() }) {
    clearTimeout(this.timer);
    const paragraph = document.createElement("p");
    paragraph.textContent = sentence;
    const buttons = Object.entries(actions).map(([label, action]) => {
      const button = document.createElement("button");
      button.textContent = label;
      button.addEventListener("click", action);
      return button;
    });
    this.notice.replaceChildren(paragraph, ...buttons);
    this.notice.hidden = false;
  }

  name() {
    return this.url || "The page";
  }
}

/** Copy `value` without its ArrayBuffers and views; note these, and their paths. */
function takeBuffers(value, path, paths, buffers) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    paths.push(path);
    buffers.push(value);
    return null;
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => takeBuffers(item, [...path, i], paths, buffers));
  }
  if (value?.constructor === Object) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, takeBuffers(item, [...path, key], paths, buffers)]),
    );
  }
  return value;
}

/** Put one widget buffer (a DataView) where it belongs, as the ArrayBuffer that ImJoy expects. */
function putBuffer(messages, path, view) {
  const { buffer, byteOffset, byteLength } = view;
  const whole = byteLength === buffer.byteLength;
  const owned = whole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
  let parent = messages;
  for (const key of path.slice(0, -1)) parent = parent[key];
  parent[path.at(-1)] = owned;
  return owned;
}

function sleep(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** crypto.randomUUID() exists on https: and localhost only. */
function randomId() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

function render({ model, el }) {
  const view = new WindowView(model, el);
  return () => view.dispose();
}

export default { render };
