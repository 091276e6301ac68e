import { describe, expect, it } from 'vitest';
import { local, mark, moment, standing } from './incidents';
import type { BannerView } from './words';

const banner = (over: Partial<BannerView> = {}): BannerView => ({ id: 'b', audiences: ['console'], severity: 'warning', texts: { en: 'x' }, changed_at: '2026-11-22T10:00:00Z', ...over });

describe('banners', () => {
  it('stand in the console alone when they are meant for it, and until they run out', () => {
    const now = Date.parse('2026-11-22T12:00:00Z');
    expect(standing([banner(), banner({ id: 'c', audiences: ['board'] })], [], now).map((b) => b.id)).toEqual(['b']);
    expect(standing([banner({ until: '2026-11-22T12:00:01Z' })], [], now)).toHaveLength(1);
    expect(standing([banner({ until: '2026-11-22T11:59:59Z' })], [], now)).toHaveLength(0);
  });
  it('that were hidden come back when they are said otherwise', () => {
    const hidden = [mark(banner())];
    expect(standing([banner()], hidden)).toHaveLength(0);
    expect(standing([banner({ changed_at: '2026-11-22T11:00:00Z' })], hidden)).toHaveLength(1);
  });
});

it('a moment comes back from a field as it went in', () => {
  expect(moment(local('2026-11-22T10:05:00Z'))).toBe('2026-11-22T10:05:00.000Z');
  expect(local(undefined)).toBe('');
  expect(moment('')).toBeUndefined();
});
