import type { Conversation, ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

/** heir is who gets the conversations, or "" for nobody; passed tells how many have been handed over. */
export interface Removal { operator: ID; conversations: Conversation[]; heir: ID; passed: (n: number) => void }

/** The conversations go first: were the operator gone before, a failure would leave them with nobody who looks. */
export const removeOperator: Action<Removal> = {
  id: 'remove-operator',
  titleKey: 'action.remove',
  group: 'setup',
  available: always,
  async run({ operator, conversations, heir, passed }) {
    let n = 0;
    for (const c of conversations) {
      await sync.client.put(`/conversations/${c.id}/assignment`, { operator: heir, team: c.team });
      passed(++n);
    }
    await sync.client.delete('/operators/' + operator);
    sync.resources.changed('/operators', '/teams');
    sync.fetching.refreshLists();
  },
};
