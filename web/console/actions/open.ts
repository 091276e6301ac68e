import { screen, type Opened } from '../model/screen.svelte';
import type { Action, Place } from './action';

const opener = (id: Opened & string, titleKey: string, keys: string, available: (p: Place) => boolean = () => true): Action => ({
  id: 'open-' + id,
  titleKey,
  keys,
  group: 'desk',
  available,
  run() {
    screen.opened = screen.opened === id ? '' : id;
  },
});

export const palette = opener('palette', 'action.palette', 'ctrl+k');
export const help = opener('help', 'action.help', '?');
export const compose = opener('compose', 'action.compose', 'c', (p) => p.may('conversations.write'));

export const customerPanel: Action = {
  id: 'customer-panel',
  titleKey: 'action.panel',
  keys: '.',
  group: 'desk',
  available: (p) => p.conversation !== undefined,
  run() {
    screen.customerPanel = !screen.customerPanel;
  },
};
