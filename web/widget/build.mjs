// Builds the widget into web/dist/widget and fails when it grows past its budget:
// it loads on other people's pages, over lines that are slow when they work at all.
import { build as bundle } from 'esbuild';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here('../dist/widget/');

const BUDGET = { 'widget.js': 3 * 1024, 'widget-chat.js': 20 * 1024 }; // bytes, gzip

/** Style sheets are written a rule a line, and travel in one. */
const oneLine = {
  name: 'one-line',
  setup: (b) => b.onLoad({ filter: /src.(style|loader)\.ts$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8')).replace(/`[^`]*`/g, (text) => text.replaceAll('\n', '')), loader: 'ts',
  })),
};

export async function build() {
  await mkdir(out, { recursive: true });
  const shared = { plugins: [oneLine], bundle: true, minify: true, format: 'iife', target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'], legalComments: 'none', logLevel: 'warning' };
  await bundle({ ...shared, entryPoints: [here('./src/loader.ts')], outfile: out + 'widget.js' });
  await bundle({ ...shared, entryPoints: [here('./src/chat.ts')], outfile: out + 'widget-chat.js' });
  await bundle({ ...shared, entryPoints: [here('./demo/shop.ts')], outfile: out + 'shop.js' });
  for (const file of ['shop.html', 'shop.css']) await copyFile(here('./demo/' + file), out + file);
  let fat = false;
  for (const [file, limit] of Object.entries(BUDGET)) {
    const size = gzipSync(await readFile(out + file), { level: 9 }).length;
    console.log(`widget: ${file} ${size} of ${limit} bytes (gzip)`);
    fat ||= size > limit;
  }
  if (fat) throw new Error('widget: over its size budget');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
