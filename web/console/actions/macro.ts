import { t } from '../../texts/text.svelte';
import { screen } from '../model/screen.svelte';
import type { ID, Step } from '../model/words';
import { sync } from '../sync/sync';
import { always, inConversation, type Action } from './action';

/** Without an argument: asks which. With one: shows what it would do. */
export const chooseMacro: Action<ID | void> = {
  id: 'choose-macro',
  titleKey: 'action.macro',
  keys: 'm',
  group: 'conversation',
  available: inConversation,
  run(macro) {
    screen.macro = macro || '';
    screen.opened = macro ? 'run-macro' : 'macro';
  },
};

/** What a macro would do to a conversation, its texts filled in. */
export const previewMacro: Action<{ conversation: ID; macro: ID; done: (steps: Step[]) => void }> = {
  id: 'preview-macro',
  titleKey: 'action.ask',
  group: 'conversation',
  available: always,
  async run({ conversation, macro, done }) {
    done((await sync.client.get<{ items: Step[] }>(`/conversations/${conversation}/macros/${macro}`)).items);
  },
};

/** Seconds for which its reply can be taken back. */
const undo = 10;

/** Does all of it or nothing. The same id again does nothing. */
export const runMacro: Action<{ id: ID; conversation: ID; macro: ID; name: string }> = {
  id: 'run-macro',
  titleKey: 'macro.run',
  group: 'conversation',
  available: always,
  async run({ id, conversation, macro, name }) {
    await sync.client.post(`/conversations/${conversation}/macros/${macro}`, { id, undo });
    await sync.fetching.page(conversation);
    sync.fetching.refreshLists();
    screen.say(t('macro.done', { name }));
  },
};
