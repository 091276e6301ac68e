import { expect, test } from 'vitest';
import { lasting, listed, progress, taken, unlisted } from './broadcasts';
import type { BroadcastTotals } from './words';

const totals = (x: Partial<BroadcastTotals>) => ({ all: 0, waiting: 0, sending: 0, told: 0, delivered: 0, unsure: 0, failed: 0, refused: 0, dropped: 0, answered: 0, resting: 0, ...x }) as BroadcastTotals;

test('a broadcast takes its share of the lane, and no more than the lane itself allows', () => {
  expect(taken(100, 70)).toBe(70);
  expect(taken(100, 70, { id: 'a', name: 'A', scheme: 'tel', subject: false, per_minute: 10 })).toBe(7);
  expect(taken(5, 70, { id: 'a', name: 'A', scheme: 'tel', subject: false, per_minute: 10 })).toBe(3.5);
});

test('progress counts those who were to be told, and says a hundred only when nobody is left', () => {
  expect(progress(totals({}))).toEqual({ done: 0, of: 0, percent: 0 });
  expect(progress(totals({ all: 1000, refused: 0, waiting: 1, told: 999 })).percent).toBe(99);
  expect(progress(totals({ all: 12, refused: 2, sending: 1, told: 8, failed: 1 }))).toEqual({ done: 9, of: 10, percent: 90 });
  expect(progress(totals({ all: 2, refused: 2 })).percent).toBe(100);
});

test('a time is said in the units that matter', () => {
  expect([0, 45, 60, 3599, 3600, 5400, 90000, 172800].map(lasting)).toEqual(['1 second', '45 seconds', '1 minute', '1 hour', '1 hour', '1 hour 30 minutes', '1 day 1 hour', '2 days']);
});

test('lists are written with commas of either script', () => {
  expect(unlisted(' vip, fiber،vip \n')).toEqual(['vip', 'fiber']);
  expect(listed(['a', 'b'])).toBe('a, b');
});
