import { expect, it } from 'vitest';
import { addressesIn, alsoTo, isAddress } from './addresses';
import type { Message } from './words';

it('reads addresses as people paste them', () => {
  expect(addressesIn('kim@a.example, lee@b.example;  max@c.example')).toEqual(['kim@a.example', 'lee@b.example', 'max@c.example']);
  expect(addressesIn('"Kim, the boss" <kim@a.example>, Lee <lee@b.example>')).toEqual(['kim@a.example', 'lee@b.example']);
  expect(addressesIn('  ')).toEqual([]);
  expect(['kim@a.example', 'иван@почта.example', 'kim', 'kim@', 'a@b@c', '<kim@a.example>'].map(isAddress)).toEqual([true, true, false, false, false, false]);
});

it('answers all but the desk itself and the writer', () => {
  const m = { from: { scheme: 's', value: 'kim@a.example' }, to: ['Help <Help+c.abc@desk.example>', 'lee@b.example'], cc: ['LEE@b.example', 'Kim@a.example', 'max@c.example', 'sales@desk.example'] } as Message;
  expect(alsoTo(m, ['help@desk.example', 'sales@desk.example'])).toEqual(['lee@b.example', 'max@c.example']);
  expect(alsoTo({ from: { scheme: 's', value: 'kim@a.example' } } as Message, [])).toEqual([]);
});
