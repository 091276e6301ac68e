import { describe, expect, it, vi } from 'vitest';
import { Client } from '../../protocol/client';
import { Device } from './device';
import { Fetching } from './fetching';
import { Keeper, most } from './keeper';
import { MemoryShelf } from './shelf';
import { Store } from './store';
import type { Me } from './words';

const me = { operator: { id: 'o1', name: 'Joe' }, workspace: { id: 'w1' } } as Me;

/** A desk with so many open conversations of two messages each, and the requests that it got. */
async function house(n: number) {
  const asked: string[] = [];
  const row = (i: number) => ({ id: `c${i}`, number: i + 1, state: 'open', status: 'open', subject: `Matter ${i}`, tags: [], last_at: new Date(Date.now() - i * 60_000).toISOString(), last_clock: String(10_000_000 - i) });
  const message = (i: number, k: number) => ({ id: `m${i}.${k}`, conversation: `c${i}`, clock: String(10_000_000 - i - (1 - k)), at: new Date(Date.now() - i * 60_000).toISOString(), direction: 'in', text: `text ${i}` });
  const client = new Client('', async (url) => {
    const u = new URL(String(url), 'http://x');
    asked.push(u.pathname.replace('/api/v1', ''));
    const q = u.searchParams;
    if (u.pathname.endsWith('/device/conversations'))
      return Response.json({ items: q.get('ids')!.split(',').map((id) => ({ ...row(Number(id.slice(1))), merged: [], person: null, messages: [message(Number(id.slice(1)), 0), message(Number(id.slice(1)), 1)], earlier: false })), next: '' });
    const from = Number(q.get('cursor') ?? 0);
    const all = q.get('view') === 'open' ? Array.from({ length: n }, (_, i) => row(i)) : [];
    return Response.json({ items: all.slice(from, from + 100), next: all.length > from + 100 ? String(from + 100) : '' });
  });
  const shelf = new MemoryShelf();
  const device = new Device(shelf);
  await device.welcome(me, undefined);
  const store = new Store();
  const fetching = new Fetching(client, store);
  const keeper = new Keeper(client, store, device);
  return { asked, shelf, device, store, keeper, keep: (items: Parameters<Fetching['keep']>[0]) => fetching.keep(items), client };
}

describe('the keeper', () => {
  it('fills the device with a few requests, and asks for nothing twice', async () => {
    const h = await house(230);
    await h.keeper.fill(h.keep);
    await h.keeper.write();
    expect(await h.shelf.all('threads')).toHaveLength(230);
    expect(await h.shelf.all('items')).toHaveLength(230);
    expect(h.asked.length).toBeLessThan(15);
    // Another page on the same device finds all of it, and asks for the lists alone.
    const store = new Store();
    const again = new Keeper(h.client, store, h.device);
    await again.restore();
    expect(await again.thread('c229')).toBe(true);
    expect(store.threads.get('c229')!.messages.map((m) => m.text)).toEqual(['text 229', 'text 229']);
    h.asked.length = 0;
    await again.fill(() => {});
    expect(h.asked.filter((p) => p.includes('device'))).toEqual([]);
  });

  it('keeps no more than its measure of a list of thousands, and the latest of it', async () => {
    const h = await house(most + 700);
    for (let cursor = 0; cursor < most + 700; cursor += 100) h.keep((await h.client.get<{ items: never[] }>('/conversations', { view: 'open', cursor })).items);
    const put = vi.spyOn(h.shelf, 'putAll');
    await h.keeper.write();
    const kept = (await h.shelf.all<{ id: string }>('items')).map((r) => r.id);
    expect(kept).toHaveLength(most);
    expect(kept).toContain('c0');
    expect(kept).not.toContain(`c${most + 1}`);
    expect(put.mock.calls.flatMap(([, values]) => values)).toHaveLength(most);
    // What would not stay later on is not written at all.
    h.keep([{ ...(h.store.conversations.get(`c${most + 600}`)! as object), subject: 'changed' } as never]);
    put.mockClear();
    await h.keeper.write();
    expect(put.mock.calls.flatMap(([, values]) => values)).toEqual([]);
  });

  it('puts nothing older over what another tab has heard meanwhile, until the desk itself counts anew', async () => {
    const h = await house(1);
    const slow = new Store();
    const behind = new Keeper(h.client, slow, h.device);
    const behindFetches = new Fetching(h.client, slow);
    slow.lsn = 7;
    h.store.lsn = 9;
    const list = async (subject: string) => (await h.client.get<{ items: object[] }>('/conversations', { view: 'open', cursor: 0 })).items.map((c) => ({ ...c, subject }) as never);
    behindFetches.keep(await list('as it was'));
    h.keep(await list('as it is'));
    await h.keeper.write();
    await behind.write();
    const kept = async () => (await h.device.read<{ subject: string }>('items')).map((r) => r.value.subject);
    expect(await kept()).toEqual(['as it is']);
    // What has heard as much, or more, is written.
    slow.lsn = 9;
    behindFetches.keep(await list('and then'));
    await behind.write();
    expect(await kept()).toEqual(['and then']);
    // A desk that was restored from a backup has numbers that were there before.
    await behind.anew();
    expect(await kept()).toEqual([]);
    slow.lsn = 3;
    behindFetches.keep(await list('restored'));
    await behind.write();
    expect(await kept()).toEqual(['restored']);
  });

  it('keeps how far the desk reaches, though not every two seconds, and none of the figures', async () => {
    const h = await house(0);
    let now = 1_000_000;
    const keeper = new Keeper(h.client, h.store, h.device, () => now);
    const kept = async () => (await h.device.read<[string, { reach: string }]>('resources')).map((r) => r.value);
    keeper.resource('/continuity', { reach: 'international' });
    await vi.waitFor(async () => expect(await kept()).toEqual([['/continuity', { reach: 'international' }]]));
    now += 2000;
    keeper.resource('/continuity', { reach: 'domestic' });
    keeper.resource('/continuity/links/l1/figures?step=1s', { items: [] });
    keeper.resource('/continuity/outages?from=2026', { items: [] });
    await new Promise((r) => setTimeout(r, 20));
    expect(await kept()).toEqual([['/continuity', { reach: 'international' }]]);
    now += 10_000;
    keeper.resource('/continuity', { reach: 'domestic' });
    await vi.waitFor(async () => expect(await kept()).toEqual([['/continuity', { reach: 'domestic' }]]));
  });
});
