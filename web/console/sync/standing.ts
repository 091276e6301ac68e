import type { Store } from './store';
import type { ID } from './words';
import type { Work } from './work';

/** The newest entry that stands on this screen of a conversation; unknown of one that was not opened. */
export function seen(store: Store, conversation: ID): number | undefined {
  const thread = store.threads.get(conversation);
  if (!thread?.loaded) return undefined;
  return Math.max(store.lsn, ...thread.messages.map((m) => m.lsn ?? 0)) || undefined;
}

/** The clock of what was said last; of a conversation that was not opened here the list knows it. */
export const newest = (store: Store, conversation: ID): string =>
  store.threads.get(conversation)?.messages.findLast((m) => m.clock)?.clock ?? store.conversations.get(conversation)?.last_clock ?? '';

/** Its status and whose it is, as this screen shows them. */
export function standing(store: Store, conversation: ID): Work['was'] {
  const c = store.pages.get(conversation) ?? store.conversations.get(conversation);
  return c && { status: c.status, operator: c.operator ?? '' };
}
