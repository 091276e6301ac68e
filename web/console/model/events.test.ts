import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { setLanguage } from '../../texts/text.svelte';
import { eventKinds } from '../sync/apply';
import { eventLines, eventSentence } from './events';
import type { TimelineItem } from './words';

const go = readFileSync(fileURLToPath(new URL('../../../entry.go', import.meta.url)), 'utf8');
const kinds = [...go.matchAll(/^\t"([a-z]+\.[a-z_]+)":/gm)].map((m) => m[1]!);

/** Those about a conversation that are no line between messages, and where they are seen instead. */
const elsewhere: Record<string, string> = {
  'conversation.opened': 'the panel says when', 'conversation.read': 'the mark of an unread one', 'draft.saved': 'the composer',
  'message.received': 'a bubble', 'message.queued': 'a bubble', 'message.noted': 'a bubble',
  'message.sent': 'the mark of delivery', 'message.retrying': 'the mark of delivery', 'message.delivered': 'the mark of delivery', 'message.seen': 'the mark of delivery',
  'message.failed': 'the mark of delivery', 'message.unknown': 'the mark of delivery', 'message.requeued': 'the mark of delivery', 'message.held': 'the mark of delivery', 'message.cancelled': 'the mark of delivery',
};
const about = kinds.filter((k) => /^(conversation|message|draft|fields)\./.test(k));

const event = (kind: string, body: Record<string, unknown> = {}, more: Partial<TimelineItem> = {}): TimelineItem => ({ lsn: 1, at: '2026-11-22T10:00:00Z', kind, actor: { kind: 'system' }, body, ...more });
const bodies: Record<string, Record<string, unknown>> = {
  'conversation.status': { status: 'resolved' }, 'conversation.prioritised': { priority: 2 }, 'conversation.tagged': { tag: 'vip' }, 'conversation.untagged': { tag: 'vip' }, 'conversation.subject': { subject: 'Router' },
  'conversation.merged': { with: 'c2' }, 'conversation.unmerged': { with: 'c2' }, 'message.moved': { message: 'm', from: 'c2' },
  'conversation.surveyed': { kind: 'nps' }, 'conversation.rated': { kind: 'csat', score: 4 }, 'fields.set': { of: 'conversation', values: { f1: 'Gold', f2: '' } }, 'message.rerouted': { why: 'cut', from: 'a', to: 'b' },
};

afterAll(() => setLanguage('en'));

describe('the timeline', () => {
  it('shows every kind of entry about a conversation, here or elsewhere', () => {
    expect(kinds.length).toBeGreaterThan(30);
    expect(about.filter((k) => !eventKinds.has(k) && !(k in elsewhere))).toEqual([]);
    expect([...eventKinds].filter((k) => !kinds.includes(k))).toEqual([]);
    expect(Object.keys(elsewhere).filter((k) => eventKinds.has(k) || !kinds.includes(k))).toEqual([]);
  });

  it.each(['en', 'ru', 'fa'] as const)('says each of them in words: %s', async (language) => {
    await setLanguage(language);
    for (const kind of eventKinds) {
      const said = eventSentence(event(kind, bodies[kind] ?? {}), () => ({ number: 12, subject: 'Router' }));
      expect(said, kind).not.toContain(kind);
      // A text that is missing would stand there as its key, and a value as its name.
      expect(said, kind).not.toMatch(/\b(event|status|priority|rating|field|conversation)\.[a-z]|\{\w+\}|undefined|NaN/);
    }
  });

  it('says who was merged, and what nobody here has heard of', async () => {
    await setLanguage('en');
    expect(eventSentence(event('conversation.merged', { with: 'c2' }), () => ({ number: 12, subject: 'Router' })).replace(/[\u2066-\u2069]/g, '')).toBe('Holdfast merged #12 “Router” into this');
    expect(eventSentence(event('conversation.merged', { with: 'c2' })).replace(/[\u2066-\u2069]/g, '')).toBe('Holdfast merged another conversation into this');
  });

  it('says in one line what was moved at once, and nothing else', () => {
    const moved = (lsn: number, from: string, at = '2026-11-22T10:00:00Z') => event('message.moved', { message: 'm' + lsn, from }, { lsn, at });
    const lines = eventLines([moved(1, 'a'), moved(2, 'a'), moved(3, 'b'), moved(4, 'b', '2026-11-22T11:00:00Z'), event('conversation.tagged', { tag: 'x' }), event('conversation.tagged', { tag: 'y' })]);
    expect(lines.map((l) => l.body.count ?? 1)).toEqual([2, 1, 1, 1, 1]);
    expect(lines.map((l) => l.lsn)).toEqual([1, 3, 4, 1, 1]);
  });
});
