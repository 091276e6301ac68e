import { expect, it } from 'vitest';
import { filled, unfilled } from './sample';
import { blank, moved, tidy, verbs } from './steps';

it('a list is put in another order, and never loses or doubles anything', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  for (const [from, to] of [[0, -1], [2, 3], [5, 0], [1, 1]] as const) expect(moved(['a', 'b', 'c'], from, to)).toEqual(['a', 'b', 'c']);
});

it('a step is sent with what its verb names and nothing that was chosen before', () => {
  expect(tidy({ do: 'reply', canned: 'x', text: 'old', then: 'resolved' })).toEqual({ do: 'reply', canned: 'x', then: 'resolved' });
  expect(tidy({ do: 'reply', text: 'new', canned: '' })).toEqual({ do: 'reply', text: 'new' });
  expect(tidy({ do: 'assign', me: true, operator: 'o', team: 't' })).toEqual({ do: 'assign', me: true, team: 't' });
  expect(tidy({ do: 'assign', me: false, operator: '', team: '' })).toEqual({ do: 'assign' });
  expect(tidy({ do: 'tag', tag: ' billing ' })).toEqual({ do: 'tag', tag: 'billing' });
  for (const v of verbs) expect(blank(v).do).toBe(v);
});

it('an example fills as the desk does', () => {
  const facts = { 'customer.first_name': 'Kim', 'operator.name': '' };
  expect(filled('Hi {{ customer.first_name|friend }}, {{operator.name|we}} and {{nobody}}', facts)).toBe('Hi Kim, we and {{nobody}}');
  expect(filled('{{operator.name}}', facts)).toBe('');
  expect(unfilled('{{customer.name}} {{x.y}} {{x.y|z}} {x}')).toEqual(['x.y']);
});
