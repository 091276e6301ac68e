import { go } from '../model/route.svelte';
import { undoSeconds } from '../model/waiting';
import type { Beginning } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const startConversation: Action<Beginning> = {
  id: 'start-conversation',
  titleKey: 'action.compose',
  group: 'desk',
  available: always,
  async run(a) {
    await sync.begin({ undo: undoSeconds(a.channel), ...a });
    sync.fetching.refreshLists();
    go('inbox', 'all', a.id);
  },
};
