import type { ID, Status } from '../model/words';
import { sync } from '../sync/sync';
import { always, current, inConversation, type Action } from './action';

export interface NewStatus { conversation: ID; status: Status; until?: string }

export const setStatus: Action<NewStatus> = {
  id: 'set-status',
  titleKey: 'action.status',
  group: 'conversation',
  available: always,
  run({ conversation, status, until }) {
    return sync.act('status', conversation, { status, state: status, snooze_until: until ?? null }, 'PUT', 'status', { status, ...(until ? { until } : {}) });
  },
};

const to = (status: Status, titleKey: string, keys?: string): Action => ({
  id: 'status-' + status,
  titleKey,
  keys,
  group: 'conversation',
  available: (p) => inConversation(p) && p.conversation!.status !== status,
  run: () => setStatus.run({ conversation: current().id, status }),
});

export const resolve = to('resolved', 'action.resolve', 'e');
export const wait = to('waiting', 'action.wait', 'w');
export const reopen = to('open', 'action.reopen', 'o');
export const close = to('closed', 'action.close');
