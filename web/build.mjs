// Builds the console and, where its sources are there, the widget.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({ configFile: here('./vite.config.ts') });
budget();
await worker();
if (existsSync(here('./widget/build.mjs'))) {
  const widget = await import('./widget/build.mjs');
  if (typeof widget.build === 'function') await widget.build();
}
// What is printed on paper in Persian; the face may be handed on with its licence beside it.
await mkdir(here('./dist/fonts'), { recursive: true });
for (const [from, to] of [['fonts/ttf/Vazirmatn-Regular.ttf', 'Vazirmatn-Regular.ttf'], ['OFL.txt', 'OFL.txt']]) await copyFile(here('./node_modules/vazirmatn/' + from), here('./dist/fonts/' + to));
// The embed directive needs the folder even where nothing was built.
await writeFile(here('./dist/.keep'), '');

/** What has to come before the inbox can be used: the page's own scripts and styles, what those import, and one language. */
function budget() {
  const most = 150_000;
  const dist = here('./dist/console');
  const page = readFileSync(`${dist}/index.html`, 'utf8');
  const first = new Set([...page.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map((m) => m[1]));
  for (const name of first) {
    if (!name.endsWith('.js')) continue;
    for (const [, more] of readFileSync(`${dist}/${name}`, 'utf8').matchAll(/(?:^|[;}])(?:import|export)[^"'()]*["']\.\/([^"']+)["']/g)) first.add(`${name.slice(0, name.lastIndexOf('/') + 1)}${more}`);
  }
  const gzip = (name) => gzipSync(readFileSync(`${dist}/${name}`), { level: 9 }).length;
  const texts = readdirSync(`${dist}/assets`).filter((n) => /^(en|ru|fa)first-[^.]+\.js$/.test(n)).map((n) => gzip(`assets/${n}`));
  if (first.size < 4 || texts.length !== 3) throw new Error(`the console's first load is not to be found: ${[...first]}, ${texts.length} languages`);
  const sum = [...first].reduce((n, name) => n + gzip(name), 0) + Math.max(...texts);
  console.log(`console: ${sum} of ${most} bytes (gzip) before the inbox can be used`);
  if (sum > most) throw new Error(`the console's first load is over its budget by ${sum - most} bytes: ${[...first].map((n) => `${n} ${gzip(n)}`).join(', ')}`);
}

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
