import { sync } from '../sync/sync';
import type { ID } from '../model/words';
import { always, type Action } from './action';

export const saveFields: Action<{ of: 'customer' | 'conversation'; id: ID; values: Record<string, string> }> = {
  id: 'save-fields',
  titleKey: 'action.save',
  group: 'desk',
  available: always,
  async run({ of, id, values }) {
    await sync.client.patch(`/${of}s/${id}/fields`, { values });
    await sync.resources.fetch(`/${of}s/${id}/fields`);
  },
};
