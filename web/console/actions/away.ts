import { isAway } from '../model/duty';
import { sync } from '../sync/sync';
import type { Action } from './action';

const say = async (away: boolean): Promise<void> => {
  await sync.client.put('/me/away', { away });
  sync.resources.changed('/operators');
};

export const leave: Action = { id: 'away', titleKey: 'action.away', group: 'desk', available: () => !isAway(), run: () => say(true) };
export const comeBack: Action = { id: 'back', titleKey: 'action.back.work', group: 'desk', available: isAway, run: () => say(false) };
