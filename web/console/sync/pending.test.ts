import { describe, expect, it } from 'vitest';
import { Client } from '../../protocol/client';
import { emptyThread } from './apply';
import { Device } from './device';
import { Pending } from './pending';
import { MemoryShelf } from './shelf';
import { Store } from './store';
import type { Message } from './words';
import type { Outgoing, Work } from './work';

const outgoing: Outgoing = { id: 'm1', conversation: 'c1', note: false, author: 'me', channel: 'ch', text: 'On its way.', attachments: [], then: 'waiting', at: '2026-11-22T09:00:00Z' };

type Call = { method: string; path: string; body: Record<string, unknown>; key: string | null };

/** A screen and its device, before a desk that answers as it is told. */
async function room(answer: (call: Call) => Response | Promise<Response>, shelf = new MemoryShelf(), operator = 'me', current = () => true) {
  const sent: Call[] = [];
  const client = new Client('', async (url, init) => {
    const call = { method: init!.method!, path: String(url).replace('/api/v1', ''), body: init?.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {}, key: new Headers(init!.headers).get('Idempotency-Key') };
    if (call.method !== 'GET') sent.push(call);
    return answer(call);
  });
  const store = new Store();
  store.threads.set('c1', { ...emptyThread, loaded: true });
  const pending = new Pending(client, store, new Device(shelf), current, undefined);
  await pending.restore(operator, 'w');
  return { store, sent, shelf, pending, shown: () => store.threads.get('c1')!.messages };
}
const accepted = (c: Call) =>
  new Response(JSON.stringify({ id: c.body.id, conversation: 'c1', clock: '7', at: '2026-11-22T09:00:01Z', direction: 'out', channel: 'ch', author: 'me', text: c.body.text, delivery: { state: 'queued' } }), { status: 201 });
const cut = (): Response => {
  throw new TypeError('no network');
};
const refused = (code: string, status = 422) => new Response(JSON.stringify({ code, message: code }), { status });
const json = (x: unknown) => new Response(JSON.stringify(x));
const change = (id: string, conversation = 'c1'): Parameters<Pending['change']>[0] => ({
  id, kind: 'status', conversation, at: '2026-11-22T09:00:00Z', method: 'PUT', path: `/conversations/${conversation}/status`, body: { status: 'resolved' }, change: { status: 'resolved', state: 'resolved' },
});
const said = (id: string, clock: string): Message => ({ id, conversation: 'c1', clock, at: '2026-11-22T08:00:00Z', direction: 'in', channel: 'ch', author: '', text: id } as Message);
const kept = async (shelf: MemoryShelf) => (await shelf.all<{ id: string }>('work')).map((r) => r.id);

