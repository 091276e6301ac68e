import { sync } from '../sync/sync';
import type { Action } from './action';

const manage = (p: { may: (permission: string) => boolean }): boolean => p.may('workspace.manage');

/** Says by hand how a link is, or with an empty state lets the desk judge again. */
export const overrideLink: Action<{ link: string; state: 'up' | 'down' | ''; reason: string }> = {
  id: 'override-link',
  titleKey: 'continuity.override',
  group: 'setup',
  available: manage,
  async run({ link, state, reason }) {
    await sync.client.post(`/continuity/links/${link}/override`, { state, reason });
    sync.resources.changed('/continuity');
  },
};

/** Sets how far a channel needs the desk to get; empty: what its kind says. */
export const setNeeds: Action<{ channel: string; reach: string }> = {
  id: 'set-needs',
  titleKey: 'action.save',
  group: 'setup',
  available: manage,
  async run({ channel, reach }) {
    await sync.client.put(`/channels/${channel}/needs`, { reach });
    sync.resources.changed('/continuity', '/channels');
  },
};
