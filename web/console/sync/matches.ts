import { fold } from './find';
import type { Condition, Conversation, ID, ViewFilter } from './words';

/** Who looks at a view, and what this device knows besides the conversations. */
export interface Asker {
  operator: ID;
  teams: ID[];
  /** Conversations with a note that mentions the asker, as far as this device has read them. */
  mentioned: ReadonlySet<ID>;
  /** Milliseconds. */
  now: number;
}

const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time of a condition, in milliseconds: RFC 3339, or "-12h" before now; NaN for anything else. */
export function moment(value: string, now: number): number {
  const m = /^-(\d{1,6})([mhdw])$/.exec(value);
  return m ? now - Number(m[1]) * units[m[2]!]! : Date.parse(value);
}

/** Whether this device can tell who belongs to a view: a customer's language and what was read of notes are known on the desk alone. */
export const knowable = (f: ViewFilter): boolean => f.conditions.every((c) => c.field !== 'language' && !(c.field === 'mention' && c.values.includes('unread')));

/** Whether a conversation belongs to a view, as the desk would say. */
export function matches(c: Conversation, f: ViewFilter, who: Asker): boolean {
  const one = (x: Condition) => holds(c, x, who) !== (x.test === 'is_not' || x.test === 'has_not');
  if (!f.conditions.length) return true;
  return f.match === 'any' ? f.conditions.some(one) : f.conditions.every(one);
}

function holds(c: Conversation, x: Condition, who: Asker): boolean {
  const value = x.values[0] ?? '';
  const has = (v: string | undefined) => !!v && x.values.includes(v);
  switch (x.field) {
    case 'state': return has(c.state || c.status);
    case 'assignee': return c.operator ? has(c.operator) || (x.values.includes('me') && c.operator === who.operator) : x.values.includes('nobody');
    case 'team': return c.team ? has(c.team) || (x.values.includes('mine') && who.teams.includes(c.team)) : x.values.includes('none');
    case 'channel': return has(c.channel);
    case 'customer': return has(c.customer?.id);
    case 'tag': return (c.tags ?? []).some(has);
    case 'priority': return x.test === 'at_least' ? c.priority >= Number(value) : x.values.includes(String(c.priority));
    case 'subject': return fold(c.subject ?? '').includes(fold(value));
    case 'unread': return (value === 'yes') === !!c.unread;
    case 'mention': return who.mentioned.has(c.id);
    case 'opened':
    case 'activity': {
      const at = Date.parse((x.field === 'opened' ? c.opened_at : c.last_at) ?? '');
      return x.test === 'after' ? at >= moment(value, who.now) : at < moment(value, who.now);
    }
  }
  return false;
}

/** Puts conversations into a view's order. */
export function inOrder(list: Conversation[], order: ViewFilter['order']): Conversation[] {
  const at = new Map(list.map((c) => [c.id, Date.parse((order === 'newest' ? c.opened_at : c.last_at) ?? '') || 0]));
  const later = (a: Conversation, b: Conversation) => at.get(b.id)! - at.get(a.id)!;
  if (order === 'oldest') return list.sort((a, b) => later(b, a));
  return list.sort(order === 'priority' ? (a, b) => b.priority - a.priority || later(a, b) : later);
}

/** A filter from an address, or nothing where somebody broke it. */
export function readFilter(text: string | null | undefined): ViewFilter | undefined {
  try {
    const f = JSON.parse(text ?? '') as ViewFilter;
    const whole = (c: Condition) => typeof c?.field === 'string' && typeof c.test === 'string' && Array.isArray(c.values) && c.values.length > 0 && c.values.every((v) => typeof v === 'string');
    return Array.isArray(f?.conditions) && f.conditions.every(whole) ? { match: f.match === 'any' ? 'any' : 'all', conditions: f.conditions, order: f.order ?? 'latest' } : undefined;
  } catch {
    return undefined;
  }
}
