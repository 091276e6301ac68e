// Builds the console and, where its sources are there, the widget.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { build } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({ configFile: here('./vite.config.ts') });
await worker();
if (existsSync(here('./widget/build.mjs'))) {
  const widget = await import('./widget/build.mjs');
  if (typeof widget.build === 'function') await widget.build();
}
// The embed directive needs the folder even where nothing was built.
await writeFile(here('./dist/.keep'), '');

/** The service worker knows every file of this build by name, and those without a hash in their name by their bytes. */
async function worker() {
  const dist = here('./dist/console');
  const bytes = (path) => readFileSync(`${dist}/${path}`);
  const hash = (b) => createHash('sha256').update(b).digest('hex');
  const names = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => `${f.parentPath}/${f.name}`.slice(dist.length + 1))
    .filter((n) => n !== 'worker.js')
    .sort();
  const files = Object.fromEntries(names.map((n) => [n === 'index.html' ? '' : n, n.startsWith('assets/') ? '' : hash(bytes(n))]));
  const source = here('./console/worker/worker.js');
  const version = hash(JSON.stringify(files) + readFileSync(source) + readFileSync(here('./console/worker/push.js'))).slice(0, 16);
  await bundle({ entryPoints: [source], outfile: `${dist}/worker.js`, bundle: true, format: 'iife', minify: true, target: 'es2022', define: { BUILD: JSON.stringify({ version, files }) } });
}