describe('sending', () => {
  it('is on the disk before the screen says so, and leaves it when the desk has it', async () => {
    let open: (r: Response) => void = () => {};
    const r = await room(() => new Promise<Response>((resolve) => (open = resolve)));
    const order: string[] = [];
    r.store.on('thread:c1', () => void kept(r.shelf).then((ids) => order.push(ids.join())));
    const sending = r.pending.send(outgoing);
    await new Promise((done) => setTimeout(done, 5));
    expect(order[0]).toBe('m1');
    expect(r.shown().map((m) => [m.text, m.local])).toEqual([['On its way.', 'sending']]);
    open(accepted({ body: outgoing } as unknown as Call));
    await sending;
    expect(r.shown().map((m) => [m.text, m.local, m.delivery?.state])).toEqual([['On its way.', undefined, 'queued']]);
    expect(await kept(r.shelf)).toEqual([]);
  });

  it('keeps what could not be sent over a reload, and sends it by itself under the same id, once', async () => {
    const r = await room(cut);
    await r.pending.send(outgoing);
    expect(r.shown()[0]).toMatchObject({ local: 'unsent', text: 'On its way.' });
    r.pending.clear();

    const after = await room((c) => (c.method === 'GET' ? json(c.path.includes('messages') ? { items: [] } : { state: 'open', operator: '' }) : accepted(c)), r.shelf);
    after.pending.show('c1');
    expect(after.shown().map((m) => m.local)).toEqual(['unsent']);
    after.pending.pump();
    await after.pending.idle();
    expect([...r.sent, ...after.sent].map((s) => s.body.id)).toEqual(['m1', 'm1']);
    expect(after.shown().map((m) => m.local)).toEqual([undefined]);
    expect(await kept(r.shelf)).toEqual([]);
  });

  it('keeps the order of a conversation, and a refused text stops nothing elsewhere', async () => {
    const r = await room(cut);
    await r.pending.send(outgoing);
    await r.pending.send({ ...outgoing, id: 'm2', text: 'Second', note: true });
    await r.pending.send({ ...outgoing, id: 'm3', conversation: 'c2', note: true });
    r.pending.clear();
    const after = await room((c) => {
      if (c.method === 'GET') return json(c.path.includes('messages') ? { items: [] } : { state: 'open', operator: '' });
      return c.body.id === 'm1' ? refused('message.too_long') : accepted(c);
    }, r.shelf);
    after.pending.pump();
    await after.pending.idle();
    expect(after.sent.map((s) => s.body.id)).toEqual(['m1', 'm3']);
    expect(after.shown().map((m) => [m.id, m.local, m.fault?.code])).toEqual([['m1', 'refused', 'message.too_long'], ['m2', 'unsent', undefined]]);
    // given up, what stood behind it goes on
    await after.pending.drop('m1');
    await after.pending.idle();
    expect(after.sent.map((s) => s.body.id)).toEqual(['m1', 'm3', 'm2']);
    expect(await kept(r.shelf)).toEqual([]);
  });

  it('does not show another operator’s unsent text, nor send it', async () => {
    const r = await room(cut);
    await r.pending.send(outgoing);
    r.pending.clear();
    const after = await room(accepted, r.shelf, 'somebody-else');
    after.pending.show('c1');
    after.pending.pump();
    await after.pending.idle();
    expect(after.shown()).toEqual([]);
    expect(after.sent).toEqual([]);
    expect(await kept(r.shelf)).toEqual(['m1']);
  });

  it('sends a note with those whom it mentions', async () => {
    const r = await room(accepted);
    await r.pending.send({ ...outgoing, note: true, mentions: ['ann'] });
    expect(r.sent[0]).toMatchObject({ path: '/conversations/c1/notes', body: { mentions: ['ann'] } });
    expect(r.sent[0]!.body).not.toHaveProperty('channel');
  });

  it('believes the stream when the answer got lost on the way', async () => {
    const r = await room(() => {
      r.store.threads.set('c1', { ...emptyThread, messages: [{ ...said('m1', '7'), direction: 'out', text: 'On its way.' }] });
      return cut();
    });
    await r.pending.send(outgoing);
    expect(r.shown().map((m) => m.local)).toEqual([undefined]);
    expect(await kept(r.shelf)).toEqual([]);
  });

  it('gives a text back for editing and forgets it', async () => {
    const r = await room(() => refused('message.too_long', 413));
    await expect(r.pending.send(outgoing)).rejects.toMatchObject({ code: 'message.too_long', again: false });
    expect((await r.pending.take('m1'))?.text).toBe('On its way.');
    expect(r.shown()).toEqual([]);
    expect(await r.pending.take('m1')).toBeUndefined();
  });

  it('says at once when this device cannot keep the text', async () => {
    const r = await room(accepted);
    r.shelf.change = () => Promise.reject(new Error('QuotaExceededError'));
    await expect(r.pending.send(outgoing)).rejects.toMatchObject({ code: 'device.full' });
    expect(r.shown()).toEqual([]);
    expect(r.sent).toEqual([]);
  });
});

