import { build } from "vite";

/** A module and everything it imports as one classic script, and the files that went into it. */
export async function bundleScript(entry: string): Promise<{ code: string; files: string[] }> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      target: "es2022",
      lib: { entry, formats: ["iife"], name: "script" },
      rollupOptions: { output: { inlineDynamicImports: true } },
    },
  });
  const [bundle] = Array.isArray(result) ? result : [result];
  if (!bundle || !("output" in bundle)) throw new Error(`no bundle came out of ${entry}`);
  const [{ code, moduleIds }] = bundle.output;
  return { code, files: moduleIds.filter((id) => !id.includes("node_modules")) };
}
