import workerScript from "./worker.ts?script";

/** The Zarr room in a worker; where the host page's policy forbids workers, on this thread. */
export async function startWorker(): Promise<Worker | MessagePort> {
  const url = URL.createObjectURL(new Blob([workerScript], { type: "text/javascript" }));
  try {
    const worker = new Worker(url);
    // A worker that a policy forbids is constructed all the same, and then fails.
    await new Promise((resolve, reject) => {
      worker.addEventListener("message", resolve, { once: true });
      worker.addEventListener("error", () => reject(new Error("it failed to start")), {
        once: true,
      });
    });
    return worker;
  } catch (error) {
    console.warn("No worker can be started here; chunks are decoded on the main thread.", error);
    const { port1, port2 } = new MessageChannel();
    port2.start();
    new Function("zarrPort", workerScript)(port2);
    port1.start();
    return port1;
  } finally {
    URL.revokeObjectURL(url);
  }
}
