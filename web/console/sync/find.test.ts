import { describe, expect, it } from 'vitest';
import { find, fold, localCounts, localList } from './find';
import type { Conversation, Message } from './words';

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

it('makes the lists and counts that the desk would', () => {
  const all = [c('a', { operator: 'me' }), c('b', { unread: true, last_at: '2026-11-22T10:00:00Z' }), c('d', { status: 'waiting', state: 'waiting', operator: 'me' }), c('e', { status: 'closed', state: 'closed' })];
  expect(localList(all, { view: 'open' }, 'me')).toEqual(['b', 'a']);
  expect(localList(all, { view: 'mine' }, 'me')).toEqual(['a']);
  expect(localList(all, { view: 'all', channel: 'none' }, 'me')).toEqual([]);
  expect(localList(all, { view: 'saved', filter: 'x' }, 'me')).toBeUndefined();
  expect(localCounts(all, 'me')).toMatchObject({ mine: 1, unassigned: 1, unread: 1, open: 2, waiting: 1, closed: 1 });
});
