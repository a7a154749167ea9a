import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { firstScript } from "./build/bundle";
import { unused } from "./build/unused";

export default defineConfig({
  plugins: [firstScript("src/first.ts"), viteSingleFile()],
  resolve: { alias: [unused] },
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: { target: "es2022", reportCompressedSize: true, modulePreload: false },
});
