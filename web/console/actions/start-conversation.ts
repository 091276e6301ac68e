import { go } from '../model/route.svelte';
import type { Address, Attachment, ConversationPage, ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export interface NewConversation {
  id: ID; message_id: ID; channel: ID; to?: Address; customer?: ID; subject: string; text: string; cc?: string[]; bcc?: string[]; attachments: Attachment[];
}

export const startConversation: Action<NewConversation> = {
  id: 'start-conversation',
  titleKey: 'action.compose',
  group: 'desk',
  available: always,
  async run(a) {
    const made = await sync.client.post<ConversationPage>('/conversations', a);
    sync.fetching.refreshLists();
    go('inbox', 'all', made?.id ?? a.id);
  },
};
