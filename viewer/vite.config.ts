import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { firstScript } from "./build/bundle";

export default defineConfig({
  plugins: [firstScript("src/first.ts"), viteSingleFile()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: { target: "es2022", reportCompressedSize: true, modulePreload: false },
});
