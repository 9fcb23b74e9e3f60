import { defineConfig } from 'vite';

// The page is served under any prefix, so every address in it is relative.
export default defineConfig({
  base: './',
  server: { proxy: { '/api': 'http://127.0.0.1:8765', '/tiles': 'http://127.0.0.1:8765' } },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 1200 },
});
