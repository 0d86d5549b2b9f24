// Builds the console into dist/, which is committed and embedded: the same sources and packages give the same bytes.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { licences } from './licences';

export default defineConfig({
  plugins: [react(), licences()],
  build: {
    assetsDir: 'console', // every file but the page itself is served below /console/
    assetsInlineLimit: 0, // the content security policy knows files of this service and nothing else
    modulePreload: { polyfill: false },
    target: 'es2023',
    chunkSizeWarningLimit: 400,
  },
});
