import { expect, it } from 'vitest';
import { closesAfter, emptyWeek, openAt, opensAfter, wallNow, wallOf, writtenEnd } from './hours';

const week = () => {
  const h = emptyWeek();
  for (const d of [1, 2, 3, 4, 5]) h.week[d] = [{ from: '09:00', to: '13:00' }, { from: '14:00', to: '18:00' }];
  return h;
};

it('a desk is open within its hours and not at their end', () => {
  const h = week();
  // 2026-11-30 is a Monday.
  for (const [at, open] of [['2026-11-30T09:00', true], ['2026-11-30T08:59', false], ['2026-11-30T13:00', false], ['2026-11-30T17:59', true], ['2026-11-30T18:00', false], ['2026-11-29T12:00', false]] as const) {
    expect(openAt(h, wallOf(at)), at).toBe(open);
  }
  expect(opensAfter(h, wallOf('2026-11-30T13:10'))?.toISOString()).toBe('2026-11-30T14:00:00.000Z');
  expect(opensAfter(h, wallOf('2026-12-04T18:00'))?.toISOString()).toBe('2026-12-07T09:00:00.000Z');
  expect(closesAfter(h, wallOf('2026-11-30T10:00'))?.toISOString()).toBe('2026-11-30T13:00:00.000Z');
});

it('a special day is not as its weekday', () => {
  const h = week();
  h.days = [{ date: '2026-11-30', spans: [] }, { date: '2026-11-29', spans: [{ from: '10:00', to: '24:00' }] }];
  expect(openAt(h, wallOf('2026-11-30T10:00'))).toBe(false);
  expect(openAt(h, wallOf('2026-11-29T23:59'))).toBe(true);
  expect(opensAfter(h, wallOf('2026-11-30T10:00'))?.toISOString()).toBe('2026-12-01T09:00:00.000Z');
});

it('a night goes on after midnight, and what never closes says so', () => {
  const h = emptyWeek();
  h.week[1] = [{ from: '20:00', to: writtenEnd('00:00') }];
  h.week[2] = [{ from: '00:00', to: '06:00' }];
  expect(closesAfter(h, wallOf('2026-11-30T21:00'))?.toISOString()).toBe('2026-12-01T06:00:00.000Z');
  const always = { ...emptyWeek(), week: Array.from({ length: 7 }, () => [{ from: '00:00', to: '24:00' }]) };
  expect(closesAfter(always, wallOf('2026-11-30T21:00'))).toBeUndefined();
  expect(opensAfter(emptyWeek(), wallOf('2026-11-30T21:00'))).toBeUndefined();
});

it('the clock is the workspace’s', () => {
  expect(wallNow('Asia/Tehran', new Date('2026-11-30T22:00:00Z')).toISOString()).toBe('2026-12-01T01:30:00.000Z');
});
