import { sync } from '../sync/sync';
import { emptyThread } from '../sync/apply';
import { listingKey } from '../sync/fetching';
import { me, viewers } from './desk';
import { watch } from './watch';
import type { Conversation, ConversationPage, Counts, Fault, ID, List, Listing, Thread, Typing } from './words';

export const views = ['mine', 'unassigned', 'open', 'waiting', 'snoozed', 'resolved', 'closed', 'all'] as const;
export type View = (typeof views)[number] | 'unread' | 'mentions';

export function counts(): Counts | undefined {
  watch('counts');
  return sync.store.counts;
}

export function listing(query: Record<string, string>): Listing {
  watch('listing:' + listingKey(query));
  return sync.fetching.listing(query);
}

/** The conversations of a list in its order. */
export function conversationsOf(l: Listing): Conversation[] {
  watch('conversations');
  return l.ids.map((id) => sync.store.conversations.get(id)).filter((c): c is Conversation => c !== undefined);
}

export const moreConversations = (query: Record<string, string>): Promise<void> => sync.fetching.more(query);

/** A conversation as a list knows it, or its page where only that is known. */
export function conversation(id: ID): Conversation | undefined {
  watch('conversation:' + id);
  return sync.store.conversations.get(id) ?? sync.store.pages.get(id);
}

export function page(id: ID): ConversationPage | undefined {
  watch('conversation:' + id);
  return sync.store.pages.get(id);
}

/** The conversation that this one is shown as, when it was merged. */
export function mergedInto(id: ID): ID | undefined {
  watch('conversation:' + id);
  return sync.store.merged.get(id);
}

export function pageFault(id: ID): Fault | undefined {
  watch('conversation:' + id);
  return sync.store.pageFaults.get(id);
}

export function thread(id: ID): Thread {
  watch('thread:' + id);
  return sync.store.threads.get(id) ?? emptyThread;
}

export const openConversation = (id: ID): Promise<void> => sync.openConversation(id);
/** Has these ready, for whoever steps there next. */
export const warm = (ids: (ID | undefined)[]): Promise<void> =>
  sync.live === 'live' ? sync.fetching.warm(ids.filter((id) => id !== undefined)) : Promise.resolve();
export const earlierMessages = (id: ID): Promise<void> => sync.fetching.earlier(id);

export function typing(id: ID): Typing | undefined {
  watch('typing:' + id);
  return sync.store.typing.get(id);
}

/** The other operators who look at this conversation now. */
export function othersViewing(id: ID): ID[] {
  const self = me().operator.id;
  return viewers().filter((v) => v.viewing === id && v.id !== self).map((v) => v.id);
}

export const lookAt = (id: ID | ''): void => sync.nearby.view(id);
export const typingIn = (id: ID): void => sync.nearby.type(id);

/** Addresses of what the browser fetches by itself. */
export const href = (path: string, query: Record<string, string | number | boolean> = {}): string => sync.client.href(path, query);

/** What an operator has in hand: all that is theirs and neither resolved nor closed. */
export async function inHand(operator: ID): Promise<Conversation[]> {
  const found: Conversation[] = [];
  for (const view of ['open', 'waiting', 'snoozed']) {
    let cursor = '';
    do {
      const page = await sync.client.get<List<Conversation>>('/conversations', { view, operator, limit: 200, cursor });
      found.push(...(page.items ?? []));
      cursor = page.next ?? '';
    } while (cursor);
  }
  return found;
}
