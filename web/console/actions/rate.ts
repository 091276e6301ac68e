import { t } from '../../texts/text.svelte';
import { screen } from '../model/screen.svelte';
import { sync } from '../sync/sync';
import { current, inConversation, type Action } from './action';

const ask = (question: 'csat' | 'nps', titleKey: string): Action => ({
  id: 'ask-' + question,
  titleKey,
  group: 'conversation',
  available: inConversation,
  async run() {
    const { id } = current();
    await sync.client.post(`/conversations/${id}/survey`, { question });
    sync.resources.changed(`/conversations/${id}/ratings`);
    screen.say(t('rating.asked'));
  },
});

export const askCsat = ask('csat', 'action.ask.csat');
export const askNps = ask('nps', 'action.ask.nps');
