import { describe, expect, it } from 'vitest';
import { isSecretSet, settingsOf, shownFields, valuesOf } from './form';
import { bareSubject, linked } from './linked';
import { asLocal, snoozeTimes } from './snooze';
import type { Field } from './words';

describe('a settings form', () => {
  const fields: Field[] = [
    { name: 'mode', label: '', type: 'select', options: [{ value: 'idle', label: '' }, { value: 'poll', label: '' }], default: 'idle' },
    { name: 'every', label: '', type: 'number', show: 'mode=poll|slow' },
    { name: 'password', label: '', type: 'secret', required: true },
    { name: 'folders', label: '', type: 'lines', default: ['INBOX'] },
    { name: 'on', label: '', type: 'bool', default: true },
  ];

  it('starts from what is saved, else from the defaults, and never shows a secret', () => {
    expect(valuesOf(fields, undefined)).toEqual({ mode: 'idle', every: '', password: '', folders: 'INBOX', on: true });
    const saved = { mode: 'poll', every: 30, password: { set: true }, folders: ['A', 'B'], on: false };
    expect(valuesOf(fields, saved)).toEqual({ mode: 'poll', every: 30, password: '', folders: 'A\nB', on: false });
    expect(isSecretSet(saved, 'password')).toBe(true);
    expect(isSecretSet(saved, 'mode')).toBe(false);
  });

  it('asks for a field only when its condition holds', () => {
    expect(shownFields(fields, { mode: 'idle' }).map((f) => f.name)).not.toContain('every');
    expect(shownFields(fields, { mode: 'poll' }).map((f) => f.name)).toContain('every');
  });

  it('asks for nothing that depends on a field which is not asked for itself', () => {
    const nested: Field[] = [
      { name: 'via', label: '', type: 'select' },
      { name: 'gateway', label: '', type: 'select', show: 'via=http' },
      { name: 'body', label: '', type: 'text', show: 'gateway=own' },
    ];
    const names = (via: string) => shownFields(nested, { via, gateway: 'own' }).map((f) => f.name);
    expect(names('http')).toEqual(['via', 'gateway', 'body']);
    expect(names('modem')).toEqual(['via']);
  });

  it('sends no empty secret and no empty number, and lines as a list', () => {
    expect(settingsOf(fields, { mode: 'poll', every: '', password: '', folders: ' A \n\nB', on: true })).toEqual({ mode: 'poll', folders: ['A', 'B'], on: true });
    expect(settingsOf(fields, { mode: 'poll', every: '5', password: 'x', folders: '', on: false })).toEqual({ mode: 'poll', every: 5, password: 'x', folders: [], on: false });
  });
});

describe('addresses in a text', () => {
  const links = (text: string) => linked(text).filter((p) => p.href).map((p) => p.href);
  it('become links without the sentence’s signs, and the text stays whole', () => {
    const text = 'See https://example.com/a?b=1. Or write to ana@example.com, «http://x.ru/й»!';
    expect(links(text)).toEqual(['https://example.com/a?b=1', 'mailto:ana@example.com', 'http://x.ru/й']);
    expect(linked(text).map((p) => p.text).join('')).toBe(text);
  });
  it('are never scripts', () => {
    expect(links('javascript:alert(1) data:text/html,x file:///etc/passwd')).toEqual([]);
  });
});

describe('a subject', () => {
  it('is bare without the marks of answers, and keeps its own colons', () => {
    for (const s of ['Счёт: ноябрь', 'Re: Счёт: ноябрь', 'RE: Fwd: Счёт: ноябрь', 'Re[2]: Счёт: ноябрь', 'Ответ: Счёт: ноябрь', 'پاسخ: Счёт: ноябрь']) expect(bareSubject(s)).toBe('Счёт: ноябрь');
    expect(bareSubject('Reset: how?')).toBe('Reset: how?');
  });
});

describe('snooze times', () => {
  it('lie in the future and begin with none', () => {
    for (const hour of [1, 9, 16, 17, 23]) {
      const now = new Date(2026, 10, 22, hour, 30);
      const times = snoozeTimes(now);
      expect(times[0]).toEqual({ name: 'message', until: '' });
      for (const x of times.slice(1)) expect(Date.parse(x.until), `${hour} ${x.name}`).toBeGreaterThan(now.getTime());
      expect(times.some((x) => x.name === 'evening')).toBe(hour < 17);
    }
    expect(asLocal(new Date(2026, 0, 5, 7, 4))).toBe('2026-01-05T07:04');
  });
});
