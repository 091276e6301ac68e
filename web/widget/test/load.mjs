// Compiles one of the widget's sources and imports it.
import { build } from 'esbuild';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** load('outbox') is the module src/outbox.ts with all that it needs. */
export async function load(...names) {
  const dir = await mkdtemp(join(tmpdir(), 'widget-'));
  const source = (n) => JSON.stringify(fileURLToPath(new URL(`../src/${n}.ts`, import.meta.url)));
  const entry = join(dir, 'entry.ts');
  await writeFile(entry, names.map((n) => `export * from ${source(n)};`).join('\n'));
  const out = join(dir, 'out.mjs');
  await build({ entryPoints: [entry], bundle: true, format: 'esm', target: 'es2022', outfile: out, logLevel: 'error' });
  try {
    return await import(pathToFileURL(out).href);
  } finally {
    await rm(dir, { recursive: true });
  }
}
