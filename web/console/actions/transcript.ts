import { screen } from '../model/screen.svelte';
import { t } from '../../texts/text.svelte';
import { sync } from '../sync/sync';
import { current, inConversation, type Action } from './action';

/** Mails the conversation on the screen to its customer. Asked for twice, the same is sent once. */
export const transcript: Action = {
  id: 'transcript',
  titleKey: 'action.transcript',
  group: 'conversation',
  available: inConversation,
  async run() {
    const done = await sync.client.post<{ to: string }>(`/conversations/${current().id}/transcript`, {});
    sync.resources.changed('/outbox');
    screen.say(t('said.transcript', { to: done?.to ?? '' }));
  },
};
