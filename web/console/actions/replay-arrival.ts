import { sync } from '../sync/sync';
import type { ID } from '../model/words';
import { always, type Action } from './action';

export const replayArrival: Action<ID> = {
  id: 'replay-arrival',
  titleKey: 'arrivals.replay',
  group: 'desk',
  available: always,
  async run(id) {
    await sync.client.post(`/arrivals/${id}/replay`);
    sync.resources.changed('/arrivals');
  },
};
