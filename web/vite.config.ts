import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { first, texts } from './reach';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const desk = process.env.HOLDFAST_DESK ?? 'http://127.0.0.1:8080';

const atOnce = first();

export default defineConfig({
  root: here('./console'),
  base: './',
  plugins: [texts(), svelte({ configFile: here('./svelte.config.js') })],
  build: {
    outDir: here('./dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // Nothing may be inlined: the page runs under script-src 'self'; style-src 'self'; font-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        chunkFileNames: (c) => `assets/[name]${/\?(first|rest)$/.exec(c.facadeModuleId ?? '')?.[1] ?? ''}-[hash].js`,
        // What every screen shares is one file; left alone it would be thirty small ones.
        codeSplitting: {
          groups: [
            { name: 'base', test: (id: string) => /node_modules\/(svelte|lucide|esm-env|clsx)\//.test(id) || (atOnce.has(id) && /web\/(design|protocol|texts|console\/(sync|model|actions))\//.test(id)) },
            { name: 'editor', test: /node_modules\/(prosemirror-|orderedmap|rope-sequence|w3c-keyname)|inbox\/editor\/(?!Writing|Tools|Voice|Emoji|emoji)/ },
            { name: 'inbox', test: (id: string) => atOnce.has(id.replace(/\?.*/, '')) && /console\/views\//.test(id) },
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
    testTimeout: 60_000, // a busy machine is no fault
  },
});
