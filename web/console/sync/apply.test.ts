import { beforeEach, describe, expect, it } from 'vitest';
import { apply, byClock, emptyThread, putMessage } from './apply';
import { Store } from './store';
import type { Conversation, Entry, Message } from './words';

const me = 'op-1';
const item = (change: Partial<Conversation> = {}): Conversation => ({
  id: 'c1', number: 1, subject: '', status: 'waiting', state: 'waiting', operator: '', team: '', priority: 1, channel: 'ch', customer: { id: 'p1', name: 'Ana' },
  preview: 'old', preview_direction: 'in', last_at: '2026-11-22T08:00:00Z', last_clock: '100', unread: false, tags: ['a'], opened_at: '', ...change,
});
let lsn = 0;
const entry = (kind: string, body: Record<string, unknown>, change: Partial<Entry> = {}): Entry => ({
  lsn: ++lsn, at: '2026-11-22T09:00:00Z', clock: String(1000 + lsn), kind, subject: 'c1', actor: { kind: 'operator', id: 'op-2' }, body, ...change,
});
const message = (id: string, change: Partial<Message> = {}): Message => ({
  id, conversation: 'c1', clock: '500', at: '2026-11-22T08:30:00Z', direction: 'out', channel: 'ch', author: me, text: id, ...change,
});

let store: Store;
beforeEach(() => {
  lsn = 0;
  store = new Store();
  store.conversations.set('c1', item());
  store.threads.set('c1', { ...emptyThread, loaded: true });
});
const now = () => store.conversations.get('c1')!;
const thread = () => store.threads.get('c1')!;

