import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { culprit, measure, tidy, type Measured } from './sms';

// The desk's own examples.
const examples = JSON.parse(readFileSync(new URL('../../../channel/sms/gsm/testdata/estimates.json', import.meta.url), 'utf8')) as (Measured & { text: string; letter: string })[];

it('counts as the desk does', () => {
  expect(examples.length).toBeGreaterThan(30);
  for (const { text, letter, ...want } of examples) {
    expect({ text, ...measure(text) }).toEqual({ text, ...want });
    expect({ text, letter: culprit(text) }).toEqual({ text, letter });
  }
});

it('leaves out what nobody sees', () => {
  expect(tidy('a\r\nb \n\n')).toBe('a\nb');
  expect(tidy(' a')).toBe(' a');
});
