import { describe, expect, it } from 'vitest';
import { Client } from '../../protocol/client';
import { emptyThread } from './apply';
import { Pending, type Outgoing } from './pending';
import { Store } from './store';

const outgoing: Outgoing = { id: 'm1', conversation: 'c1', note: false, author: 'me', channel: 'ch', text: 'On its way.', attachments: [], then: 'waiting', at: '2026-11-22T09:00:00Z' };

function room(answer: (path: string, body: Record<string, unknown>) => Response | Promise<Response>) {
  const kept = new Map<string, string>();
  const storage = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) };
  const sent: { path: string; body: Record<string, unknown> }[] = [];
  const client = new Client('', async (url, init) => {
    const call = { path: String(url), body: JSON.parse(String(init?.body)) as Record<string, unknown> };
    sent.push(call);
    return answer(call.path, call.body);
  });
  const store = new Store();
  store.threads.set('c1', { ...emptyThread, loaded: true });
  return { store, sent, kept, storage, client, pending: new Pending(client, store, storage), shown: () => store.threads.get('c1')!.messages };
}
const accepted = (body: Record<string, unknown>) =>
  new Response(JSON.stringify({ id: body.id, conversation: 'c1', clock: '7', at: '2026-11-22T09:00:01Z', direction: 'out', channel: 'ch', author: 'me', text: body.text, delivery: { state: 'queued' } }), { status: 201 });

describe('sending', () => {
  it('shows the reply at once as being sent, and as sent only after the desk said so', async () => {
    let open: (r: Response) => void = () => {};
    const r = room(() => new Promise<Response>((resolve) => (open = resolve)));
    const sending = r.pending.send(outgoing);
    expect(r.shown().map((m) => [m.text, m.local])).toEqual([['On its way.', 'sending']]);
    open(accepted({ id: 'm1', text: 'On its way.' }));
    await sending;
    expect(r.shown().map((m) => [m.text, m.local, m.delivery?.state])).toEqual([['On its way.', undefined, 'queued']]);
    expect(JSON.parse(r.kept.get('holdfast.unsent')!)).toEqual([]);
  });

  it('keeps a text that could not be sent, over a reload too, and repeats it under the same id', async () => {
    let down = true;
    const r = room((_, body) => {
      if (down) throw new TypeError('no network');
      return accepted(body);
    });
    await expect(r.pending.send(outgoing)).rejects.toMatchObject({ code: 'network.offline' });
    expect(r.shown()[0]).toMatchObject({ local: 'unsent', text: 'On its way.' });

    const store = new Store();
    store.threads.set('c1', { ...emptyThread, loaded: true });
    const after = new Pending(r.client, store, r.storage);
    after.restore('me');
    after.show('c1');
    expect(store.threads.get('c1')!.messages.map((m) => m.local)).toEqual(['unsent']);

    down = false;
    await after.retry('m1');
    expect(r.sent.map((s) => s.body.id)).toEqual(['m1', 'm1']);
    expect(store.threads.get('c1')!.messages.map((m) => m.local)).toEqual([undefined]);
  });

  it('does not show another operator’s unsent text', async () => {
    const r = room(() => new Response('', { status: 502 }));
    await expect(r.pending.send(outgoing)).rejects.toBeTruthy();
    const store = new Store();
    const after = new Pending(r.client, store, r.storage);
    after.restore('somebody-else');
    after.show('c1');
    expect(store.threads.get('c1')).toBeUndefined();
    // and what the other one sends does not wipe it away
    await expect(after.send({ ...outgoing, id: 'm2', author: 'somebody-else' })).rejects.toBeTruthy();
    after.take('m2');
    expect((JSON.parse(r.kept.get('holdfast.unsent')!) as Outgoing[]).map((o) => o.id)).toEqual(['m1']);
  });

  it('sends a note with those whom it mentions', async () => {
    const r = room((_, body) => accepted(body));
    await r.pending.send({ ...outgoing, note: true, mentions: ['ann'] });
    expect(r.sent[0]).toMatchObject({ path: '/api/v1/conversations/c1/notes', body: { mentions: ['ann'] } });
    expect(r.sent[0]!.body).not.toHaveProperty('channel');
  });

  it('believes the stream when the answer got lost on the way', async () => {
    const r = room(() => {
      // The desk took it in, and its entry came before the connection broke.
      r.store.threads.set('c1', { ...emptyThread, messages: [{ id: 'm1', conversation: 'c1', clock: '7', at: '', direction: 'out', channel: 'ch', author: 'me', text: 'On its way.' }] });
      throw new TypeError('reset');
    });
    await r.pending.send(outgoing);
    expect(r.shown().map((m) => m.local)).toEqual([undefined]);
  });

  it('gives a text back for editing and forgets it', async () => {
    const r = room(() => new Response(JSON.stringify({ code: 'message.too_long', message: 'too long' }), { status: 413 }));
    await expect(r.pending.send(outgoing)).rejects.toMatchObject({ code: 'message.too_long', again: false });
    expect(r.pending.take('m1')?.text).toBe('On its way.');
    expect(r.shown()).toEqual([]);
    expect(r.pending.take('m1')).toBeUndefined();
  });
});
