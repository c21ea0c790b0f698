// One build, one set of tests in two projects: `unit` (jsdom) and `browser` (the real program and Chromium).
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// For `npm run dev`: where a running Keepwatch listens.
const server = process.env.KEEPWATCH_URL ?? "http://127.0.0.1:9090";

export default defineConfig({
  // Relative: the server finds assets below every path, so no prefix is built in.
  base: "./",
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    manifest: true,
    rollupOptions: {
      output: {
        // All files in one folder; names hold a hash of the content.
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/api": server, "/-/": server, "/metrics": server } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          environment: "jsdom",
          include: ["src/**/*.test.{ts,tsx}"],
          setupFiles: ["src/test/setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          environment: "node",
          include: ["browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One program and one browser at a time: two cores are shared.
          fileParallelism: false,
        },
      },
    ],
  },
});
