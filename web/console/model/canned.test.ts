import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fillIn, fits, sought, textFor, type Facts, type Ready } from './canned';
import type { CannedReply } from './words';

it('fills placeholders in exactly as the desk does', () => {
  const cases = JSON.parse(readFileSync(new URL('../../../presets/testdata/fill.json', import.meta.url), 'utf8')) as { text: string; want: string; facts: Facts }[];
  expect(cases.length).toBeGreaterThan(10);
  for (const c of cases) expect(fillIn(c.text, c.facts)).toBe(c.want);
});

const reply = (change: Partial<CannedReply>): CannedReply => ({ id: 'r', title: 'T', changed_at: '', owner: {}, channels: [], teams: [], languages: [], texts: {}, ...change });

it('offers a reply where it fits, in the language of the customer', () => {
  const s = { channel: 'site', team: 't1', language: 'ru', fallback: 'en' };
  expect(fits(reply({}), s)).toBe(true);
  expect(fits(reply({ channels: ['site'], teams: ['t1'], languages: ['ru', 'en'] }), s)).toBe(true);
  expect(fits(reply({ channels: ['other'] }), s)).toBe(false);
  expect(fits(reply({ teams: ['t2'] }), s)).toBe(false);
  expect(fits(reply({ languages: ['fa'] }), s)).toBe(false);
  expect(textFor(reply({ texts: { en: 'Hello', ru: 'Привет', any: 'Hi' } }), s)).toBe('Привет');
  expect(textFor(reply({ texts: { en: 'Hello', any: 'Hi' } }), s)).toBe('Hi');
  expect(textFor(reply({ texts: { fa: 'سلام', en: 'Hello' } }), s)).toBe('Hello');
  expect(textFor(reply({ texts: { fa: 'سلام', de: 'Hallo' } }), s)).toBe('Hallo');
});

it('finds by shortcut, then title, then text', () => {
  const list: Ready[] = [
    { id: 'a', title: 'Goodbye', shortcut: 'bye', text: 'We restart tonight' },
    { id: 'b', title: 'Restart the router', shortcut: 'router', text: 'Turn it off' },
    { id: 'c', title: 'Off and on', shortcut: 'restart', text: 'Turn it off' },
  ];
  expect(sought(list, 'restart').map((r) => r.id)).toEqual(['c', 'b', 'a']);
  expect(sought(list, ' ').map((r) => r.id)).toEqual(['a', 'b', 'c']);
  expect(sought(list, 'nothing like it')).toEqual([]);
});
