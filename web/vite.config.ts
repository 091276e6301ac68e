import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const desk = process.env.HOLDFAST_DESK ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: here('./console'),
  base: './',
  plugins: [svelte({ configFile: here('./svelte.config.js') })],
  build: {
    outDir: here('./dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // Nothing may be inlined: the page runs under script-src 'self'; style-src 'self'; font-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What every screen shares is one file; left alone it would be thirty small ones.
        codeSplitting: {
          groups: [
            { name: 'base', test: /node_modules\/(svelte|lucide|esm-env|clsx)\/|web\/(design\/(?!Qr)|protocol\/|texts\/(text|format)|console\/(sync|model|actions)\/)/ },
            { name: 'editor', test: /node_modules\/(prosemirror-|orderedmap|rope-sequence|w3c-keyname)|inbox\/editor\/(?!Writing|Tools|Voice|Emoji|emoji)/ },
            { name: 'inbox', test: /console\/views\/(?!settings|Search|Customers|CustomerPage|Outbox|Arrivals|Start|Palette|Help|Design|Specimen|inbox\/(Compose|MessageDrawer|SendLater|ForwardDialog)\.|inbox\/editor\/(?!Writing|Tools|Voice|Emoji\.))/ },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: { '/api': { target: desk, ws: true }, '/demo': desk, '/widget.js': desk },
  },
  test: {
    root: here('.'),
    include: ['console/**/*.test.ts', 'protocol/**/*.test.ts', 'texts/**/*.test.ts', 'design/**/*.test.ts'],
    environment: 'node',
  },
});
