import type { Entry, ID, NoticeSettings, Role } from './words';

/** What somebody is told of; the desk's own follower decides in the same way for pushes. */
export type NoticeKind = 'new' | 'assigned' | 'reply' | 'mention' | 'channel';
export const noticeKinds: NoticeKind[] = ['new', 'assigned', 'reply', 'mention', 'channel'];

export interface Reader { id: ID; role: Role; teams: ID[] }

const text = (e: Entry, key: string): string => (typeof e.body[key] === 'string' ? (e.body[key] as string) : '');

/** What an entry is to a reader; owner is who has its conversation. Nothing one did oneself is news. */
export function concern(e: Entry, reader: Reader, owner: ID): NoticeKind | undefined {
  const mine = e.actor.id === reader.id && e.actor.kind === 'operator';
  const inTeam = (team: string): boolean => !mine && reader.role !== 'observer' && (!team || reader.teams.includes(team));
  switch (e.kind) {
    case 'conversation.opened':
      return e.actor.kind !== 'operator' && inTeam(text(e, 'team')) ? 'new' : undefined;
    case 'conversation.assigned': {
      const operator = text(e, 'operator');
      if (operator) return operator === reader.id && !mine ? 'assigned' : undefined;
      return text(e, 'team') && inTeam(text(e, 'team')) ? 'new' : undefined;
    }
    case 'message.received':
      return owner && owner === reader.id ? 'reply' : undefined;
    case 'message.noted':
      return text(e, 'author') !== reader.id && Array.isArray(e.body.mentions) && e.body.mentions.includes(reader.id) ? 'mention' : undefined;
    case 'setup.changed':
      return reader.role === 'administrator' && e.body.what === 'channel' && e.body.action === 'down' ? 'channel' : undefined;
  }
  return undefined;
}

const minutes = (s: string): number => Number(s.slice(0, 2)) * 60 + Number(s.slice(3, 5));

/** Whether it is quiet now, in the person's own zone or else the workspace's. */
export function isQuiet(s: NoticeSettings, workspaceZone: string, now: Date): boolean {
  if (!s.quiet.on) return false;
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: s.time_zone || workspaceZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now);
  const [from, to, at] = [minutes(s.quiet.from), minutes(s.quiet.to), minutes(clock)];
  return from <= to ? from <= at && at < to : at >= from || at < to;
}
