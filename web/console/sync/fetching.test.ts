import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client } from '../../protocol/client';
import { Fetching, listingKey, throttled } from './fetching';
import { Resources } from './resource';
import { Store } from './store';

describe('lists', () => {
  const row = (n: number) => ({ id: `c${n}`, number: n, state: 'open', status: 'waiting', tags: null, last_at: `2026-11-22T${String(23 - Math.floor(n / 60)).padStart(2, '0')}:${String(59 - (n % 60)).padStart(2, '0')}:00Z` });
  let desk: ReturnType<typeof row>[];
  const client = new Client('', async (url) => {
    const q = new URL(String(url), 'http://x').searchParams;
    const from = Number(q.get('cursor') ?? 0);
    return new Response(JSON.stringify({ items: desk.slice(from, from + 50), next: desk.length > from + 50 ? String(from + 50) : '' }));
  });

  it('that come again as they were draw nothing, and what changed is told', () => {
    const store = new Store();
    const told: string[] = [];
    store.onChanged = (topics) => told.push(...topics);
    const fetching = new Fetching(client, store);
    const again = (change = {}) => fetching.keep([{ ...row(1), ...change } as never, row(2) as never]);
    again();
    const before = store.conversations.get('c1');
    return Promise.resolve()
      .then(() => {
        told.length = 0;
        again();
      })
      .then(() => {
        expect(told).toEqual([]);
        expect(store.conversations.get('c1')).toBe(before);
        again({ tags: ['new'] });
      })
      .then(() => {
        expect(told.sort()).toEqual(['conversation:c1', 'conversations']);
        expect(store.conversations.get('c1')!.tags).toEqual(['new']);
      });
  });

  it('and threads that were opened long ago are let go, but none that is looked at or unsent', async () => {
    const store = new Store();
    const fetching = new Fetching(new Client('', async () => Response.json({ items: [] })), store);
    store.on('thread:watched', () => {});
    store.threads.set('unsent', { messages: [{ id: 'm', local: 'unsent' } as never], events: [], earlier: false, loaded: true, loading: false });
    for (const id of ['watched', ...Array.from({ length: 40 }, (_, i) => `t${i}`)]) await fetching.thread(id);
    expect(store.threads.size).toBeLessThan(20);
    for (const id of ['watched', 'unsent', 't39']) expect(store.threads.has(id)).toBe(true);
    expect(store.threads.has('t0')).toBe(false);
  });

  it('have one key however the question is written', () => {
    expect(listingKey({ view: 'open', tag: '' })).toBe(listingKey({ view: 'open' }));
    expect(listingKey({ tag: 'a', view: 'open' })).toBe(listingKey({ view: 'open', tag: 'a' }));
  });

  it('grow page by page, and a fresh first page keeps the later ones without doubling anybody', async () => {
    desk = Array.from({ length: 120 }, (_, i) => row(i));
    const store = new Store();
    const fetching = new Fetching(client, store);
    const query = { view: 'open' };
    fetching.listing(query);
    await fetching.head('view=open');
    await fetching.more(query);
    expect(store.listings.get('view=open')!.ids).toHaveLength(100);
    expect(store.conversations.get('c0')).toMatchObject({ status: 'open', tags: [] });

    // The last of those known comes to the front, as a new message does it.
    desk = [{ ...desk[90]!, last_at: '2026-11-23T00:00:00Z' }, ...desk.filter((c) => c.id !== 'c90')];
    await fetching.head('view=open');
    const ids = store.listings.get('view=open')!.ids;
    expect(ids[0]).toBe('c90');
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('c99');
  });

  it('keep what they had and say why when the desk does not answer', async () => {
    desk = [row(1)];
    const store = new Store();
    let down = false;
    const flaky = new Client('', async (...a) => {
      if (down) throw new TypeError('gone');
      return (client as unknown as { fetcher: typeof fetch }).fetcher(...a);
    });
    const fetching = new Fetching(flaky, store);
    fetching.listing({ view: 'open' });
    await fetching.head('view=open');
    down = true;
    await fetching.head('view=open');
    expect(store.listings.get('view=open')).toMatchObject({ ids: ['c1'], loaded: true, fault: { code: 'network.offline' } });
  });
});

describe('throttled', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs soon when it was quiet, and a storm of calls gives one more run after the pause', async () => {
    let runs = 0;
    const go = throttled(1000, async () => void runs++);
    go();
    await vi.advanceTimersByTimeAsync(60);
    expect(runs).toBe(1);
    for (let i = 0; i < 200; i++) go();
    await vi.advanceTimersByTimeAsync(500);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(runs).toBe(2);
  });
});

describe('resources', () => {
  it('are fetched when asked for, again when something changed and somebody looks, and not while nobody does', async () => {
    let calls = 0;
    const client = new Client('', async () => new Response(JSON.stringify({ items: [++calls], next: '' })));
    const store = new Store();
    const resources = new Resources(client, store);
    const settle = () => new Promise((r) => setTimeout(r, 5));
    // Two readers of one drawing are one request.
    expect(resources.get('/teams').loading).toBe(true);
    expect(resources.get('/teams').loading).toBe(true);
    await settle();
    expect(calls).toBe(1);
    expect(resources.get<{ items: number[] }>('/teams').data!.items).toEqual([1]);

    resources.changed('/teams');
    await settle();
    expect(calls).toBe(1);
    const off = store.on('resource:/teams', () => {});
    resources.changed('/teams');
    await settle();
    expect(calls).toBe(2);
    resources.changed('/team');
    await settle();
    expect(calls).toBe(2);
    off();
  });
});
