import { expect, it } from 'vitest';
import { concern, isQuiet, type Reader } from './concern';
import type { Entry, NoticeSettings } from './words';

const joe: Reader = { id: 'joe', role: 'operator', teams: ['night'] };
const entry = (kind: string, body: Record<string, unknown> = {}, actor: Entry['actor'] = { kind: 'customer' }): Entry =>
  ({ lsn: 1, at: '2026-03-01T09:00:00Z', clock: '1', kind, subject: 'c', actor, body });
const by = (id: string): Entry['actor'] => ({ kind: 'operator', id });

it('tells of what asks for a person, and of nothing else', () => {
  expect(concern(entry('conversation.opened', { team: 'night' }), joe, '')).toBe('new');
  expect(concern(entry('conversation.opened'), joe, '')).toBe('new');
  expect(concern(entry('conversation.opened', { team: 'day' }), joe, '')).toBeUndefined();
  expect(concern(entry('conversation.opened', {}, by('ana')), joe, '')).toBeUndefined();
  expect(concern(entry('conversation.opened'), { ...joe, role: 'observer' }, '')).toBeUndefined();
  expect(concern(entry('conversation.assigned', { operator: 'joe' }, by('ana')), joe, 'joe')).toBe('assigned');
  expect(concern(entry('conversation.assigned', { operator: 'joe' }, by('joe')), joe, 'joe')).toBeUndefined();
  expect(concern(entry('conversation.assigned', { operator: 'ana', team: 'night' }, by('bob')), joe, 'ana')).toBeUndefined();
  expect(concern(entry('conversation.assigned', { team: 'night' }, by('ana')), joe, '')).toBe('new');
  expect(concern(entry('conversation.assigned', {}, by('ana')), joe, '')).toBeUndefined();
  expect(concern(entry('message.received'), joe, 'joe')).toBe('reply');
  expect(concern(entry('message.received'), joe, 'ana')).toBeUndefined();
  expect(concern(entry('message.received'), joe, '')).toBeUndefined();
  expect(concern(entry('message.noted', { author: 'ana', mentions: ['joe'] }, by('ana')), joe, 'ana')).toBe('mention');
  expect(concern(entry('message.noted', { author: 'joe', mentions: ['joe'] }, by('joe')), joe, 'ana')).toBeUndefined();
  expect(concern(entry('setup.changed', { what: 'channel', action: 'down' }), joe, '')).toBeUndefined();
  expect(concern(entry('setup.changed', { what: 'channel', action: 'down' }), { ...joe, role: 'administrator' }, '')).toBe('channel');
  expect(concern(entry('setup.changed', { what: 'channel', action: 'up' }), { ...joe, role: 'administrator' }, '')).toBeUndefined();
  expect(concern(entry('conversation.tagged', { tag: 'x' }), joe, 'joe')).toBeUndefined();
});

it('keeps quiet hours in the zone of the person, over midnight too', () => {
  const s = { quiet: { on: true, from: '22:00', to: '08:00' }, time_zone: 'Asia/Tehran' } as NoticeSettings;
  const at = (utc: string): boolean => isQuiet(s, 'UTC', new Date(`2026-03-01T${utc}Z`));
  expect(at('18:29:00')).toBe(false); // 21:59 in Tehran
  expect(at('18:30:00')).toBe(true);
  expect(at('23:00:00')).toBe(true);
  expect(at('04:29:00')).toBe(true);
  expect(at('04:30:00')).toBe(false);
  expect(isQuiet({ ...s, quiet: { ...s.quiet, on: false } }, 'UTC', new Date('2026-03-01T23:00:00Z'))).toBe(false);
  expect(isQuiet({ ...s, time_zone: '' }, 'UTC', new Date('2026-03-01T21:59:00Z'))).toBe(false);
  expect(isQuiet({ ...s, quiet: { on: true, from: '13:00', to: '14:00' } }, 'UTC', new Date('2026-03-01T10:00:00Z'))).toBe(true);
});
