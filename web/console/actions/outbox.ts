import { sync } from '../sync/sync';
import type { ID } from '../model/words';
import { always, type Action } from './action';

const command = (what: 'retry' | 'hold' | 'cancel' | 'requeue'): Action<ID> => ({
  id: 'outbox-' + what,
  titleKey: 'outbox.' + what,
  group: 'desk',
  available: always,
  async run(message) {
    await sync.client.post(`/outbox/${message}/${what}`);
    sync.resources.changed('/outbox');
  },
});

export const outboxRetry = command('retry');
export const outboxHold = command('hold');
export const outboxCancel = command('cancel');
export const outboxRequeue = command('requeue');
