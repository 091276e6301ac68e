import { setLanguage, type Language } from '../../texts/text.svelte';
import { me } from '../model/desk';
import { setLooks } from '../model/looks.svelte';
import type { Preferences } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const saveAccount: Action<{ name?: string; language?: Language; preferences?: Preferences }> = {
  id: 'save-account',
  titleKey: 'action.save',
  group: 'setup',
  available: always,
  async run(change) {
    const preferences = change.preferences && { ...me().operator.preferences, ...change.preferences };
    if (preferences) setLooks(preferences);
    if (change.language) await setLanguage(change.language);
    await sync.client.patch('/me', { ...change, ...(preferences ? { preferences } : {}) });
    await sync.refreshMe();
    // Kinds of channels come in the reader's language.
    if (change.language) sync.resources.changed('/channel-kinds', '/channels');
  },
};

export const toggleTheme: Action = {
  id: 'toggle-theme',
  titleKey: 'action.theme',
  group: 'desk',
  available: always,
  run: () => saveAccount.run({ preferences: { theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' } }),
};

export const refreshAccount: Action = { id: 'refresh-account', titleKey: 'action.again', group: 'setup', available: always, run: () => sync.refreshMe() };
