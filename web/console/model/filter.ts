import type { Condition, ViewFilter } from './words';

/** The model of the filter builder: rows that a person changes, and the filter they make. */

export type Field = Condition['field'];
/** How a row compares: the desk's own tests, and for times the four ways in which people say them. */
export type How = 'is' | 'is_not' | 'at_least' | 'has' | 'has_not' | 'within' | 'beyond' | 'after' | 'before';
/** What a row's value is chosen with. */
export type Input = 'several' | 'one' | 'text' | 'span' | 'date';

export interface Row {
  key: number;
  field: Field;
  how: How;
  values: string[];
}

export const fields: Field[] = ['state', 'assignee', 'team', 'tag', 'channel', 'priority', 'language', 'customer', 'subject', 'unread', 'mention', 'activity', 'opened'];
export const orders = ['latest', 'oldest', 'newest', 'priority'] as const;
export const maxRows = 20;
export const maxValues = 50;

const times: How[] = ['within', 'beyond', 'after', 'before'];
const ways: Partial<Record<Field, How[]>> = {
  priority: ['is', 'is_not', 'at_least'], subject: ['has', 'has_not'], unread: ['is'], mention: ['is'], opened: times, activity: times,
};
export const waysOf = (field: Field): How[] => ways[field] ?? ['is', 'is_not'];

export function inputOf({ field, how }: Pick<Row, 'field' | 'how'>): Input {
  if (field === 'subject') return 'text';
  if (how === 'within' || how === 'beyond') return 'span';
  if (how === 'before' || how === 'after') return 'date';
  return field === 'unread' || field === 'mention' || how === 'at_least' ? 'one' : 'several';
}

let made = 0;

/** A new row of a field, with the value that is meant most often. */
export function newRow(field: Field): Row {
  const how = waysOf(field)[0]!;
  return { key: ++made, field, how, values: usual[field] ?? [] };
}

const usual: Partial<Record<Field, string[]>> = { state: ['open'], assignee: ['me'], team: ['mine'], unread: ['yes'], mention: ['me'], activity: ['-7d'], opened: ['-7d'] };

/** The same row compared in another way; values that no longer fit go. */
export function withHow(row: Row, how: How): Row {
  const before = inputOf(row);
  const after = inputOf({ field: row.field, how });
  if (before === after) return { ...row, how };
  if (after === 'span') return { ...row, how, values: ['-7d'] };
  return { ...row, how, values: before === 'several' && after === 'one' ? row.values.slice(0, 1) : after === 'several' ? row.values : [] };
}

export const units = ['m', 'h', 'd', 'w'] as const;
export type Unit = (typeof units)[number];

/** "-7d" as 7 and d. */
export function spanOf(value: string): { n: number; unit: Unit } {
  const m = /^-(\d+)([mhdw])$/.exec(value);
  return m ? { n: Number(m[1]), unit: m[2] as Unit } : { n: 7, unit: 'd' };
}

/** Whether a row says something; one that does not is no condition yet. */
export function whole(row: Row): boolean {
  const v = row.values[0] ?? '';
  switch (inputOf(row)) {
    case 'text': return v.trim() !== '' && v.length <= 200;
    case 'span': return /^-[1-9]\d{0,4}[mhdw]$/.test(v);
    case 'date': return !Number.isNaN(Date.parse(v));
    case 'one': return row.values.length === 1;
    case 'several': return row.values.length > 0 && row.values.length <= maxValues;
  }
}

/** The filter that the whole ones of the rows make. */
export function filterOf(rows: Row[], match: ViewFilter['match'], order: ViewFilter['order']): ViewFilter {
  const conditions = rows.filter(whole).map((r): Condition => {
    const test = r.how === 'within' ? 'after' : r.how === 'beyond' ? 'before' : r.how;
    return { field: r.field, test, values: inputOf(r) === 'text' ? [r.values[0]!.trim()] : [...r.values] };
  });
  return { match, conditions, order: order ?? 'latest' };
}

/** The rows of a filter. What this page does not know of a newer desk is left out. */
export function rowsOf(filter: ViewFilter): Row[] {
  return filter.conditions.flatMap((c): Row[] => {
    if (!fields.includes(c.field)) return [];
    const relative = /^-\d/.test(c.values[0] ?? '');
    const how: How = c.test === 'after' && relative ? 'within' : c.test === 'before' && relative ? 'beyond' : c.test;
    return waysOf(c.field).includes(how) ? [{ key: ++made, field: c.field, how, values: [...c.values] }] : [];
  });
}

/** One of the desk's own lists, with what its address narrows it by, as a filter to go on from. */
export function ownList(view: string, query: URLSearchParams): ViewFilter {
  const is = (field: Field, value: string): Condition => ({ field, test: 'is', values: [value] });
  const own: Record<string, Condition[]> = {
    mine: [is('state', 'open'), is('assignee', 'me')],
    unassigned: [is('state', 'open'), is('assignee', 'nobody')],
    unread: [is('state', 'open'), is('unread', 'yes')],
    mentions: [is('mention', 'me')],
    all: [],
  };
  const narrowed = (['team', 'channel', 'tag', 'customer'] as const).flatMap((key) => (query.get(key) ? [is(key, query.get(key)!)] : []));
  const state = ['open', 'waiting', 'snoozed', 'resolved', 'closed'].includes(view) ? [is('state', view)] : [];
  return { match: 'all', conditions: [...(own[view] ?? state), ...narrowed], order: 'latest' };
}
