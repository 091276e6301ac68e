import { sync } from '../sync/sync';
import type { Address, ID } from '../model/words';
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

/** Sends by another channel account, to another address of the customer, or both. */
export const outboxReroute: Action<{ message: ID; channel: ID; to: Pick<Address, 'scheme' | 'value'> }> = {
  id: 'outbox-reroute',
  titleKey: 'outbox.reroute',
  group: 'desk',
  available: always,
  async run({ message, channel, to }) {
    await sync.client.post(`/outbox/${message}/requeue`, { channel, to });
    sync.resources.changed('/outbox');
  },
};
