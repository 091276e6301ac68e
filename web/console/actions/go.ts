import { go } from '../model/route.svelte';
import { sections } from '../model/sections';
import { ownViews } from '../model/views';
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
export const goContinuity = to('continuity', 'g l');
export const goWall: Action = { id: 'go-wall', titleKey: 'action.go.wall', group: 'go', available: () => true, run: () => go('continuity', 'wall') };
export const goCost: Action = { id: 'go-cost', titleKey: 'action.go.cost', group: 'go', available: (p) => p.may('plans.manage'), run: () => go('continuity', 'cost') };
export const goPlans = to('plans', undefined, (p) => p.may('plans.manage'));
export const goBroadcasts = to('broadcasts', 'g b', (p) => p.may('broadcasts.send'));
export const goSettings = to('settings', 'g s');
export const goDesign = to('design', undefined);

const viewKeys: Record<string, string> = { mine: 'g m', unread: 'g u', mentions: 'g n', snoozed: 'g z' };

/** The lists of the inbox, and the parts of the settings: mostly without keys of their own, but found by their names. */
export const goViews = ownViews.map((view): Action => ({
  id: 'go-view-' + view, titleKey: 'view.' + view, keys: viewKeys[view], group: 'go', available: () => true, run: () => go('inbox', view),
}));
export const goSections = sections.map((s): Action => ({
  id: 'go-settings-' + s.id, titleKey: 'settings.' + s.id, group: 'setup', available: (p) => !s.needs || p.may(s.needs), run: () => go('settings', s.id),
}));

export const newChannel: Action = {
  id: 'new-channel', titleKey: 'channels.new', group: 'setup', available: (p) => p.may('channels.manage'), run: () => go('settings', 'channels', 'new'),
};
export const newBroadcast: Action = {
  id: 'new-broadcast', titleKey: 'broadcasts.new', group: 'desk', available: (p) => p.may('broadcasts.send'), run: () => go('broadcasts', 'new'),
};
export const newImport: Action = {
  id: 'new-import', titleKey: 'imports.new', group: 'setup', available: (p) => p.may('workspace.manage'), run: () => go('settings', 'imports', 'new'),
};
