import { describe, expect, it } from 'vitest';
import { backGroups, backSteps, changeOf, undoable } from './undoing';
import type { Conversation, Step } from './words';

const now = Date.parse('2026-11-22T12:00:00Z');
const c = (change: Partial<Conversation> = {}): Conversation => ({ id: 'a', status: 'open', state: 'open', operator: '', team: '', priority: 1, tags: ['vip'], unread: true, ...change }) as Conversation;

/** Does the steps to a conversation as the desk does them. */
const after = (steps: Step[], was: Conversation) => steps.reduce<Conversation>((x, s) => ({ ...x, ...changeOf(s, x, 'me', now) }), was);

describe('undoing what was done to many', () => {
  it.each<[string, Step[], Partial<Conversation>]>([
    ['a status', [{ do: 'status', status: 'resolved' }], {}],
    ['a status of what was snoozed until a time', [{ do: 'status', status: 'resolved' }], { status: 'snoozed', state: 'snoozed', snooze_until: '2026-11-22T14:00:00.000Z' }],
    ['a snooze', [{ do: 'snooze', minutes: 60 }], { status: 'waiting', state: 'waiting' }],
    ['an assignment', [{ do: 'assign', operator: 'joe', team: 't' }], {}],
    ['an assignment to a team of what was somebody’s', [{ do: 'assign', team: 't' }], { operator: 'ann' }],
    ['an assignment to nobody', [{ do: 'assign' }], { operator: 'ann', team: 't' }],
    ['a priority', [{ do: 'priority', priority: 3 }], {}],
    ['a tag', [{ do: 'tag', tag: 'late' }], {}],
    ['a tag that was there', [{ do: 'tag', tag: 'vip' }], {}],
    ['a tag taken away', [{ do: 'untag', tag: 'vip' }], {}],
    ['several', [{ do: 'tag', tag: 'x' }, { do: 'assign', me: true }, { do: 'status', status: 'closed' }], {}],
  ])('puts back %s', (_, steps, change) => {
    const was = c(change);
    const now_ = after(steps, was);
    const { snooze_until: until, ...rest } = after(backSteps(steps, was, now), now_);
    const { snooze_until: wanted, ...same } = was;
    expect(rest).toEqual(same);
    expect(until || null).toEqual(wanted ?? null);
  });

  it('sends together those that go back in the same way', () => {
    const were = [c({ id: 'a' }), c({ id: 'b' }), c({ id: 'd', status: 'waiting', state: 'waiting' })];
    expect(backGroups([{ do: 'status', status: 'resolved' }], were, now)).toEqual([
      { ids: ['a', 'b'], steps: [{ do: 'status', status: 'open' }] }, { ids: ['d'], steps: [{ do: 'status', status: 'waiting' }] },
    ]);
    expect(backGroups([{ do: 'tag', tag: 'vip' }], were, now)).toEqual([]);
  });

  it('does not promise to take back what was said', () => {
    expect(undoable([{ do: 'status', status: 'resolved' }, { do: 'tag', tag: 'x' }])).toBe(true);
    expect(undoable([{ do: 'reply', text: 'x' }, { do: 'status', status: 'resolved' }])).toBe(false);
    expect(undoable([{ do: 'note', text: 'x' }])).toBe(false);
  });
});
