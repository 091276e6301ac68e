import { sync } from '../sync/sync';
import type { Customer, ID } from '../model/words';
import { always, type Action } from './action';

function changed(): void {
  sync.resources.changed('/customers');
  for (const id of sync.store.pages.keys()) if (sync.store.watched('conversation:' + id)) void sync.fetching.page(id);
}

export const saveCustomer: Action<{ id: ID; change: Partial<Pick<Customer, 'name' | 'language' | 'company' | 'about'>> }> = {
  id: 'save-customer',
  titleKey: 'customer.save',
  group: 'desk',
  available: always,
  async run({ id, change }) {
    await sync.client.patch(`/customers/${id}`, change);
    changed();
  },
};

export const addAddress: Action<{ id: ID; scheme: string; value: string }> = {
  id: 'add-address',
  titleKey: 'customer.address.add',
  group: 'desk',
  available: always,
  async run({ id, scheme, value }) {
    await sync.client.post(`/customers/${id}/addresses`, { scheme, value });
    changed();
  },
};
