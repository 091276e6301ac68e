import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { allTexts, setLanguage } from '../../texts/text.svelte';
import { brokenName, channelWhy, isRadio, keepFresh, lasting, layerText, limits, mosName, ms, percent, rttOf, worstFirst } from './continuity';
import { measured, reachSentence, troubled } from './reach';
import { countryName, targetsMissing } from './links';
import { availability, lines, span, whatFell } from './outages';
import { holes, line, thinned, ticks, top } from './chart';
import type { Net } from './words';

beforeAll(async () => {
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
  await setLanguage('en');
  await allTexts();
});
afterEach(() => vi.useRealTimers());

const uplink = (change: Partial<Net.Uplink>): Net.Uplink => ({ id: 'l1', name: 'Fibre', kind: 'fibre', interface: 'eth0', metered: false, state: 'up', since: '2026-11-22T10:00:00Z', layer: '', reason: '', manual: '', spark: [], layers: [], ...change });
const reaching = (change: Partial<Net.ReachingChannel>): Net.ReachingChannel => ({ id: 'c1', name: 'Mail', kind: 'x', needs: 'domestic', state: 'up', since: '', via: '', code: '', reason: '', held: 0, ...change });
const outage = (change: Partial<Net.Outage>): Net.Outage => ({ id: 'o1', scope: 'link', what: 'Fibre', subject: 'l1', reach: '', started_at: '2026-11-20T10:00:00Z', ended_at: '2026-11-20T12:00:00Z', channels: [], held: 0, rerouted: 0, told: 0, ...change });
const story: Net.Continuity = {
  reach: 'domestic', since: '2026-11-22T10:00:00Z', equipment: [], outage: null,
  links: [uplink({}), uplink({ id: 'l2', name: 'LTE', kind: 'lte', state: 'down', layer: 'dns', reason: 'hijacked' })],
  channels: [reaching({}), reaching({ id: 'c2', state: 'down', via: 'link', needs: 'international', held: 3 })],
};

describe('reach', () => {
  it('is one sentence: how far, how much is in trouble, and since when that is old', () => {
    expect(reachSentence(story, '')).toBe('Only in-country services answer. 2 links or channels are in trouble');
    expect(reachSentence(story, '14:02')).toMatch(/as of 14:02$/);
    expect(reachSentence({ ...story, reach: 'international', links: [uplink({})], channels: [] }, '')).toBe('Services in the country and abroad answer');
  });
  it('is not claimed where nothing is measured', () => {
    expect(measured({ ...story, links: [] })).toBe(false);
    expect(measured({ ...story, links: null })).toBe(false);
    expect(measured(story)).toBe(true);
    expect(troubled({ ...story, links: null, channels: null })).toBe(0);
  });
});

describe('a link', () => {
  it('says which layer is broken and how, and nothing while it is well', () => {
    expect(brokenName(story.links![1]!)).toBe('Names (DNS): other answers than the true ones: somebody redirects');
    expect(brokenName(uplink({ layer: 'dns', reason: 'hijacked' }))).toBe('');
    expect(brokenName(uplink({ state: 'down', layer: 'anchors', reason: 'manual' }))).toBe('set by hand');
    expect(brokenName(uplink({ state: 'down', layer: 'newer', reason: 'than_this_page' }))).toBe('newer: than_this_page');
  });
  it('is judged as what it is made of', () => {
    expect(['lte', 'satellite', 'other'].every(isRadio)).toBe(true);
    expect(limits('fibre').down).toBeLessThan(limits('lte').down);
  });
  it('has no round trip in a second without an answer', () => expect([rttOf({ rtt_ms: 12, loss: 1 }), rttOf({ rtt_ms: 0, loss: 0 }), rttOf({ rtt_ms: 12, loss: 0.5 }), mosName(0)]).toEqual([null, null, 12, '—']));
  it('has figures in the reader’s words, and a dash where nothing is known', () => {
    expect([ms(8.25), ms(412), ms(null), ms(undefined)]).toEqual(['8.3 ms', '412 ms', '—', '—']);
    expect([percent(0), percent(0.031), percent(1), percent(undefined)]).toEqual(['0%', '3.1%', '100%', '—']);
    expect(layerText('no_answer 192.168.1.1 for 4 s')).toBe('no answer 192.168.1.1 for 4 s');
    expect([lasting(4200), lasting(125_000), lasting(7_500_000), lasting(3 * 86_400_000 + 1000)]).toEqual(['4 secs', '2 mins 5 secs', '2 hrs 5 mins', '3 days']);
  });
});

it('a channel says why it carries nothing', () => {
  expect(channelWhy(reaching({}))).toBe('');
  expect(channelWhy(story.channels![1]!)).toBe('Needs services abroad, and the desk does not reach that far.');
  expect(channelWhy(reaching({ state: 'down', via: 'probe', reason: 'bot was blocked', code: '403' }))).toBe('Its own service does not answer. bot was blocked');
  expect(worstFirst(story.channels).map((c) => c.id)).toEqual(['c2', 'c1']);
});

