import { me, channel } from './desk';
import { page } from './inbox';
import { items } from './watch';
import type { CannedReply, Conversation } from './words';

/** What placeholders stand for. */
export interface Facts { customer?: string; operator?: string; number?: number; subject?: string; workspace?: string }

/** What a condition looks at: a kind of channel, a team, and the customer's and the workspace's language. */
export interface Situation { channel: string; team: string; language: string; fallback: string }

const placeholder = /\{\{[\t\n\f\r ]*([A-Za-z0-9_.]+)[\t\n\f\r ]*(?:\|([^{}]*))?\}\}/g;

/** The first word of a name. An address or a number is no name. */
function firstName(name: string): string {
  const first = name.trim().split(' ')[0] ?? '';
  return /[@0-9۰-۹]/.test(first) ? '' : first.replace(/^,+|,+$/g, '');
}

/** Puts the facts in the place of a text's placeholders, as the desk does; what is no placeholder stays. */
export function fillIn(text: string, f: Facts): string {
  const known: Record<string, string> = {
    'customer.name': f.customer ?? '', 'customer.first_name': firstName(f.customer ?? ''), 'operator.name': f.operator ?? '', 'operator.first_name': firstName(f.operator ?? ''),
    'conversation.number': f.number ? String(f.number) : '', 'conversation.subject': f.subject ?? '', 'workspace.name': f.workspace ?? '',
  };
  return text.replace(placeholder, (whole, name: string, otherwise: string | undefined) => (name in known ? known[name] || (otherwise ?? '').trim() : whole));
}

const among = (list: string[] | null | undefined, x: string): boolean => !list?.length || list.includes(x);

export const fits = (r: CannedReply, s: Situation): boolean => among(r.channels, s.channel) && among(r.teams, s.team) && among(r.languages, s.language);

/** Its text in the customer's language, else the one for any, else the workspace's, else the first there is. */
export function textFor(r: CannedReply, s: Situation): string {
  for (const l of [s.language, 'any', s.fallback, ...Object.keys(r.texts).sort()]) if (r.texts[l]) return r.texts[l]!;
  return '';
}

/** A canned reply as it would stand in one conversation. */
export interface Ready { id: string; title: string; shortcut: string; text: string }

/** Those that fit a conversation, filled in: on this device, so that they are there when the desk is not. */
export function readyReplies(c: Conversation): Ready[] {
  const { workspace, operator } = me();
  const person = page(c.id)?.person;
  const s: Situation = { channel: channel(c.channel)?.kind ?? '', team: c.team, language: person?.language || workspace.language, fallback: workspace.language };
  const facts: Facts = { customer: c.customer?.name, operator: operator.name, number: c.number, subject: c.subject, workspace: workspace.settings?.public_name || workspace.name };
  return items<CannedReply>('/canned-replies').filter((r) => fits(r, s)).map((r) => ({ id: r.id, title: r.title, shortcut: r.shortcut ?? '', text: fillIn(textFor(r, s), facts) }));
}

/** What a word finds: by the beginning of the shortcut first, then in titles, then in texts. */
export function sought(list: Ready[], word: string): Ready[] {
  const w = word.trim().toLocaleLowerCase();
  if (!w) return list;
  const rank = (r: Ready): number =>
    r.shortcut.startsWith(w) ? 0 : r.title.toLocaleLowerCase().includes(w) ? 1 : r.shortcut.includes(w) ? 2 : r.text.toLocaleLowerCase().includes(w) ? 3 : 4;
  return list.map((r) => [rank(r), r] as const).filter(([n]) => n < 4).sort(([a], [b]) => a - b).map(([, r]) => r);
}
