import { describe, expect, it } from 'vitest';
import { asked, mentioned, mentionParts, offered } from './mentions';

const people = [
  { id: 'a', name: 'Анна Петрова' },
  { id: 'b', name: 'Анна' },
  { id: 'c', name: 'نرگس کریمی' },
  { id: 'd', name: 'Helen Morris' },
];

describe('mentions', () => {
  it('are asked for by an @ at the beginning of a word, up to the cursor', () => {
    expect(asked('Look, @He', 9)).toEqual({ at: 6, word: 'He' });
    expect(asked('@', 1)).toEqual({ at: 0, word: '' });
    expect(asked('سلام، @نر', 9)).toEqual({ at: 6, word: 'نر' });
    expect(asked('Look, @He is', 9)).toEqual({ at: 6, word: 'He' });
    expect(asked('write to help@desk', 18)).toBeUndefined();
    expect(asked('@Helen\nand', 10)).toBeUndefined();
    expect(asked('nobody', 3)).toBeUndefined();
  });

  it('offer those whose first or last name begins so, whichever letters the keyboard has', () => {
    const names = (word: string) => offered(people, word).map((p) => p.id);
    expect(names('')).toEqual(['a', 'b', 'c', 'd']);
    expect(names('пет')).toEqual(['a']);
    expect(names('MOR')).toEqual(['d']);
    expect(names('كريم')).toEqual(['c']);
    expect(names('Анна П')).toEqual(['a']);
    expect(names('Helen Morris is')).toEqual([]);
    expect(names(' ')).toEqual([]);
    expect(names('orris')).toEqual([]);
  });

  it('are found in a text, the longer name first, and never inside another word', () => {
    expect(mentioned('@Анна Петрова, @Анна и @Анна', people)).toEqual(['a', 'b']);
    expect(mentioned('@Аннация @Helen Morrison me@Helen Morris', people)).toEqual([]);
    expect(mentioned('(@نرگس کریمی)', people)).toEqual(['c']);
    expect(mentioned('Helen Morris', people)).toEqual([]);
  });

  it('leave the text whole', () => {
    const text = 'See @Helen Morris, @nobody and @Анна.';
    const parts = mentionParts(text, people);
    expect(parts.map((p) => p.text).join('')).toBe(text);
    expect(parts.filter((p) => p.mention).map((p) => p.text)).toEqual(['@Helen Morris', '@Анна']);
  });
});
