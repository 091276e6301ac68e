import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';
import en from './en.json';
import fa from './fa.json';
import ru from './ru.json';
import { fill, type Texts } from './text.svelte';
import { usedKeys } from './used';

const root = fileURLToPath(new URL('..', import.meta.url));
const all: Record<string, Texts> = { en, ru, fa };

function sources(): { path: string; text: string }[] {
  const found: { path: string; text: string }[] = [];
  const walk = (folder: string) => {
    for (const f of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, f.name);
      if (f.isDirectory()) {
        if (f.name !== 'test') walk(path);
      } else if (/\.(svelte|ts)$/.test(f.name) && !/\.test\.ts$|used\.ts$/.test(f.name)) found.push({ path, text: readFileSync(path, 'utf8') });
    }
  };
  for (const folder of ['console', 'design', 'texts']) walk(join(root, folder));
  return found;
}

const placeholders = (x: Texts[string] | undefined): string[] => {
  const forms = x === undefined ? [] : typeof x === 'string' ? [x] : Object.values(x);
  return [...new Set(forms.flatMap((f) => [...f.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!)))].sort();
};

describe('texts', () => {
  it('exist in every language under the same keys', () => {
    for (const lang of ['ru', 'fa']) expect(Object.keys(all[lang]!).sort(), lang).toEqual(Object.keys(en).sort());
  });

  it('are used, and every used one exists', () => {
    const used = sources().reduce((u, s) => usedKeys(s.text, u), { keys: new Set<string>(), prefixes: new Set<string>() });
    const keys = Object.keys(en);
    expect(keys.length).toBeGreaterThan(300);
    expect([...used.keys].filter((k) => !keys.includes(k)), 'missing').toEqual([]);
    expect([...used.prefixes].filter((p) => !keys.some((k) => k.startsWith(p))), 'beginnings without a text').toEqual([]);
    expect(keys.filter((k) => !used.keys.has(k) && ![...used.prefixes].some((p) => k.startsWith(p))), 'unused').toEqual([]);
  });

  it('name the same values in every language', () => {
    for (const lang of ['ru', 'fa']) {
      for (const key of Object.keys(en)) expect(placeholders(all[lang]![key]), `${lang} ${key}`).toEqual(placeholders((en as Texts)[key]));
    }
  });

  it('have every plural form that their language asks for', () => {
    for (const [lang, texts] of Object.entries(all)) {
      const needed = new Intl.PluralRules(lang).resolvedOptions().pluralCategories;
      for (const [key, text] of Object.entries(texts)) {
        if (typeof text !== 'string') expect(Object.keys(text).sort(), `${lang} ${key}`).toEqual([...needed].sort());
      }
    }
  });

  it('choose the Russian forms by number and write Persian digits', () => {
    const attempts = (n: number) => fill((ru as Texts)['outbox.attempts'], 'x', { n }, 'ru', 'ru-RU');
    expect([1, 2, 5, 11, 21, 22].map(attempts)).toEqual(['1 попытка', '2 попытки', '5 попыток', '11 попыток', '21 попытка', '22 попытки']);
    expect(fill((fa as Texts)['outbox.attempts'], 'x', { n: 12 }, 'fa', 'fa-IR')).toBe('۱۲ تلاش');
  });

  it('are written in their own script, without letters of the neighbours', () => {
    for (const [key, text] of Object.entries(fa)) expect(JSON.stringify(text), key).not.toMatch(/[يك٠-٩]|[\u0400-\u04ff]/);
    for (const [key, text] of Object.entries(ru)) expect(JSON.stringify(text), key).not.toMatch(/[\u0600-\u06ff]/);
  });

  it('never stand in a component itself', () => {
    const bare: string[] = [];
    for (const { path, text } of sources().filter((s) => s.path.endsWith('.svelte'))) {
      const spoken = new Set(['title', 'aria-label', 'placeholder', 'alt', 'label']);
      const walk = (node: unknown): void => {
        if (Array.isArray(node)) return node.forEach(walk);
        if (!node || typeof node !== 'object') return;
        const n = node as { type?: string; data?: string; name?: string; value?: unknown } & Record<string, unknown>;
        // A dimension, a sign or the name HTTP is the same in every language.
        if (n.type === 'Text' && /\p{L}{2,}/u.test(n.data ?? '') && !/^[\s·]*(HTTP)?[\s·]*$/.test(n.data ?? '')) bare.push(`${path.replace(root, '')}: ${n.data!.trim()}`);
        if (n.type === 'StyleDirective') return;
        if (n.type === 'Attribute') {
          if (spoken.has(n.name ?? '') && Array.isArray(n.value)) walk(n.value);
          return;
        }
        for (const [key, child] of Object.entries(n)) if (key !== 'parent' && key !== 'expression') walk(child);
      };
      walk(parse(text, { modern: true }).fragment);
    }
    expect(bare).toEqual([]);
  });
});
