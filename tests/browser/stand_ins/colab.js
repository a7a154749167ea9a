/**
 * An output frame of Google Colab, as far as a widget sees it: what its widget manager
 * (googlecolab/colab-cdn-widget-manager, src/manager.ts) does with Colab's comms.
 *
 * A comm has `send(data, { buffers })`, a promise, and `messages`, an async iterable of
 * `{ data, buffers }`. Widgets get the buffers as Uint8Arrays. There is no Jupyter server: the
 * only way to the kernel is `toKernel`, which the test gives.
 */

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function textOf(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 2 ** 15) {
    text += String.fromCharCode(...bytes.subarray(i, i + 2 ** 15));
  }
  return btoa(text);
}

class Comm {
  constructor() {
    this.waiting = [];
    this.wake = () => {};
  }

  /** What the test calls with a message of the kernel. */
  receive(data, buffers) {
    this.waiting.push({ data, buffers: buffers.map((text) => bytesOf(text).buffer) });
    this.wake();
  }

  async send(data, { buffers = [] } = {}) {
    await window.toKernel(data, buffers.map(textOf));
  }

  get messages() {
    return this.read();
  }

  async *read() {
    for (;;) {
      while (this.waiting.length) yield this.waiting.shift();
      await new Promise((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

class Model {
  constructor(state, comm) {
    this.state = state;
    this.comm = comm;
    this.listeners = [];
    this.listen();
  }

  async listen() {
    for await (const { data, buffers } of this.comm.messages) {
      const views = buffers.map((buffer) => new Uint8Array(buffer));
      if (data.method === "custom") {
        for (const [event, heard] of [...this.listeners]) {
          if (event === "msg:custom") heard(data.content, views);
        }
      }
    }
  }

  get(name) {
    return this.state[name];
  }

  on(event, heard) {
    this.listeners.push([event, heard]);
  }

  off(event, heard) {
    this.listeners = this.listeners.filter(([other, its]) => other !== event || its !== heard);
  }

  send(content, _callbacks, buffers = []) {
    const views = buffers.map((buffer) =>
      ArrayBuffer.isView(buffer)
        ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
        : new Uint8Array(buffer),
    );
    this.comm.send({ method: "custom", content }, { buffers: views });
  }
}

/** Show an anywidget in this frame. */
window.show = async (state) => {
  window.comm = new Comm();
  const style = document.createElement("style");
  style.textContent = state._css;
  document.head.append(style);
  const code = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const { default: widget } = await import(code);
  const model = new Model(state, window.comm);
  await widget.initialize?.({ model });
  await widget.render({ model, el: document.body });
};
