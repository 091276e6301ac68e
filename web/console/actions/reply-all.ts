import { others } from '../model/addresses';
import { draftOf } from '../model/composer.svelte';
import { kindOf } from '../model/desk';
import { screen } from '../model/screen.svelte';
import { current, inConversation, type Action, type Place } from './action';

const reachable = (p: Place): boolean => {
  const c = p.conversation!;
  const by = draftOf(c.id).channel || c.channel;
  return kindOf(by)?.limits.cc === true && others(c.id, by).length > 0;
};

/** Copies the reply to everybody whom the customer's last letter went to. */
export const replyAll: Action = {
  id: 'reply-all',
  titleKey: 'action.replyall',
  group: 'conversation',
  available: (p) => inConversation(p) && reachable(p),
  run() {
    const c = current();
    const draft = draftOf(c.id);
    const kept = draft.cc.split(/[,;\s]+/).filter(Boolean);
    draft.cc = [...new Set([...kept, ...others(c.id, draft.channel || c.channel)])].join(', ');
    draft.note = false;
    screen.composeAs = { note: false, at: Date.now() };
  },
};