describe('undo and second thoughts', () => {
  it('tells the desk how long to hold a reply back and what its author has seen', async () => {
    const r = await room(accepted);
    r.store.lsn = 40;
    r.store.threads.set('c1', { ...emptyThread, loaded: true, messages: [{ ...said('first', '5'), lsn: 42 }] });
    await r.pending.send({ ...outgoing, undo: 10 });
    expect(r.sent[0]!.body).toMatchObject({ undo: 10, seen_lsn: 42 });
    expect(r.sent[0]!.body).not.toHaveProperty('anyway');
    await r.pending.send({ ...outgoing, id: 'n1', note: true });
    expect(r.sent[1]!.body).not.toHaveProperty('seen_lsn');
  });

  it('says nothing of what was seen where nothing is on the screen', async () => {
    const r = await room(accepted);
    r.store.lsn = 40;
    r.store.threads.set('c1', { ...emptyThread, loading: true });
    await r.pending.send(outgoing);
    expect(r.sent[0]!.body).not.toHaveProperty('seen_lsn');
  });

  it('takes a reply back that never left, and the desk hears of it in case it did', async () => {
    let down = true;
    const r = await room((c) => (down ? cut() : c.path.endsWith('/withdraw') ? refused('message.missing', 404) : accepted(c)));
    await r.pending.send(outgoing);
    await r.pending.idle();
    expect((await r.pending.take('m1'))?.text).toBe('On its way.');
    expect(r.shown()).toEqual([]);
    expect(r.pending.count).toBe(0);
    down = false;
    r.pending.pump();
    await r.pending.idle();
    const paths = r.sent.map((s) => s.path);
    expect(paths.at(-1)).toBe('/messages/m1/withdraw');
    expect(paths.filter((p) => p.endsWith('/replies'))).toHaveLength(1); // the try that failed, and none after it
    expect(r.pending.list).toEqual([]);
    expect(await kept(r.shelf)).toEqual([]);
  });

  it('takes a reply back that is on its way, after the desk has it', async () => {
    let open: (r: Response) => void = () => {};
    const r = await room((c) => (c.path.endsWith('/replies') ? new Promise<Response>((resolve) => (open = resolve)) : json({ id: 'm1', conversation: 'c1', clock: '7', direction: 'out', delivery: { state: 'cancelled' } })));
    const sending = r.pending.send({ ...outgoing, undo: 10 });
    await new Promise((done) => setTimeout(done, 5));
    expect((await r.pending.take('m1'))?.text).toBe('On its way.');
    open(accepted({ body: outgoing } as unknown as Call));
    await sending;
    await r.pending.idle();
    expect(r.sent.map((s) => s.path)).toEqual(['/conversations/c1/replies', '/messages/m1/withdraw']);
    expect(r.pending.list).toEqual([]);
  });

  it('keeps saying so when it was too late to take a reply back', async () => {
    let down = true;
    const r = await room((c) => (down ? cut() : c.path.endsWith('/withdraw') ? refused('outbox.too_late', 409) : accepted(c)));
    await r.pending.send(outgoing);
    await r.pending.take('m1');
    down = false;
    r.pending.pump();
    await r.pending.idle();
    expect(r.pending.list.map((w) => [w.kind, w.state, w.fault?.code])).toEqual([['withdraw', 'refused', 'outbox.too_late']]);
  });

  it('holds a reply that the desk asks about, shows what was said, and sends it anyway when told to', async () => {
    const since = [{ ...said('Never mind!', '6'), lsn: 50 }];
    const r = await room((c) => (c.body.anyway ? accepted(c) : new Response(JSON.stringify({ code: 'conversation.changed', message: 'x', since }), { status: 409 })));
    await r.pending.send(outgoing);
    expect(r.shown().map((m) => [m.id, m.local, m.met?.map((x) => x.text)])).toEqual([['Never mind!', undefined, undefined], ['m1', 'held', ['Never mind!']]]);
    await r.pending.retry('m1');
    expect(r.sent.map((s) => s.body.anyway)).toEqual([undefined, true]);
    expect(r.pending.list).toEqual([]);
  });
});

describe('changes', () => {
  it('repeat under one key, and lie over what the desk says meanwhile', async () => {
    let down = true;
    const r = await room((c) => (down ? cut() : c.method === 'GET' ? json(c.path.includes('messages') ? { items: [] } : { state: 'open', operator: '' }) : json(null)));
    await r.pending.change(change('k1'));
    expect(r.pending.over({ id: 'c1', status: 'open' } as never)).toMatchObject({ status: 'resolved' });
    down = false;
    await r.pending.retry('k1');
    expect(r.sent.map((s) => s.key)).toEqual(['k1', 'k1']);
    expect(r.pending.over({ id: 'c1', status: 'open' } as never)).toMatchObject({ status: 'open' });
  });

  it('that the desk refuses are told to their maker and are gone', async () => {
    const r = await room(() => refused('conversation.closed', 409));
    const stale: string[] = [];
    r.pending.onStale = (id) => stale.push(id);
    await expect(r.pending.change(change('k1'))).rejects.toMatchObject({ code: 'conversation.closed' });
    expect(stale).toEqual(['c1']);
    expect(r.pending.list).toEqual([]);
  });

  it('of reading: the last one replaces those before', async () => {
    const r = await room(cut);
    for (const id of ['r1', 'r2', 'r3']) await r.pending.change({ ...change(id), kind: 'read', path: '/conversations/c1/read' });
    await r.pending.idle();
    expect(await kept(r.shelf)).toEqual(['r3']);
    expect(r.pending.count).toBe(0);
  });
});

