import { expose } from "comlink";
import { ZarrRoom } from "./room";

/** Given where this script runs on the main thread, for want of a worker. */
declare const zarrPort: MessagePort | undefined;

expose(new ZarrRoom(), typeof zarrPort === "undefined" ? undefined : zarrPort);
