import { me } from '../model/desk';
import { screen } from '../model/screen.svelte';
import type { ID } from '../model/words';
import { sync } from '../sync/sync';
import { current, inConversation, type Action } from './action';

export interface Assignment { conversation: ID; operator: ID; team: ID }

/** Without an argument: asks whom. */
export const assign: Action<Assignment | void> = {
  id: 'assign',
  titleKey: 'action.assign',
  keys: 'a',
  group: 'conversation',
  available: (p) => inConversation(p) && p.may('conversations.assign'),
  async run(a) {
    if (!a) {
      screen.opened = 'assign';
      return;
    }
    const { operator, team } = a;
    await sync.act('assignment', a.conversation, { operator, team }, 'PUT', 'assignment', { operator, team });
  },
};

export const take: Action = {
  id: 'assign-to-me',
  titleKey: 'action.take',
  keys: 'i',
  group: 'conversation',
  available: (p) => inConversation(p) && p.conversation!.operator !== me().operator.id,
  run: () => assign.run({ conversation: current().id, operator: me().operator.id, team: current().team }),
};

export const unassign: Action = {
  id: 'unassign',
  titleKey: 'action.unassign',
  group: 'conversation',
  available: (p) => inConversation(p) && !!p.conversation!.operator,
  run: () => assign.run({ conversation: current().id, operator: '', team: current().team }),
};
