import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";

// Tests run on the sources of every workspace package, so no build comes first.
const conditions = ["assay:source", "module", "node", "development|production"];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // One worker per core for the whole run: 2.4 to 7 times faster than a worker per file on 2 cores.
    // It obliges every test to restore the globals it touches.
    isolate: false,
    // No test asserts on durations; a busy machine must not turn one red.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [...readdirSync("packages").map((name) => `packages/${name}`), "bench"].map((root) => ({
      extends: true as const,
      root,
      test: {
        name: basename(root),
        environment: "node",
        include: [root === "bench" ? "**/*.test.ts" : "{src,test}/**/*.test.ts"],
        benchmark: { include: ["bench/**/*.bench.ts"] },
      },
    })),
    reporters: ["default", "./scripts/tally-reporter.ts"],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary", "lcovonly"],
    },
  },
});

export default config;
