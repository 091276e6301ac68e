import { describe, expect, it } from 'vitest';
import { assumptionsOf, formOf, read, written } from './costs';

describe('assumptions on the screen', () => {
  it('are written as people write them, and read back the same', () => {
    expect(written(0.125, true)).toBe('12.5');
    expect(written(0, false)).toBe('0');
    expect(written(undefined, true)).toBe('');
    expect(read('۱۲٫۵', true)).toBe(0.125);
    expect(read('1,5', false)).toBe(1.5);
    expect(read(' ', false)).toBeUndefined();
    expect(read('many', false)).toBeUndefined();
  });
  it('leave out what nobody has said, and keep a nothing that was said', () => {
    const said = { currency: 'IRR', weekly: 5_000_000, recaptured: 0 };
    expect(assumptionsOf(formOf(said))).toEqual(said);
    expect(assumptionsOf(formOf({}))).toEqual({});
  });
});
