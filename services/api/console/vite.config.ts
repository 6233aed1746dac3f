// Built into dist/, which services/api/pages.py serves below /console/; nothing is inlined, because the pages' policy forbids it.
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/console/",
  oxc: { jsx: { runtime: "automatic", importSource: "react" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1400,
    rollupOptions: { output: { manualChunks: (id: string) => (id.includes("node_modules/maplibre-gl") ? "maplibre" : undefined) } },
  },
  worker: { format: "es" },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/readyz": "http://127.0.0.1:8080" } },
});
