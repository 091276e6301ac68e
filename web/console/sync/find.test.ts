import { describe, expect, it } from 'vitest';
import { find, fold, localCounts, localList, type Known } from './find';
import type { Asker } from './matches';
import type { Conversation, Message, ViewFilter } from './words';

const c = (id: string, more: Partial<Conversation> = {}): Conversation =>
  ({ id, number: 1, subject: '', status: 'open', state: 'open', operator: '', team: '', channel: 'ch', tags: [], unread: false, customer: { id: 'p' + id, name: '' }, last_at: '2026-11-22T09:00:00Z', ...more }) as Conversation;
const m = (id: string, text: string, at = '2026-11-22T09:00:00Z'): Message => ({ id, conversation: 'x', clock: '1', at, direction: 'in', channel: 'ch', author: '', text }) as Message;
const search = (q: string, ...texts: string[]) => find(q, new Map([['x', c('x')]]), [{ id: 'x', messages: texts.map((t, i) => m('m' + i, t)) }]).messages.map((h) => h.message);

describe('searching this device', () => {
  it.each([
    ['Ёлка', 'елка'], ['كتاب', 'کتاب'], ['می‌روم', 'میروم'], ['۱۲۳', '123'], ['Café', 'cafe'], ['йод', 'йод'], ['Ⅷ', 'viii'],
  ])('folds %s as %s', (a, b) => expect(fold(a)).toBe(fold(b)));
  it('does not take й for и', () => expect(fold('йод')).not.toBe(fold('иод')));

  it('finds words by their beginning in three languages, all of them and nothing inside a word', () => {
    expect(search('refu', 'Where is my refund?', 'fund')).toEqual(['m0']);
    expect(search('возвр ден', 'Хочу возврат денег', 'Возврат')).toEqual(['m0']);
    expect(search('كتابها', 'کتاب‌ها رسید')).toEqual(['m0']);
    expect(search('fund', 'refund')).toEqual([]);
    expect(search('(.*', 'anything')).toEqual([]);
  });

  it('marks what was found where it stands, though letters were folded away', () => {
    const hit = find('کتاب', new Map(), [{ id: 'x', messages: [m('m', 'این كِتاب است')] }]).messages[0]!;
    expect(hit.snippet.filter((p) => p.mark).map((p) => p.text)).toEqual(['كِتاب']);
    expect(hit.snippet.map((p) => p.text).join('')).toBe('این كِتاب است');
  });
});

const known = (more: Partial<Asker> = {}, views: Record<string, ViewFilter> = {}): Known => ({ asker: { operator: 'me', teams: ['t1'], mentioned: new Set(), now: Date.parse('2026-11-22T12:00:00Z'), ...more }, filterOf: (id) => views[id] });

it('makes the lists and counts that the desk would', () => {
  const all = [c('a', { operator: 'me' }), c('b', { unread: true, last_at: '2026-11-22T10:00:00Z' }), c('d', { status: 'waiting', state: 'waiting', operator: 'me' }), c('e', { status: 'closed', state: 'closed' })];
  expect(localList(all, { view: 'open' }, known())).toEqual(['b', 'a']);
  expect(localList(all, { view: 'mine' }, known())).toEqual(['a']);
  expect(localList(all, { view: 'all', channel: 'none' }, known())).toEqual([]);
  expect(localList(all, { view: 'saved', filter: 'x' }, known())).toBeUndefined();
  expect(localList(all, { view: 'mentions' }, known({ mentioned: new Set(['d']) }))).toEqual(['d']);
  expect(localCounts(all, 'me')).toMatchObject({ mine: 1, unassigned: 1, unread: 1, open: 2, waiting: 1, closed: 1 });
});

describe('a saved view on this device', () => {
  const all = [
    c('a', { operator: 'me', tags: ['vip'], priority: 3, subject: 'Счёт ЁЛКА', opened_at: '2026-11-22T08:00:00Z' }),
    c('b', { operator: 'joe', team: 't1', priority: 1, last_at: '2026-11-22T11:50:00Z', opened_at: '2026-11-01T08:00:00Z' }),
    c('d', { status: 'waiting', state: 'waiting', tags: ['vip', 'late'], priority: 2, unread: true, last_at: '2026-11-20T10:00:00Z', opened_at: '2026-11-20T08:00:00Z' }),
  ];
  const ids = (match: ViewFilter['match'], conditions: ViewFilter['conditions'], order: ViewFilter['order'] = 'latest') => localList(all, { filter: JSON.stringify({ match, conditions, order }) }, known());
  const is = (field: ViewFilter['conditions'][number]['field'], ...values: string[]) => ({ field, test: 'is' as const, values });
  const not = (field: ViewFilter['conditions'][number]['field'], ...values: string[]) => ({ field, test: 'is_not' as const, values });

  it.each<[string, ViewFilter['conditions'], string[]]>([
    ['nothing', [], ['b', 'a', 'd']],
    ['a state', [is('state', 'waiting', 'closed')], ['d']],
    ['me', [is('assignee', 'me')], ['a']],
    ['nobody', [is('assignee', 'nobody')], ['d']],
    ['neither me nor nobody', [not('assignee', 'me', 'nobody')], ['b']],
    ['my teams', [is('team', 'mine')], ['b']],
    ['a tag', [is('tag', 'late', 'never')], ['d']],
    ['no such tag', [not('tag', 'vip')], ['b']],
    ['a priority at least', [{ field: 'priority', test: 'at_least', values: ['2'] }], ['a', 'd']],
    ['a part of the subject, folded', [{ field: 'subject', test: 'has', values: ['елк'] }], ['a']],
    ['a subject without it', [{ field: 'subject', test: 'has_not', values: ['елк'] }], ['b', 'd']],
    ['what is unread', [is('unread', 'yes')], ['d']],
    ['what is read', [is('unread', 'no')], ['b', 'a']],
    ['the last hour', [{ field: 'activity', test: 'after', values: ['-1h'] }], ['b']],
    ['before a day', [{ field: 'opened', test: 'before', values: ['2026-11-10T00:00:00Z'] }], ['b']],
  ])('finds %s', (_, conditions, want) => expect(ids('all', conditions)).toEqual(want));

  it('combines by all and by any, and sorts', () => {
    const two = [is('tag', 'vip'), is('state', 'open')];
    expect(ids('all', two)).toEqual(['a']);
    expect(ids('any', two)).toEqual(['b', 'a', 'd']);
    expect(ids('any', two, 'oldest')).toEqual(['d', 'a', 'b']);
    expect(ids('any', two, 'newest')).toEqual(['a', 'd', 'b']);
    expect(ids('any', two, 'priority')).toEqual(['a', 'd', 'b']);
  });

  it('says when only the desk can tell, and never guesses', () => {
    expect(ids('all', [is('language', 'fa')])).toBeUndefined();
    expect(ids('all', [is('mention', 'unread')])).toBeUndefined();
    const id = '01970000-0000-7000-8000-000000000001';
    expect(localList(all, { view: id }, known())).toBeUndefined();
    expect(localList(all, { view: id }, known({}, { [id]: { match: 'all', conditions: [is('assignee', 'me')] } }))).toEqual(['a']);
  });
});
