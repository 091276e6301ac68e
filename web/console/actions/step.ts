import { go, route } from '../model/route.svelte';
import { conversationsOf, listing } from '../model/inbox';
import { inboxQuery } from '../model/query';
import type { Action } from './action';

function step(by: number): void {
  const r = route();
  const list = conversationsOf(listing(inboxQuery(r)));
  const at = list.findIndex((c) => c.id === r.parts[1]);
  const next = list[at < 0 ? 0 : at + by];
  if (next) go('inbox', r.parts[0] ?? 'open', next.id, Object.fromEntries(r.query));
}

export const next: Action = {
  id: 'next', titleKey: 'action.next', keys: 'j', group: 'conversation', available: (p) => p.route === 'inbox', run: () => step(1),
};
export const previous: Action = {
  id: 'previous', titleKey: 'action.previous', keys: 'k', group: 'conversation', available: (p) => p.route === 'inbox', run: () => step(-1),
};
