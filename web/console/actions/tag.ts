import { screen } from '../model/screen.svelte';
import type { ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, inConversation, type Action } from './action';

/** Without an argument: asks which. With one: adds it. */
export const tag: Action<{ conversation: ID; tag: string } | void> = {
  id: 'tag',
  titleKey: 'action.tag',
  keys: 't',
  group: 'conversation',
  available: inConversation,
  async run(a) {
    if (!a) {
      screen.opened = 'tag';
      return;
    }
    const now = sync.store.conversations.get(a.conversation)?.tags ?? [];
    const tags = [...new Set([...now, a.tag])].sort();
    await sync.act('tag', a.conversation, { tags }, 'PUT', 'tags/' + encodeURIComponent(a.tag), {});
    sync.resources.changed('/tags');
  },
};

export const untag: Action<{ conversation: ID; tag: string }> = {
  id: 'untag',
  titleKey: 'action.untag',
  group: 'conversation',
  available: always,
  run(a) {
    const tags = (sync.store.conversations.get(a.conversation)?.tags ?? []).filter((x) => x !== a.tag);
    return sync.act('tag', a.conversation, { tags }, 'DELETE', 'tags/' + encodeURIComponent(a.tag));
  },
};
