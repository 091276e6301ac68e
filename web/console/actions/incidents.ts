import { go } from '../model/route.svelte';
import type { Action, Place } from './action';

const may = (p: Place): boolean => p.may('status.manage');

/** Tells customers what went wrong. */
export const newIncident: Action = { id: 'new-incident', titleKey: 'incidents.new', group: 'setup', available: may, run: () => go('settings', 'status', 'incident', 'new') };
/** Raises a line on the screens of customers and colleagues. */
export const newBanner: Action = { id: 'new-banner', titleKey: 'banners.new', group: 'setup', available: may, run: () => go('settings', 'status', 'banner', 'new') };
/** Takes in what was written on paper. */
export const keyRows: Action = { id: 'key-rows', titleKey: 'paper.key', group: 'setup', available: (p) => p.may('conversations.write'), run: () => go('settings', 'paper', 'rows') };
