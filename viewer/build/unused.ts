/**
 * Stands in for what Viv and deck.gl import and this viewer never uses: file readers, layers of
 * maps and texts, a compiler for WebGPU, gestures of their own. Their modules run code when they
 * are read, so that the bundler must keep them: a third of the page, to download, parse and run.
 */
import { fileURLToPath } from "node:url";
import type { Alias } from "vite";

const MODULES =
  /^(?:@vivjs\/loaders|@deck\.gl\/(?:geo-)?layers|@loaders\.gl\/.+|@math\.gl\/culling|mjolnir\.js|wgsl_reflect)$/;

/** Has imports of the unused modules get `stand_ins.ts` instead. */
export const unused: Alias = {
  find: MODULES,
  replacement: fileURLToPath(new URL("stand_ins.ts", import.meta.url)),
};
