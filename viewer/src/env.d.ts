/** A module bundled as one classic script, as text (see vite.config.ts). */
declare module "*?script" {
  const code: string;
  export default code;
}

/** The stops of every scale that `colormap` knows, by name. */
declare module "colormap/colorScale.js" {
  const scales: Record<string, unknown>;
  export default scales;
}

/** The one part of imjoy-rpc that a window plugin needs; the package's index bundles four more. */
declare module "imjoy-rpc/dist/imjoy-rpc.min.js" {
  const imjoyRPC: {
    setupRPC(config: Record<string, unknown>): Promise<{ export(api: object): void }>;
  };
  export default imjoyRPC;
}
