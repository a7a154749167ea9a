import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { bundleScript } from "./build/bundle";

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

export default defineConfig({
  plugins: [inlineScript(), viteSingleFile()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: { target: "es2022", reportCompressedSize: true, modulePreload: false },
});
