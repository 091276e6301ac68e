import { sync, type Presence } from '../sync/sync';
import { items, watch } from './watch';
import type { Channel, ChannelKind, ID, LiveState, Me, Operator, Start, Team } from './words';

export function presence(): Presence {
  watch('presence');
  return sync.presence;
}

export function start(): Start | undefined {
  watch('presence');
  return sync.start;
}

export function openingFault() {
  watch('presence');
  return sync.fault;
}

/** Who is signed in. Screens below the frame are drawn only when somebody is. */
export function me(): Me {
  watch('me');
  return sync.me ?? nobody;
}

const nobody: Me = {
  operator: { id: '', name: '', email: '', language: 'en', totp_on: false },
  workspace: { id: '', name: '', language: 'en', time_zone: 'UTC' },
  workspaces: [],
  role: 'observer',
  permissions: [],
  lsn: 0,
};

export const may = (permission: string): boolean => (me().permissions ?? []).includes(permission);

export function live(): LiveState {
  watch('live');
  return sync.live;
}

export const heard = (): number => sync.heard;

/** Everybody who is or was here, for names in old conversations. */
export const operators = (): Operator[] => items<Operator>('/operators');
/** Those who can be given work. */
export const workers = (): Operator[] => operators().filter((o) => !o.disabled && !o.former && o.role !== 'observer');
/** Those who can be told something by a note: everybody but oneself. */
export const colleagues = (): Operator[] => operators().filter((o) => !o.disabled && !o.former && o.id !== me().operator.id);
export const teams = (): Team[] => items<Team>('/teams');
export const channels = (): Channel[] => items<Channel>('/channels').filter((c) => !c.removed);
export const channelKinds = (): ChannelKind[] => items<ChannelKind>('/channel-kinds');

export const operator = (id: ID): Operator | undefined => operators().find((o) => o.id === id);
export const team = (id: ID): Team | undefined => teams().find((x) => x.id === id);
export const channel = (id: ID): Channel | undefined => items<Channel>('/channels').find((c) => c.id === id);
export const kindOf = (channelId: ID): ChannelKind | undefined => {
  const c = channel(channelId);
  return c && channelKinds().find((k) => k.name === c.kind);
};

/** The name of an operator, oneself included; empty where nobody is meant. */
export function operatorName(id: ID | undefined): string {
  if (!id) return '';
  if (id === me().operator.id) return me().operator.name;
  return operator(id)?.name ?? '';
}

/** Who is online, and what each looks at. */
export function viewers() {
  watch('viewers');
  return sync.store.viewers;
}

export const isOnline = (id: ID): boolean => viewers().some((v) => v.id === id);
