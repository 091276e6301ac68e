// Builds the console and, where its sources are there, the widget.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({ configFile: here('./vite.config.ts') });
if (existsSync(here('./widget/build.mjs'))) {
  const widget = await import('./widget/build.mjs');
  if (typeof widget.build === 'function') await widget.build();
}
// The embed directive needs the folder even where nothing was built.
await writeFile(here('./dist/.keep'), '');
