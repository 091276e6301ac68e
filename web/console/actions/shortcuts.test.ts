import { describe, expect, it } from 'vitest';
import { actions } from './list';
import { keyName, Shortcuts } from './shortcuts';

const key = (k: Partial<KeyboardEvent>) => keyName({ key: '', code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...k });

describe('shortcuts', () => {
  it('are the places of keys, so that every layout has them', () => {
    expect(key({ key: 'к', code: 'KeyR' })).toBe('r');
    expect(key({ key: 'ق', code: 'KeyR' })).toBe('r');
    expect(key({ key: 'k', code: 'KeyK', metaKey: true })).toBe('ctrl+k');
    expect(key({ key: '؟', code: 'Slash', shiftKey: true })).toBe('?');
    expect(key({ key: '/', code: 'Slash' })).toBe('/');
    expect(key({ key: 'ж', code: 'Semicolon', ctrlKey: true })).toBe('ctrl+;');
    expect(key({ key: 'R', code: 'KeyR', shiftKey: true })).toBe('');
    expect(key({ key: 'r', code: 'KeyR', altKey: true })).toBe('');
  });

  it('belong to one action each, and no action hides behind the beginning of another', () => {
    const keys = actions.map((a) => a.keys).filter(Boolean) as string[];
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(actions.map((a) => a.id)).size).toBe(actions.length);
    for (const k of keys) if (k.includes(' ')) expect(keys).not.toContain(k.split(' ')[0]);
  });

  it('wait a moment for the second key and then begin anew', () => {
    const s = new Shortcuts();
    expect(s.find('g', 0)).toBeUndefined();
    expect(s.find('i', 500)?.id).toBe('go-inbox');
    expect(s.find('g', 1000)).toBeUndefined();
    expect(s.find('i', 5000)?.id).toBe('assign-to-me');
    expect(s.find('g', 6000)).toBeUndefined();
    expect(s.find('w', 6100)).toBeUndefined();
    expect(s.find('r', 6200)?.id).toBe('reply');
  });
});
