import { t } from '../../texts/text.svelte';
import { go, route } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';
import { splitting } from '../model/splitting.svelte';
import type { ConversationPage, ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, current, inConversation, type Action } from './action';

/** Shows a conversation in the list that is on the screen. */
function show(id: ID): void {
  const r = route();
  go('inbox', r.parts[0] ?? 'all', id, Object.fromEntries(r.query));
}

/** Without an argument: asks with which. */
export const merge: Action<{ conversation: ID; with: ID } | void> = {
  id: 'merge',
  titleKey: 'action.merge',
  group: 'conversation',
  available: (p) => inConversation(p) && !!p.conversation!.customer?.id,
  async run(a) {
    if (!a) {
      screen.opened = 'merge';
      return;
    }
    const one = await sync.client.post<ConversationPage>(`/conversations/${a.conversation}/merge`, { with: a.with });
    // The stream may be slower than this answer: what is shown is read again at once.
    await Promise.all([a.conversation, a.with].map((id) => sync.fetching.anew(id)));
    sync.fetching.refreshLists();
    show(one.id);
    screen.say(t('merge.done'));
  },
};

/** Takes a conversation out of the one that it was merged into. */
export const unmerge: Action<{ part: ID; from: ID }> = {
  id: 'unmerge',
  titleKey: 'merge.undo',
  group: 'conversation',
  available: always,
  async run({ part, from }) {
    await sync.client.delete(`/conversations/${part}/merge`);
    await Promise.all([part, from].map((id) => sync.fetching.anew(id)));
    sync.fetching.refreshLists();
    screen.say(t('merge.undone'));
  },
};

export interface NewSplit { conversation: ID; id: ID; messages: ID[]; subject?: string }

/** Without an argument: lets one choose the messages. */
export const split: Action<NewSplit | void> = {
  id: 'split',
  titleKey: 'action.split',
  group: 'conversation',
  available: inConversation,
  async run(a) {
    if (!a) {
      splitting.begin(current().id);
      return;
    }
    const { conversation, ...body } = a;
    const to = await sync.client.post<ConversationPage>(`/conversations/${conversation}/split`, body);
    splitting.end();
    await Promise.all([conversation, to.id].map((id) => sync.fetching.anew(id)));
    sync.fetching.refreshLists();
    show(to.id);
    screen.say(t('split.done', { n: a.messages.length }));
  },
};
