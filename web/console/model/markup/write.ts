import { special } from './read';
import { isPicture, type Block, type Inline, type Run } from './tree';

// While it is put together a backslash of the text and one that escapes are two signs.
const slash = '\ue000';
const escape = '\ue001';

/** The blocks as Markdown that reads back into the same blocks. What needs no escape has none. */
export function write(blocks: Block[]): string {
  return body(blocks)
    .replace(/(\ue000+)(\ue001?)([^]?)/g, (_, own: string, escaped: string, next: string) => '\\'.repeat(own.length * (escaped || special.test(next) ? 2 : 1)) + escaped + next)
    .replaceAll(escape, '\\')
    .replace(/[ \t]+$/gm, '')
    .trimEnd();
}

function body(blocks: Block[]): string {
  let out = '';
  blocks.forEach((b, i) => {
    const before = blocks[i - 1];
    if (before) out += before.kind === 'list' && b.kind === 'list' && before.ordered === b.ordered ? '\n\n\n' : '\n\n';
    // Two lists of one kind would read back as one: the other sign parts them.
    out += block(b, b.kind === 'list' && before?.kind === 'list' && other(blocks, i));
  });
  return out;
}

/** Whether this list follows an odd number of its own kind. */
function other(blocks: Block[], i: number): boolean {
  let n = 0;
  for (let at = i - 1; at >= 0 && blocks[at]!.kind === 'list'; at--) n++;
  return n % 2 === 1;
}

function block(b: Block, alternate: boolean): string {
  switch (b.kind) {
    case 'paragraph':
      return starts(line(b.inline));
    case 'heading':
      return '#'.repeat(b.level) + ' ' + line(b.inline).replace(/\n/g, ' ');
    case 'quote':
      return body(b.blocks).split('\n').map((l) => (l ? '> ' + l : '>')).join('\n');
    case 'code': {
      const longest = Math.max(2, ...(b.text.match(/`+/g) ?? []).map((x) => x.length));
      const mark = '`'.repeat(longest + 1);
      return `${mark}\n${b.text.replaceAll('\\', escape)}\n${mark}`;
    }
    case 'rule':
      return '---';
    case 'list':
      return b.items
        .map((blocks, n) => {
          const sign = b.ordered ? `${b.start + n}. ` : alternate ? '* ' : '- ';
          return sign + tight(blocks).replace(/\n(?!\n|$)/g, '\n' + ' '.repeat(sign.length));
        })
        .join('\n');
    case 'table': {
      const row = (cells: Inline[][]) => '| ' + cells.map((c) => line(c).replaceAll('<br>', escape + '<br>').replaceAll('|', escape + '|').replaceAll('\n', '<br>')).join(' | ') + ' |';
      return [row(b.rows[0]!), '|' + ' --- |'.repeat(b.rows[0]!.length), ...b.rows.slice(1).map(row)].join('\n');
    }
  }
}

/** A point with a list under it keeps that list close. */
function tight(blocks: Block[]): string {
  const [first, second] = blocks;
  return blocks.length === 2 && first!.kind === 'paragraph' && first!.inline.length && second!.kind === 'list' ? block(first!, false) + '\n' + block(second!, false) : body(blocks);
}

/** Escapes what would begin another block at the start of a line. */
function starts(s: string): string {
  return s.split('\n').map((l) =>
    /^(#{1,3} |>|[-*] |```|\||-{3,}$|\*{3,}$)/.test(l) ? escape + l : l.replace(/^([0-9]{1,9})([.)]) |^([۰-۹]{1,9})(\.) /, (_, n, p, fn, fp) => `${n ?? fn}${escape}${p ?? fp} `)).join('\n');
}

const marks = [['href', ''], ['bold', '**'], ['italic', '*'], ['strike', '~~']] as const;

function line(inline: Inline[], depth = 0): string {
  const mark = marks[depth];
  if (!mark) return inline.map(one).join('');
  const [name, sign] = mark;
  let out = '';
  for (let i = 0; i < inline.length; ) {
    const on = valueOf(inline[i]!, name);
    let end = i + 1;
    // A line's end inside takes the marks of what is around it.
    while (end < inline.length && (valueOf(inline[end]!, name) === on || (inline[end] === null && on && valueOf(inline[end + 1] ?? null, name) === on))) end++;
    const inner = line(inline.slice(i, end), depth + 1);
    const [, before, middle, after] = /^(\s*)([^]*?)(\s*)$/.exec(inner)!;
    if (!on || !middle) out += inner;
    else if (name === 'href') out += `${before}[${middle}](${on as string})${after}`;
    else out += before + sign + middle + sign + after;
    i = end;
  }
  return out;
}

const valueOf = (i: Inline, name: 'href' | 'bold' | 'italic' | 'strike'): string | true | undefined => (i === null || isPicture(i) ? undefined : i[name]);

function one(i: Inline): string {
  if (i === null) return '\n';
  if (isPicture(i)) return `![${i.alt.replace(/[[\]\\\n]/g, ' ')}](cid:${i.cid})`;
  return i.code ? code(i) : plain(i.text, i.href !== undefined);
}

function code(r: Run): string {
  const longest = Math.max(0, ...(r.text.match(/`+/g) ?? []).map((x) => x.length));
  const mark = '`'.repeat(longest + 1);
  const pad = /^[ `]|[ `]$/.test(r.text) ? ' ' : '';
  return mark + pad + r.text.replaceAll('\\', escape) + pad + mark;
}

/** Escapes the signs that would open or close something, and leaves addresses as they are. */
function plain(text: string, inLink: boolean): string {
  return text
    .split(/(https?:\/\/[^\s<>"*`~[\]|\\!]+)/i)
    .map((part, n) => (n % 2 ? part : part.replaceAll('\\', slash).replace(/[`*[\]~_]/g, (c, at: number, all: string) => {
      if (c === '*' && /^\s?$/.test(all[at - 1] ?? ' ') && /^\s?$/.test(all[at + 1] ?? ' ') && at > 0 && at < all.length - 1) return c;
      if (c === '*' && /\d/.test(all[at - 1] ?? '') && /\d/.test(all[at + 1] ?? '')) return c;
      if (c === '_' && at > 0 && /[\p{L}\p{N}]/u.test(all[at - 1]!) && /[\p{L}\p{N}]/u.test(all[at + 1] ?? '')) return c;
      if (c === '~' && all[at - 1] !== '~' && all[at + 1] !== '~' && at > 0 && at < all.length - 1) return c;
      if (c === '[' || c === ']') return inLink || (c === ']' && /^\(?$/.test(all[at + 1] ?? '')) ? escape + c : c;
      return escape + c;
    })))
    .join('');
}
