import { defineConfig, mergeConfig } from "vitest/config";
import viteConfig from "./vite.config";

export default mergeConfig(
  viteConfig,
  defineConfig({
    test: {
      projects: [
        {
          extends: true,
          // Thousands of exact journeys take seconds where two processors have other work.
          test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 },
        },
        {
          extends: true,
          test: {
            name: "browser",
            include: ["test/browser/**/*.test.ts"],
            testTimeout: 60_000,
            hookTimeout: 120_000,
            fileParallelism: false,
            // Software rendering on a busy machine can stall for seconds; a fault fails twice.
            retry: 1,
          },
        },
      ],
    },
  }),
);
