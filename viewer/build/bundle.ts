import { build, type Plugin } from "vite";

/** A module and everything it imports as one classic script, and the files that went into it. */
export async function bundleScript(entry: string): Promise<{ code: string; files: string[] }> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    plugins: [inlineScript()],
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

/**
 * `import code from "./worker.ts?script"`: the module bundled as one classic script, as text.
 *
 * Vite's own `?worker&inline` only yields a Worker constructor; the page needs the text, to run the
 * same code without a worker where the host page's security policy forbids workers.
 */
function inlineScript(): Plugin {
  const suffix = "?script";
  return {
    name: "inline-script",
    enforce: "pre",
    async resolveId(id, importer) {
      if (!id.endsWith(suffix)) return null;
      const resolved = await this.resolve(id.slice(0, -suffix.length), importer);
      return resolved && `${resolved.id}${suffix}`;
    },
    async load(id) {
      if (!id.endsWith(suffix)) return null;
      const { code, files } = await bundleScript(id.slice(0, -suffix.length));
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(code)}`;
    },
  };
}

/** Puts a module, bundled as a classic script, at the top of the page: it runs before all others. */
export function firstScript(entry: string): Plugin {
  return {
    name: "first-script",
    transformIndexHtml: {
      order: "post",
      async handler() {
        const { code } = await bundleScript(entry);
        // "</script" ends an inline script wherever it stands, in a string too.
        const children = code.replaceAll("</script", "<\\/script");
        return [{ tag: "script", children, injectTo: "head-prepend" }];
      },
    },
  };
}
