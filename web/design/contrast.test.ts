import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contrast, edges, pairs } from './contrast';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
/** The colours that a block of the sheet sets. */
const block = (css: string, selector: string) =>
  Object.fromEntries([...css.slice(css.indexOf(selector + ' {')).split('}')[0]!.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]));
const plain = css.slice(0, css.indexOf('prefers-contrast'));
const more = css.slice(css.indexOf('prefers-contrast'));
const light = block(plain, ":root,\n[data-theme='light']");
const dark = { ...light, ...block(plain, "[data-theme='dark']") };
const looks = {
  light, dark,
  'light, more contrast': { ...light, ...block(more, ":root,\n  [data-theme='light']") },
  'dark, more contrast': { ...dark, ...block(more, "[data-theme='dark']") },
};

it('reckons as the standard does', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#fff', '#04a')).toBe(contrast('#ffffff', '#0044aa'));
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  expect(contrast('rgb(119, 119, 119)', '#777777')).toBe(1);
});

describe.each(Object.entries(looks))('%s', (name, colours: Record<string, string>) => {
  const weak = (of: [string, string][], least: number) =>
    of.map(([a, b]) => ({ pair: `${a} on ${b}`, ratio: contrast(colours[a]!, colours[b]!) })).filter((p) => !(p.ratio >= least));

  it('has words that can be read on every ground they stand on', () => expect(weak(pairs, 4.5)).toEqual([]));
  it('shows where the keyboard is', () => expect(weak(edges, 3)).toEqual([]));
  if (name.includes('more'))
    it('is plainer than the other', () => {
      const base = looks[name.split(',')[0] as 'light' | 'dark'] as Record<string, string>;
      for (const word of ['muted', 'accent-text']) expect(contrast(colours[word]!, colours.surface!)).toBeGreaterThan(contrast(base[word]!, base.surface!));
    });
});
