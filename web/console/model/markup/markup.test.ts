import { describe, expect, it } from 'vitest';
import { read } from './read';
import type { Block, Inline, Run } from './tree';
import { write } from './write';

const round = (text: string) => write(read(text));

describe('Markdown', () => {
  it.each([
    'Hello', 'Two\nlines', 'Two\n\nparagraphs', '**bold** and *leaning* and ~~gone~~ and `code`', '***both***', '**a***b*', '*a***b**', '**bold with *leaning* in it**',
    '# Big\n\n## Less\n\ntext', '> quoted\n> more\n\nanswer', '- one\n- two\n  - deep\n- three', '3. three\n4. four', '```\nlet x = `1`;\n\n# not a heading\n```',
    '[the *shop*](https://shop.example/a_b_c?x=1)', '![a picture](cid:0190-abc@desk)', '| a | b |\n| --- | --- |\n| 1 | **2** |\n| x<br>y | p\\|q |', '---',
    'سلام **دنیا**', '- یک\n- دو', 'Привет, *мир*', 'Your order شماره ۱۲ is **ready** آماده',
  ])('comes back as it was: %j', (text) => expect(round(text)).toBe(text));

  it.each([
    'snake_case and 5*4*3 and 2 * 3', 'https://x.example/_a_/b', 'C:\\Users\\ann and \\\\server\\share', '-- \nAnn', '+98 912 000', 'a > b, a | b, #5, [sic], 3.5', 'me@desk.example (home)',
    'متن ساده، بدون نشانه', 'about ~5 km', 'a - b', '$10 * 2', '  indented',
  ])('leaves a plain text alone: %j', (text) => {
    expect(read(text).every((b) => b.kind === 'paragraph' && b.inline.every((i) => i === null || Object.keys(i).join() === 'text'))).toBe(true);
    expect(round(text).replace(/\s+$/gm, '')).toBe(text.replace(/\s+$/gm, ''));
  });

  it('opens a link only to the web, mail and telephone', () => {
    expect(read('[x](javascript:alert(1)) [y](data:text/html,z) [m](mailto:a@b.example)')).toEqual([
      { kind: 'paragraph', inline: [{ text: '[x](javascript:alert(1)) [y](data:text/html,z) ' }, { text: 'm', href: 'mailto:a@b.example' }] },
    ]);
  });

  it('keeps a wide gap', () => {
    const gap: Block[] = [{ kind: 'paragraph', inline: [{ text: 'a' }] }, { kind: 'paragraph', inline: [] }, { kind: 'paragraph', inline: [{ text: 'b' }] }];
    expect(read(write(gap))).toEqual(gap);
  });

  it('reads back whatever was written', () => {
    const seed = { n: 7 };
    for (let i = 0; i < 400; i++) {
      const tree = blocks(seed, 2);
      const text = write(tree);
      expect(seen(read(text)), text).toEqual(seen(tree));
    }
  }, 60_000);
});

// A small generator of trees, the same at every run.
const next = (s: { n: number }, below: number) => ((s.n = (s.n * 1103515245 + 12345) & 0x7fffffff), (s.n >> 8) % below);
const bits = ['a', 'word', 'سلام', 'мир', '۵', '12', '*', '**', '_', '__', '`', '~~', '~', '[', ']', '](', '(x)', '\\', '\\\\', '#', '# ', '> ', '- ', '1. ', '1) ', '|', '---', '<br>', '!', '.', 'https://x.example/a_b', ' ', ' b', 'c '];
const text = (s: { n: number }) => Array.from({ length: 1 + next(s, 5) }, () => bits[next(s, bits.length)]!).join('');
function inline(s: { n: number }, cell = false): Inline[] {
  const out: Inline[] = [];
  for (let n = 1 + next(s, 4); n > 0; n--) {
    const what = next(s, 12);
    if (what === 0 && out.length) out.push({ text: 'x' }, null, { text: 'y' });
    else if (what === 1) out.push({ cid: 'c1@desk', alt: 'picture' });
    else {
      const r: Run = { text: text(s) };
      if (next(s, 4) === 0) r.bold = true;
      if (next(s, 4) === 0) r.italic = true;
      if (next(s, 8) === 0) r.strike = true;
      if (next(s, 8) === 0 && !cell && !out.some((x) => x && 'code' in x)) Object.assign(r, { code: true, text: 'let x_y = "*a*";' });
      if (next(s, 8) === 0) r.href = 'https://shop.example/x_(y)';
      out.push(r);
    }
  }
  return out;
}
function blocks(s: { n: number }, deep: number): Block[] {
  return Array.from({ length: 1 + next(s, 3) }, (): Block => {
    switch (next(s, deep ? 8 : 4)) {
      case 0:
        return { kind: 'heading', level: (1 + next(s, 3)) as 1, inline: inline(s).filter((i) => i !== null) };
      case 1:
        return { kind: 'code', text: ['# a', '', '1. `b`|*c* \\d'].slice(0, 1 + next(s, 3)).join('\n') };
      case 4:
        return { kind: 'quote', blocks: blocks(s, deep - 1) };
      case 5:
      case 6: {
        const ordered = next(s, 2) === 1;
        return { kind: 'list', ordered, start: ordered ? 1 + next(s, 20) : 1, items: Array.from({ length: 1 + next(s, 3) }, () => blocks(s, deep - 1)) };
      }
      case 7:
        return { kind: 'table', rows: Array.from({ length: 1 + next(s, 3) }, () => [inline(s, true), inline(s, true)]) };
      default:
        return { kind: 'paragraph', inline: inline(s) };
    }
  });
}
/** Every letter with how it looks; space is nobody's, and what runs are split at neither. */
const letters = (inline: Inline[]): string[] =>
  inline.flatMap((i) => (i === null ? ['\n'] : 'cid' in i ? ['(picture)'] : [...i.text.replace(/\s/g, '')].map((c) => [c, i.bold && 'b', i.italic && 'i', i.strike && 's', i.code && 'c', i.href].filter(Boolean).join(' '))));
const trimmed = (list: string[]): string[] => list.join('\u0000').replace(/^(\n\0?)+|(\0?\n)+$/g, '').split('\0');
const seen = (blocks: Block[]): unknown[] =>
  blocks.map((b) => {
    if (b.kind === 'paragraph' || b.kind === 'heading') return [b.kind === 'heading' ? b.level : 0, ...trimmed(letters(b.inline))];
    if (b.kind === 'quote') return ['>', ...seen(b.blocks)];
    if (b.kind === 'list') return [b.ordered ? b.start : '-', ...b.items.map(seen)];
    if (b.kind === 'table') return ['|', ...b.rows.map((r) => r.map((c) => trimmed(letters(c))))];
    return b.kind === 'code' ? ['code', b.text.replace(/ +$/gm, '')] : ['---'];
  });
