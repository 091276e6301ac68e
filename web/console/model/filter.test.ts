import { describe, expect, it } from 'vitest';
import { fields, filterOf, inputOf, newRow, ownList, rowsOf, spanOf, waysOf, whole, withHow, type Row } from './filter';
import type { ViewFilter } from './words';

const row = (field: Row['field'], how: Row['how'], ...values: string[]): Row => ({ key: 0, field, how, values });

describe('the filter builder', () => {
  it('makes of rows the filter that rows are made of again', () => {
    const rows = [
      row('state', 'is', 'open', 'waiting'), row('assignee', 'is_not', 'me'), row('priority', 'at_least', '2'), row('subject', 'has', 'invoice'),
      row('activity', 'within', '-7d'), row('opened', 'beyond', '-3w'), row('opened', 'after', '2026-11-01T00:00:00.000Z'),
    ];
    const filter = filterOf(rows, 'any', 'oldest');
    expect(filter).toEqual({
      match: 'any', order: 'oldest',
      conditions: [
        { field: 'state', test: 'is', values: ['open', 'waiting'] }, { field: 'assignee', test: 'is_not', values: ['me'] }, { field: 'priority', test: 'at_least', values: ['2'] },
        { field: 'subject', test: 'has', values: ['invoice'] }, { field: 'activity', test: 'after', values: ['-7d'] }, { field: 'opened', test: 'before', values: ['-3w'] },
        { field: 'opened', test: 'after', values: ['2026-11-01T00:00:00.000Z'] },
      ],
    });
    expect(rowsOf(filter).map(({ field, how, values }) => ({ field, how, values }))).toEqual(rows.map(({ field, how, values }) => ({ field, how, values })));
  });

  it('leaves out what says nothing yet, and trims what was typed', () => {
    const rows = [row('tag', 'is'), row('subject', 'has', '   '), row('activity', 'within', '-0d'), row('opened', 'after', 'soon'), row('subject', 'has', ' a ')];
    expect(rows.map(whole)).toEqual([false, false, false, false, true]);
    expect(filterOf(rows, 'all', undefined)).toEqual({ match: 'all', order: 'latest', conditions: [{ field: 'subject', test: 'has', values: ['a'] }] });
    expect(whole(row('tag', 'is', ...Array.from({ length: 51 }, (_, i) => String(i))))).toBe(false);
  });

  it('starts each row with a way and an input that its field has', () => {
    for (const f of fields) {
      const r = newRow(f);
      expect(waysOf(f)).toContain(r.how);
      for (const how of waysOf(f)) expect(inputOf(withHow(r, how)), `${f} ${how}`).toBe(inputOf({ field: f, how }));
    }
    expect(newRow('tag').key).not.toBe(newRow('tag').key);
  });

  it('keeps values where they still fit and drops them where they do not', () => {
    expect(withHow(row('priority', 'is', '2', '3'), 'is_not').values).toEqual(['2', '3']);
    expect(withHow(row('priority', 'is', '2', '3'), 'at_least').values).toEqual(['2']);
    expect(withHow(row('opened', 'within', '-7d'), 'after').values).toEqual([]);
    expect(withHow(row('opened', 'after', '2026-11-01T00:00:00Z'), 'beyond').values).toEqual(['-7d']);
    expect(spanOf('-12h')).toEqual({ n: 12, unit: 'h' });
  });

  it('goes on from the list that is on the screen', () => {
    const own = (view: string, query = '') => ownList(view, new URLSearchParams(query)).conditions.map((c) => `${c.field} ${c.test} ${c.values}`);
    expect(own('mine')).toEqual(['state is open', 'assignee is me']);
    expect(own('snoozed')).toEqual(['state is snoozed']);
    expect(own('all', 'tag=vip')).toEqual(['tag is vip']);
    expect(own('all')).toEqual([]);
  });

  it('does not break on what a newer desk has', () => {
    const newer = { match: 'all', order: 'latest', conditions: [{ field: 'mood', test: 'is', values: ['bad'] }, { field: 'unread', test: 'is', values: ['yes'] }] } as unknown as ViewFilter;
    expect(rowsOf(newer).map((r) => r.field)).toEqual(['unread']);
  });
});
