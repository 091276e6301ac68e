import { expect, it } from 'vitest';
import { instant, laterTimes, wallOf } from './later';

const named = (zone: string, first: number, now: string) => Object.fromEntries(laterTimes(zone, first, new Date(now)).map((x) => [x.name, x.at]));

it('counts days by the clocks of the workspace', () => {
  // It is Sunday, 23:30 in London, and already Monday in Tehran.
  expect(named('Europe/London', 1, '2026-11-22T23:30:00Z')).toEqual({ hour: '2026-11-23T00:30:00.000Z', tomorrow: '2026-11-23T09:00:00.000Z' });
  expect(named('Asia/Tehran', 6, '2026-11-22T23:30:00Z')).toEqual({ hour: '2026-11-23T00:30:00.000Z', tomorrow: '2026-11-24T05:30:00.000Z', week: '2026-11-28T05:30:00.000Z' });
});

it('on the first day of the week means the next one', () => {
  expect(named('UTC', 1, '2026-11-23T08:00:00Z').week).toBe('2026-11-30T09:00:00.000Z');
});

it('keeps nine o’clock when the clocks are changed', () => {
  expect(named('Europe/Berlin', 1, '2026-10-24T10:00:00Z').tomorrow).toBe('2026-10-25T08:00:00.000Z');
  expect(instant({ year: 2026, month: 3, day: 29, hour: 2, minute: 30 }, 'Europe/Berlin').toISOString()).toBe('2026-03-29T01:30:00.000Z');
});

it('reads the clocks of a zone whose day is another', () => {
  expect(wallOf(new Date('2026-01-01T00:15:00Z'), 'America/New_York')).toEqual({ year: 2025, month: 12, day: 31, hour: 19, minute: 15 });
});
