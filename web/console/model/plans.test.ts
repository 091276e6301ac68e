import { expect, it } from 'vitest';
import { answersTo, blankPlan, blankStep, freeKey, strangers, tidyPlan } from './plans';
import type { RunStep } from './words';

it('gives each step a key of its own', () => {
  expect(freeKey('tell', [])).toBe('tell');
  expect(freeKey('tell', ['tell', 'tell-2'])).toBe('tell-3');
  const first = blankStep('wait', 'Wait', []);
  expect(blankStep('wait', 'Wait', [first.key]).key).not.toBe(first.key);
});

it('sends nothing that was left empty or does not belong to the trigger', () => {
  const p = { ...blankPlan(), name: '  No internet ', trigger: { on: 'reach', reach: '', channel: 'c', link: '', seconds: 60 }, steps: [{ ...blankStep('tell', 'Tell', []), webhook: '', timeout: 0, roles: [] }] };
  const sent = tidyPlan(p);
  expect(sent.name).toBe('No internet');
  expect(sent.trigger).toEqual({ on: 'reach', reach: 'local', seconds: 60 });
  expect(Object.keys(sent.steps[0]!)).toEqual(['key', 'name', 'do', 'mode', 'on_failure']);
  expect(tidyPlan({ ...p, trigger: { on: 'hand', seconds: 60 } }).trigger).toEqual({ on: 'hand' });
});

it('names the placeholders that nothing fills', () => {
  expect(strangers('{{affected}} {{ next | soon }} {{customer.name}} {x}')).toEqual(['customer.name']);
});

it('offers for a step what can be said of it, and nothing once the run has ended', () => {
  const step = (state: string, mode = 'hand', more = {}) => ({ state, mode, kind: 'task', undo: false, ...more }) as RunStep;
  expect(answersTo(step('asked'), false)).toEqual(['done', 'skip']);
  expect(answersTo(step('asked', 'confirm'), false)).toEqual(['confirm', 'skip']);
  expect(answersTo(step('blocking'), false)).toEqual(['retry', 'skip']);
  expect(answersTo(step('began', 'automatic', { kind: 'wait' }), false)).toEqual(['skip']);
  expect(answersTo(step('began', 'automatic'), false)).toEqual([]);
  expect(answersTo(step('done', 'automatic', { undo: true }), false)).toEqual(['undo']);
  expect(answersTo(step('asked'), true)).toEqual([]);
});
