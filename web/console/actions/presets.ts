import { go } from '../model/route.svelte';
import type { CustomField } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const newCanned: Action = {
  id: 'new-canned', titleKey: 'canned.new', group: 'setup', available: (p) => p.may('conversations.write'), run: () => go('settings', 'canned', 'new'),
};
export const newMacro: Action = {
  id: 'new-macro', titleKey: 'macros.new', group: 'setup', available: (p) => p.may('conversations.write'), run: () => go('settings', 'macros', 'new'),
};
export const newField: Action = {
  id: 'new-field', titleKey: 'fields.new', group: 'setup', available: (p) => p.may('workspace.manage'), run: () => go('settings', 'fields', 'new'),
};

/** What is sent of a field's definition. */
export const fieldBody = (f: CustomField) => ({ of: f.of, key: f.key, labels: f.labels, type: f.type, choices: f.choices, required: f.required, position: f.position });

/** Puts fields of one kind in an order: only those whose place changes are written. */
export const orderFields: Action<CustomField[]> = {
  id: 'order-fields',
  titleKey: 'action.save',
  group: 'setup',
  available: always,
  async run(list) {
    try {
      for (const [i, f] of list.entries()) if (f.position !== i + 1) await sync.client.put('/fields/' + f.id, { ...fieldBody(f), position: i + 1 });
    } finally {
      sync.resources.changed('/fields');
    }
  },
};