it('asks every two seconds while somebody looks, never behind a hidden tab, and no more after that', () => {
  vi.useFakeTimers();
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  let asked = 0;
  const stop = keepFresh(2000, () => asked++);
  vi.advanceTimersByTime(10_000);
  expect(asked).toBe(5);
  page.visibilityState = 'hidden';
  vi.advanceTimersByTime(60_000);
  page.dispatchEvent(new Event('visibilitychange'));
  expect(asked).toBe(5);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  expect(asked).toBe(6); // at once, and not two seconds later
  stop();
  vi.advanceTimersByTime(60_000);
  page.dispatchEvent(new Event('visibilitychange'));
  expect(asked).toBe(6);
  vi.stubGlobal('document', undefined);
});

describe('the timeline', () => {
  const to = Date.parse('2026-11-22T12:00:00Z');
  const from = to - span;
  it('has one line for each thing that fell, the reach first, with bars where they were', () => {
    const l = lines([outage({}), outage({ id: 'o2', started_at: '2026-11-21T10:00:00Z', ended_at: null }), outage({ id: 'o3', scope: 'channel', what: 'Mail', subject: 'c1' }), outage({ id: 'o4', scope: 'reach', what: 'local', subject: 'w1', reach: 'local' })], from, to);
    expect(l.map((x) => x.name)).toEqual(['Reach', 'Fibre', 'Mail']);
    const [first, second] = l[1]!.bars;
    expect(first!.start).toBeCloseTo(100 * (1 - 50 / (90 * 24)), 5);
    expect(first!.width).toBeCloseTo((100 * 2) / (90 * 24), 5);
    expect(second!.start + second!.width).toBeCloseTo(100, 6); // it goes on
    expect(availability(l[1]!, from, to)).toBeCloseTo(1 - 28 / (90 * 24), 6);
  });
  it('cuts what began before, leaves out what ended before, and never stands beyond its edges', () => {
    const l = lines([outage({ started_at: '2026-01-01T00:00:00Z', ended_at: '2026-08-25T12:00:00Z' }), outage({ id: 'o2', subject: 'l2', started_at: '2026-01-01T00:00:00Z', ended_at: '2026-01-02T00:00:00Z' })], from, to);
    expect(l).toHaveLength(1);
    expect(l[0]!.bars[0]!.start).toBe(0);
    expect(l[0]!.bars[0]!.width).toBeGreaterThan(0);
  });
  it('calls a fall of the reach by what was left', () => expect(whatFell(outage({ scope: 'reach', reach: 'domestic', what: 'x' }))).toBe('Reach: Only in-country services answer'));
});

describe('a chart', () => {
  const box = { width: 100, height: 10, from: 0, to: 100, max: 10 };
  it('has a gap where nothing was measured, and never a line across it', () => {
    const path = line([{ at: 0, value: 0 }, { at: 10, value: 10 }, { at: 20, value: null }, { at: 30, value: 5 }], box);
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).toBe('M0 10h.1L10 0M30 5h.1');
    expect(line([{ at: 0, value: 1 }, { at: 90, value: 1 }], box, 20).match(/M/g)).toHaveLength(2);
    expect(holes([{ at: 10, value: null }, { at: 20, value: null }, { at: 30, value: 1 }, { at: 50, value: null }], box, 10)).toEqual([[10, 20], [50, 10]]);
  });
  it('keeps what is beyond its top at its top', () => expect(line([{ at: 0, value: 99 }], box)).toBe('M0 0h.1'));
  it('ends at a round number that holds what is shown', () => {
    expect([top([], 100), top([80], 100), top([120, null], 100), top([260], 100), top([0.031], 0.01)]).toEqual([100, 100, 200, 500, 0.05]);
  });
  it('never averages a short fall away', () => {
    const dots = Array.from({ length: 1000 }, (_, i) => ({ at: i, value: i === 501 ? 900 : 20 }));
    const few = thinned(dots, 100, (a, b) => a > b);
    expect(few).toHaveLength(100);
    expect(few.some((d) => d.value === 900)).toBe(true);
    expect(thinned(dots.map((d) => (d.at === 777 ? { ...d, value: null } : d)), 100, (a, b) => a > b).some((d) => d.value === null)).toBe(true);
  });
  it('has its hours and days at round ones', () => {
    for (const [length, about] of [[3_600_000, 5], [86_400_000, 5], [90 * 86_400_000, 7], [730 * 86_400_000, 5]] as const) {
      const from = Date.parse('2026-11-22T09:17:23Z');
      const marks = ticks(from, from + length, about);
      expect(marks.length).toBeGreaterThan(1);
      expect(marks.length).toBeLessThanOrEqual(about + 1);
      for (const m of marks) expect(new Date(m).getSeconds()).toBe(0);
    }
  });
});

describe('what is probed', () => {
  it('is enough only with three, some in the country and some abroad', () => {
    const at = (...places: Net.Place[]) => places.map((place, i) => ({ place, address: String(i) }));
    expect(targetsMissing(at('country', 'abroad'))).toBe('few');
    expect(targetsMissing(at('abroad', 'abroad', 'hub'))).toBe('country');
    expect(targetsMissing(at('country', 'country', 'hub'))).toBe('abroad');
    expect(targetsMissing(at('country', 'abroad', 'abroad'))).toBe('');
  });
  it('is named by its country', () => expect([countryName('IR'), countryName('')]).toEqual(['Iran', 'Another country']));
});