describe('a conversation that went on', () => {
  const desk = (messages: Message[], state = 'open') => (c: Call) => {
    if (c.method !== 'GET') return accepted(c);
    return json(c.path.includes('messages') ? { items: messages } : { id: 'c1', state, operator: '' });
  };
  async function written(answer: (c: Call) => Response) {
    let reachable = false;
    const r = await room((c) => (reachable ? answer(c) : cut()), new MemoryShelf(), 'me', () => reachable);
    r.store.conversations.set('c1', { id: 'c1', status: 'open', state: 'open', operator: '' } as never);
    r.store.threads.set('c1', { ...emptyThread, loaded: true, messages: [said('first', '5')] });
    await r.pending.send({ ...outgoing, then: undefined });
    await r.pending.idle();
    reachable = true;
    r.pending.pump();
    await r.pending.idle();
    return r;
  }

  it('holds the reply, shows what came, and sends it when somebody says so', async () => {
    const r = await written(desk([said('first', '5'), said('Never mind!', '6')]));
    expect(r.shown().map((m) => [m.id, m.local, m.news])).toEqual([['first', undefined, undefined], ['Never mind!', undefined, undefined], ['m1', 'held', 1]]);
    const before = r.sent.length;
    await r.pending.retry('m1');
    expect(r.sent.slice(before).map((s) => s.body.id)).toEqual(['m1']);
    expect(r.pending.list).toEqual([]);
  });

  it('holds it when the status was changed', async () => {
    const r = await written(desk([said('first', '5')], 'closed'));
    expect(r.pending.list.map((w: Work) => w.state)).toEqual(['held']);
  });

  it('sends it when nothing happened', async () => {
    const r = await written(desk([said('first', '5')]));
    expect(r.pending.list).toEqual([]);
  });

  it('does not send again what had arrived after all', async () => {
    const r = await written(desk([said('first', '5'), { ...said('m1', '6'), direction: 'out' }]));
    expect(r.pending.list).toEqual([]);
    expect(r.sent).toEqual([]);
  });
});

it('takes in work from another device once, as the one who carries it in', async () => {
  const a = await room(cut);
  await a.pending.send({ ...outgoing, note: true });
  await a.pending.idle();
  const b = await room(accepted, new MemoryShelf(), 'other');
  expect(await b.pending.bring(a.pending.list)).toBe(1);
  expect(b.pending.list[0]?.outgoing?.author).toBe('other');
  expect(await b.pending.bring(a.pending.list)).toBe(0);
  await b.pending.idle();
  expect(b.sent.map((s) => s.body.id)).toEqual(['m1']);
});

describe('a change made from the list', () => {
  // It waited; then the desk is there again, with what was there before and perhaps more.
  const later = async (messages: Message[]) => {
    const r = await room(cut);
    r.store.conversations.set('c9', { id: 'c9', status: 'open', state: 'open', operator: '', last_clock: '20' } as never);
    await r.pending.change(change('w9', 'c9'));
    r.pending.clear();
    const after = await room((c) => (c.method === 'GET' ? json(c.path.includes('messages') ? { items: messages } : { state: 'open', operator: '' }) : new Response(null, { status: 204 })), r.shelf);
    after.pending.pump();
    await after.pending.idle();
    return { went: after.sent.map((s) => s.path), state: after.pending.list[0]?.state };
  };

  it('goes out where nothing came since, though the conversation was never opened here', async () => {
    const note = { ...said('n', '30'), direction: 'note' } as Message;
    expect(await later([said('m', '20'), note])).toEqual({ went: ['/conversations/c9/status'], state: undefined });
  });

  it('is held where the customer wrote meanwhile', async () => {
    expect(await later([said('m', '20'), said('news', '21')])).toEqual({ went: [], state: 'held' });
  });
});
