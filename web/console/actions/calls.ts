import { go } from '../model/route.svelte';
import type { Calls, ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const goCalls: Action = { id: 'go-calls', titleKey: 'action.go.calls', group: 'go', available: (p) => p.may('conversations.write'), run: () => go('continuity', 'calls') };

/** Says what came of a call; what was said becomes a note. */
export const sayCall: Action<{ list: ID; customer: ID; outcome: Calls.Outcome; text: string }> = {
  id: 'say-call',
  titleKey: 'continuity.calls.title',
  group: 'desk',
  available: always,
  async run({ list, customer, ...said }) {
    await sync.client.put(`/call-lists/${list}/calls/${customer}`, said);
    sync.resources.changed('/call-lists');
  },
};
