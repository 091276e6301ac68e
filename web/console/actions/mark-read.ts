import { go, route } from '../model/route.svelte';
import type { ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, current, inConversation, type Action } from './action';

export const markRead: Action<{ conversation: ID; upto: string }> = {
  id: 'mark-read',
  titleKey: 'action.read',
  group: 'conversation',
  available: always,
  run: (a) => sync.act('read', a.conversation, { unread: false }, 'PUT', 'read', { upto: a.upto }),
};

export const markUnread: Action = {
  id: 'mark-unread',
  titleKey: 'action.unread',
  keys: 'u',
  group: 'conversation',
  available: (p) => inConversation(p) && !p.conversation!.unread,
  async run() {
    const { id } = current();
    await sync.act('read', id, { unread: true }, 'DELETE', 'read');
    // Staying would read it again.
    const r = route();
    go('inbox', r.parts[0] ?? 'open', Object.fromEntries(r.query));
  },
};