describe('applying entries', () => {
  it('shows a customer’s message, reopens what waited, and marks it unread', () => {
    apply(store, entry('message.received', { message: 'm1', text: 'Where  is\nmy order?', channel: 'ch', customer: 'p1', from: { scheme: 'mailto', value: 'a@b' } }), me);
    expect(now()).toMatchObject({ state: 'open', unread: true, preview: 'Where is my order?', preview_direction: 'in', last_at: '2026-11-22T09:00:00Z' });
    expect(thread().messages.map((m) => m.text)).toEqual(['Where  is\nmy order?']);
  });

  it('does not reopen what is closed for good', () => {
    store.conversations.set('c1', item({ state: 'closed', status: 'closed' }));
    apply(store, entry('message.received', { message: 'm1', text: 'x' }), me);
    expect(now().status).toBe('closed');
  });

  it('changes nothing for an entry that was applied before', () => {
    const e = entry('message.received', { message: 'm1', text: 'x' });
    apply(store, e, me);
    const before = now();
    expect(apply(store, e, me)).toBe('');
    expect(now()).toBe(before);
    expect(thread().messages).toHaveLength(1);
  });

  it('replaces values and never changes them in place', () => {
    const before = now();
    apply(store, entry('conversation.tagged', { tag: 'b' }), me);
    expect(before.tags).toEqual(['a']);
    expect(now().tags).toEqual(['a', 'b']);
    apply(store, entry('conversation.untagged', { tag: 'a' }), me);
    expect(now().tags).toEqual(['b']);
  });

  it('takes only my own reading for my own mark', () => {
    store.conversations.set('c1', item({ unread: true }));
    apply(store, entry('conversation.read', { operator: 'op-2', upto: '1' }), me);
    expect(now().unread).toBe(true);
    apply(store, entry('conversation.read', { operator: me, upto: '1' }), me);
    expect(now().unread).toBe(false);
  });

  it('follows a reply through its delivery and keeps the reason of a failure', () => {
    apply(store, entry('message.queued', { message: 'm1', text: 'On its way', author: me, then: 'waiting' }), me);
    expect(thread().messages[0]!.delivery!.state).toBe('queued');
    apply(store, entry('message.retrying', { message: 'm1', attempt: 1, code: '451', reason: 'greylisted', next_at: '2026-11-22T09:05:00Z' }), me);
    expect(thread().messages[0]!.delivery).toMatchObject({ state: 'retry_wait', code: '451', due_at: '2026-11-22T09:05:00Z' });
    apply(store, entry('message.sent', { message: 'm1', attempt: 2, doubled: true }), me);
    expect(thread().messages[0]!.delivery).toMatchObject({ state: 'accepted', doubled: true, code: '' });
    apply(store, entry('message.delivered', { message: 'm1' }), me);
    expect(thread().messages[0]!.delivery).toMatchObject({ state: 'delivered', doubled: true });
  });

  it('does not let a late answer of the request take back what the stream said already', () => {
    apply(store, entry('message.queued', { message: 'm1', text: 'x', author: me }), me);
    apply(store, entry('message.sent', { message: 'm1', attempt: 1 }), me);
    for (const state of ['queued', 'sending'] as const) putMessage(store, 'c1', message('m1', { delivery: { state } }));
    expect(thread().messages).toHaveLength(1);
    expect(thread().messages[0]!.delivery!.state).toBe('accepted');
  });

  it('shows by what and to whom a re-routed reply goes, and when one goes that was put off', () => {
    apply(store, entry('message.queued', { message: 'm1', text: 'x', author: me, channel: 'mail', to: { scheme: 'mailto', value: 'ana@old.example' }, not_before: '2026-11-22T09:00:10Z' }), me);
    expect(thread().messages[0]).toMatchObject({ channel: 'mail', delivery: { state: 'queued', due_at: '2026-11-22T09:00:10Z' } });
    apply(store, entry('message.requeued', { message: 'm1', not_before: '2026-11-23T09:00:00Z' }), me);
    expect(thread().messages[0]).toMatchObject({ channel: 'mail', recipient: { value: 'ana@old.example' }, delivery: { state: 'queued', due_at: '2026-11-23T09:00:00Z' } });
    apply(store, entry('message.requeued', { message: 'm1', channel: 'sms', to: { scheme: 'tel', value: '+15550100' } }), me);
    expect(thread().messages[0]).toMatchObject({ channel: 'sms', recipient: { scheme: 'tel', value: '+15550100' }, delivery: { state: 'queued', due_at: null } });
  });

  it('shows that a reply was sent another way, once as a line and once at the reply, and that the second way was not needed', () => {
    apply(store, entry('message.queued', { message: 'm1', text: 'x', author: me, channel: 'mail', to: { scheme: 'mailto', value: 'ana@old.example' } }), me);
    const moved = entry('message.rerouted', { message: 'm1', from: 'mail', to: 'sms', address: { scheme: 'tel', value: '+15550100' }, why: 'cut', code: 'reach', reason: 'No uplink.', line: 'Sent by SMS' });
    apply(store, moved, me);
    apply(store, moved, me);
    expect(thread().events.filter((e) => e.kind === 'message.rerouted')).toHaveLength(1);
    expect(thread().messages[0]).toMatchObject({ channel: 'sms', recipient: { value: '+15550100' }, delivery: { state: 'queued', code: '', other: { from: 'mail', why: 'cut', reason: 'No uplink.' } } });
    apply(store, entry('message.sent', { message: 'm1' }), me);
    expect(thread().messages[0]).toMatchObject({ channel: 'sms', delivery: { state: 'accepted', other: { from: 'mail' } } });
    apply(store, entry('message.stayed', { message: 'm1', channel: 'mail', to: { scheme: 'mailto', value: 'ana@old.example' }, why: 'answered' }), me);
    expect(thread().messages[0]).toMatchObject({ channel: 'mail', delivery: { state: 'accepted' } });
    expect(thread().messages[0]!.delivery!.other).toBeUndefined();
  });

  it('shows a note in the thread with those whom it mentions, and not in the list', () => {
    store.conversations.set('c1', item({ preview: 'Where is it?', preview_direction: 'in' }));
    apply(store, entry('message.noted', { message: 'n1', text: '@Ann look', author: me, mentions: ['ann'] }), me);
    expect(thread().messages[0]).toMatchObject({ direction: 'note', mentions: ['ann'] });
    expect(now()).toMatchObject({ preview: 'Where is it?', preview_direction: 'in' });
  });

  it('puts what this screen is still sending last, and replaces it by the entry of the same id', () => {
    putMessage(store, 'c1', { ...message('mine', { clock: '' }), local: 'sending' });
    putMessage(store, 'c1', message('other', { clock: '99999999999999999' }));
    expect(thread().messages.map((m) => m.id)).toEqual(['other', 'mine']);
    apply(store, entry('message.queued', { message: 'mine', text: 'x', author: me }, { clock: '100000000000000000' }), me);
    expect(thread().messages.map((m) => [m.id, m.local])).toEqual([['other', undefined], ['mine', undefined]]);
  });

  it('keeps lists and threads alone that it does not know', () => {
    expect(apply(store, entry('message.received', { message: 'm9', text: 'x' }, { subject: 'c9' }), me)).toBe('c9');
    expect(store.threads.has('c9')).toBe(false);
    expect(store.conversations.has('c9')).toBe(false);
  });
});

describe('clocks', () => {
  it('are compared as numbers that do not fit a number', () => {
    const sorted = ['9', '116902372837490688', '116902372837490689', '21'].map((clock, i) => message(String(i), { clock })).sort(byClock);
    expect(sorted.map((m) => m.clock)).toEqual(['9', '21', '116902372837490688', '116902372837490689']);
  });
});
