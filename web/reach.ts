import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { usedKeys, type Used } from './texts/used';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const console = here('./console');

/** Our own files that come with these at once: what they import, and not what they ask for later. */
export function reached(entries: string[]): Set<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    if (!/\.(ts|svelte)$/.test(file)) return;
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:^|\n)\s*(?:import|export)\s+(?!type\b)[^;'"]*?'(\.[^']+)'/g)) {
      const to = resolve(dirname(file), path!);
      const found = [to, to + '.ts', to + '.svelte.ts'].find((p) => /\.\w+$/.test(p) && existsSync(p));
      if (found) visit(found);
    }
  };
  entries.forEach(visit);
  return seen;
}

/** What is there before the inbox can be used. */
export const first = (): Set<string> => reached([join(console, 'main.ts')]);

/**
 * The texts of a language in two parts: ?first has those of the desk's daily screens,
 * ?rest those of the settings and of ways to customers and the broadcasts, and what the desk may refuse, which has its own words until then.
 */
export function texts(): Plugin {
  let daily: Used | undefined;
  const of = (): Used => {
    const views = readdirSync(join(console, 'views'), { recursive: true, withFileTypes: true })
      .filter((f) => f.name.endsWith('.svelte') && !/settings|continuity|ways|plans|broadcasts/.test(f.parentPath) && !/^(Design|Specimen)/.test(f.name))
      .map((f) => join(f.parentPath, f.name));
    const used: Used = { keys: new Set(), prefixes: new Set() };
    for (const file of reached([join(console, 'main.ts'), join(console, 'model/notices.ts'), ...views])) if (/\.(ts|svelte)$/.test(file)) usedKeys(readFileSync(file, 'utf8'), used);
    for (const later of ['fault.', 'audited.']) used.prefixes.delete(later);
    return used;
  };
  return {
    name: 'texts',
    enforce: 'pre',
    load(id) {
      const m = /^(.*\/texts\/\w+\.json)\?(first|rest)$/.exec(id);
      if (!m) return;
      const { keys, prefixes } = (daily ??= of());
      const mine = (k: string): boolean => keys.has(k) || [...prefixes].some((p) => k.startsWith(p));
      const all = JSON.parse(readFileSync(m[1]!, 'utf8')) as Record<string, unknown>;
      return { code: `export default ${JSON.stringify(Object.fromEntries(Object.entries(all).filter(([k]) => mine(k) === (m[2] === 'first'))))}`, map: null, moduleType: 'js' };
    },
  };
}
