declare module "imjoy-rpc/src/rpc.js" {
  export class RPC {
    constructor(connection: object, config: object, codecs: object);
    on(event: string, handler: () => void): void;
    getRemote(): Record<string, (...args: unknown[]) => Promise<unknown>>;
    setInterface(api: object): Promise<void>;
    sendInterface(): void;
    requestRemote(): void;
  }
}
