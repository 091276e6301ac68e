import { go, route } from '../model/route.svelte';
import { listing } from '../model/inbox';
import { inboxQuery } from '../model/query';
import type { Action } from './action';

function step(by: number): void {
  const r = route();
  const list = listing(inboxQuery(r)).ids;
  const at = list.indexOf(r.parts[1] ?? '');
  const next = list[at < 0 ? 0 : at + by];
  if (next) go('inbox', r.parts[0] ?? 'open', next, Object.fromEntries(r.query));
}

export const next: Action = {
  id: 'next', titleKey: 'action.next', keys: 'j', group: 'conversation', available: (p) => p.route === 'inbox', run: () => step(1),
};
export const previous: Action = {
  id: 'previous', titleKey: 'action.previous', keys: 'k', group: 'conversation', available: (p) => p.route === 'inbox', run: () => step(-1),
};
