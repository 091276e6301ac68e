import { go } from '../model/route.svelte';
import type { Action, Place } from './action';

const to = (name: string, keys: string | undefined, available: (p: Place) => boolean = () => true): Action => ({
  id: 'go-' + name,
  titleKey: 'action.go.' + name,
  keys,
  group: 'go',
  available,
  run: () => go(name),
});

export const goInbox = to('inbox', 'g i');
export const goSearch = to('search', '/');
export const goCustomers = to('customers', 'g c', (p) => p.may('customers.read'));
export const goOutbox = to('outbox', 'g o', (p) => p.may('outbox.read'));
export const goArrivals = to('arrivals', 'g a', (p) => p.may('quarantine.manage'));
export const goSettings = to('settings', 'g s');
