import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Who may import whom: views → actions, model → sync → protocol; design imports nothing of ours. */
const may: Record<string, string[]> = {
  'console/views': ['console/views', 'console/actions', 'console/model', 'design', 'texts'],
  'console/actions': ['console/actions', 'console/model', 'console/sync', 'texts'],
  'console/model': ['console/model', 'console/sync', 'texts'],
  'console/sync': ['console/sync', 'protocol'],
  protocol: ['protocol'],
  design: ['design'],
  texts: ['texts'],
};

it('every room imports only what it may', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const [room, allowed] of Object.entries(may)) {
    const walk = (folder: string) => {
      for (const f of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, f.name);
        if (f.isDirectory()) walk(path);
        else if (/\.(svelte|ts)$/.test(f.name) && !/\.test\.ts$/.test(f.name)) {
          for (const m of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
            seen++;
            const target = relative(root, resolve(dirname(path), m[1]!));
            if (!allowed.some((a) => target === a || target.startsWith(a + '/'))) wrong.push(`${relative(root, path)} → ${target}`);
          }
        }
      }
    };
    walk(join(root, room));
  }
  expect(seen).toBeGreaterThan(300);
  expect(wrong).toEqual([]);
});

it('no file is longer than a person can hold', () => {
  const long: string[] = [];
  const walk = (folder: string) => {
    for (const f of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, f.name);
      if (f.isDirectory()) walk(path);
      else if (/\.(svelte|ts|css)$/.test(f.name) && !/\.gen\.ts$/.test(f.name) && readFileSync(path, 'utf8').split('\n').length > 400) long.push(relative(root, path));
    }
  };
  for (const room of Object.keys(may)) walk(join(root, room));
  expect(long).toEqual([]);
});
