import { expose } from "comlink";
import { ZarrRoom } from "./room";

/** Given where this script runs on the main thread, for want of a worker. */
declare const zarrPort: MessagePort | undefined;

const port = typeof zarrPort === "undefined" ? (globalThis as unknown as MessagePort) : zarrPort;
expose(new ZarrRoom(), port);
port.postMessage("ready");
