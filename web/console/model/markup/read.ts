import type { Block, Inline, Run } from './tree';

// Markdown as people write it to each other: a new line is a new line, and a sign that
// opens nothing is itself. No HTML, no references, no code by indentation: a plain text
// that never heard of Markdown comes through as it was.

const heading = /^(#{1,3}) +(.*)$/;
const fence = /^(`{3,})\s*[\w+-]*$/;
const rule = /^(-{3,}|\*{3,})$/;
const item = /^([-*]|[0-9]{1,9}[.)]|[۰-۹]{1,9}\.) (.*)$/;
const divider = /^\|(\s*:?-+:?\s*\|)+$/;

const isRow = (line: string): boolean => /^\|.*\|$/.test(line.trimEnd());
const beginsTable = (ls: string[], i: number): boolean => isRow(ls[i]!) && divider.test((ls[i + 1] ?? '').trimEnd());
const begins = (ls: string[], i: number): boolean => [heading, fence, rule, item].some((r) => r.test(ls[i]!)) || ls[i]!.startsWith('>') || beginsTable(ls, i);

/** The text as blocks. */
export const read = (text: string): Block[] => blocks(text.replace(/\r\n?/g, '\n').split('\n'));

function blocks(ls: string[]): Block[] {
  const out: Block[] = [];
  for (let i = 0; i < ls.length; ) {
    let blank = 0;
    while (i < ls.length && !ls[i]!.trim()) (blank++, i++);
    if (i >= ls.length) break;
    // A gap wider than one line was meant.
    if (out.length) for (let n = (blank - 1) >> 1; n > 0; n--) out.push({ kind: 'paragraph', inline: [] });
    const line = ls[i]!;
    let m: RegExpExecArray | null;
    if ((m = heading.exec(line))) {
      out.push({ kind: 'heading', level: m[1]!.length as 1 | 2 | 3, inline: inline(m[2]!) });
      i++;
    } else if ((m = fence.exec(line))) {
      const end = ls.findIndex((l, at) => at > i && l.trimEnd() === m![1]);
      const stop = end < 0 ? ls.length : end;
      out.push({ kind: 'code', text: ls.slice(i + 1, stop).join('\n') });
      i = stop + 1;
    } else if (rule.test(line)) {
      out.push({ kind: 'rule' });
      i++;
    } else if (line.startsWith('>')) {
      const from = i;
      while (i < ls.length && ls[i]!.startsWith('>')) i++;
      out.push({ kind: 'quote', blocks: some(blocks(ls.slice(from, i).map((l) => l.replace(/^> ?/, '')))) });
    } else if (beginsTable(ls, i)) {
      const rows = [cells(line)];
      for (i += 2; i < ls.length && isRow(ls[i]!); i++) rows.push(cells(ls[i]!));
      const width = rows[0]!.length;
      out.push({ kind: 'table', rows: rows.map((r) => Array.from({ length: width }, (_, n) => r[n] ?? [])) });
    } else if (item.test(line)) {
      i = list(ls, i, out);
    } else {
      const from = i++;
      while (i < ls.length && ls[i]!.trim() && !begins(ls, i)) i++;
      out.push({ kind: 'paragraph', inline: inline(ls.slice(from, i).join('\n')) });
    }
  }
  return out;
}

const some = (list: Block[]): Block[] => (list.length ? list : [{ kind: 'paragraph', inline: [] }]);

/** Reads a list from a line on; says where it ends. */
function list(ls: string[], from: number, out: Block[]): number {
  const marker = (l: string) => item.exec(l)?.[1];
  const kind = (m: string | undefined) => m && (m.length > 1 ? 'n' : m);
  const first = marker(ls[from]!)!;
  const items: Block[][] = [];
  let i = from;
  while (i < ls.length && kind(marker(ls[i]!)) === kind(first) && !rule.test(ls[i]!)) {
    const own = [item.exec(ls[i]!)![2]!];
    const deep = marker(ls[i]!)!.length + 1;
    i++;
    for (; i < ls.length; i++) {
      const l = ls[i]!;
      if (/^ +/.exec(l)?.[0].length! >= Math.min(deep, 2)) own.push(l.slice(Math.min(deep, /^ +/.exec(l)![0].length)));
      else if (!l.trim() && /^ {2}/.test(ls.slice(i).find((x) => x.trim()) ?? '')) own.push('');
      else break;
    }
    items.push(some(blocks(own)));
    // A blank line between two points does not part them.
    let next = i;
    while (next < ls.length && !ls[next]!.trim()) next++;
    if (next === i + 1 && kind(marker(ls[next] ?? '')) === kind(first)) i = next;
  }
  const start = first.length > 1 ? Number(first.slice(0, -1).replace(/[۰-۹]/g, (d) => String(d.charCodeAt(0) - 0x6f0))) : 1;
  out.push({ kind: 'list', ordered: first.length > 1, start, items });
  return i;
}

function cells(line: string): Inline[][] {
  const out: string[] = [];
  let cell = '';
  for (const part of line.trim().slice(1, -1).match(/\\+.?|\||[^\\|]+/gs) ?? []) {
    if (part === '|') (out.push(cell), (cell = ''));
    else cell += part;
  }
  return [...out, cell].map((c) => inline(c.trim().replace(/(\\*)<br>/g, (all, slashes: string) => (slashes.length % 2 ? all : slashes + '\n'))));
}

/** What a backslash makes into itself. */
export const special = /[`*_~[\]#>|<-]/;

type Marks = Omit<Run, 'text'>;

/** A paragraph's text as runs; inside says that a sign stands behind it. */
export function inline(s: string, marks: Marks = {}, inside = false): Inline[] {
  const out: Inline[] = [];
  let text = '';
  const flush = () => {
    if (text) out.push({ ...marks, text });
    text = '';
  };
  const enter = (inner: string, more: Marks) => (flush(), out.push(...inline(inner, { ...marks, ...more }, true)));
  for (let i = 0; i < s.length; ) {
    const rest = s.slice(i, i + 2);
    const c = rest[0]!;
    let end: number;
    let m: RegExpExecArray | null;
    if (c === '\n') {
      flush();
      out.push(null);
      i++;
    } else if (c === '\\') {
      const n = slashes(s, i);
      const escapes = i + n === s.length ? inside : escapable(s, i + n);
      text += '\\'.repeat(escapes ? n >> 1 : n);
      i += n;
      if (escapes && n % 2) text += s[i++];
    } else if (c === '`' && (end = codeEnd(s, i)) > 0) {
      const n = ticks(s, i);
      const code = s.slice(i + n, end - n).replace(/\n/g, ' ');
      flush();
      out.push({ ...marks, text: /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code, code: true });
      i = end;
    } else if (rest === '![' && (m = picture.exec(s.slice(i, i + 1200)))) {
      flush();
      out.push({ cid: m[2]!, alt: m[1]!.replace(/\\(?=[\]\\[])/g, '') });
      i += m[0].length;
    } else if (c === '[' && !marks.href && (end = bracketEnd(s, i)) > 0 && (m = target.exec(s.slice(end + 1, end + 2100)))) {
      enter(s.slice(i + 1, end), { href: m[1]! });
      i = end + 1 + m[0].length;
    } else if (rest === '**' && !marks.bold && (end = starEnd(s, i + 2, 2)) > 0) {
      enter(s.slice(i + 2, end), { bold: true });
      i = end + 2;
    } else if (c === '*' && rest !== '**' && !marks.italic && !/\d\*\d/.test(s.slice(Math.max(0, i - 1), i + 2)) && (end = starEnd(s, i + 1, 1)) > 0) {
      enter(s.slice(i + 1, end), { italic: true });
      i = end + 1;
    } else if (c === '_' && !marks.italic && !isWord(s[i - 1]) && (end = lineEnd(s, i + 1, '_')) > 0) {
      enter(s.slice(i + 1, end), { italic: true });
      i = end + 1;
    } else if (rest === '~~' && !marks.strike && (end = lineEnd(s, i + 2, '~~')) > 0) {
      enter(s.slice(i + 2, end), { strike: true });
      i = end + 2;
    } else if ((c === 'h' || c === 'H') && (m = address.exec(s.slice(i, i + 2000)))) {
      text += m[0];
      i += m[0].length;
    } else {
      text += c;
      i++;
    }
  }
  flush();
  return out;
}

const picture = /^!\[((?:\\.|[^\]\\\n])*)\]\(cid:([^\s()<>"'\\]{1,200})\)/;
const target = /^\(((?:https?:\/\/|mailto:|tel:)[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\)/i;
// An address is full of signs that mean nothing in it.
const address = /^https?:\/\/[^\s<>"*`~[\]|\\!]+/i;
const isWord = (c: string | undefined): boolean => c !== undefined && /[\p{L}\p{N}_]/u.test(c);
const isSpace = (c: string | undefined): boolean => c === undefined || /\s/.test(c);

function slashes(s: string, i: number): number {
  let n = 0;
  while (s[i + n] === '\\') n++;
  return n;
}
/** A point after a number may be escaped too, so that it begins no list. */
const escapable = (s: string, i: number): boolean => {
  const c = s[i];
  return c !== undefined && (special.test(c) || ((c === '.' || c === ')') && /^[0-9۰-۹]{1,9}\\$/.test(s.slice(s.lastIndexOf('\n', i) + 1, i))));
};
function ticks(s: string, i: number): number {
  let n = 0;
  while (s[i + n] === '`') n++;
  return n;
}
/** Past the code that begins at i, or -1. */
function codeEnd(s: string, i: number): number {
  const n = ticks(s, i);
  for (let at = i + n; at < s.length; ) {
    if (s[at] !== '`') at++;
    else if (ticks(s, at) === n) return at + n;
    else at += ticks(s, at);
  }
  return -1;
}
/** Walks over what is not markup: escapes, code, addresses. */
function skip(s: string, i: number): number {
  if (s[i] === '\\') {
    const n = slashes(s, i);
    return i + n + (n % 2 && escapable(s, i + n) ? 1 : 0);
  }
  if (s[i] === '`') {
    const end = codeEnd(s, i);
    return end > 0 ? end : i + ticks(s, i);
  }
  if (s[i] === 'h' || s[i] === 'H') return i + (address.exec(s.slice(i, i + 2000))?.[0].length ?? 0);
  return i;
}
function bracketEnd(s: string, i: number): number {
  for (let at = i + 1; at < s.length; ) {
    const past = skip(s, at);
    if (past > at) at = past;
    else if (s[at] === ']') return at;
    else if (s[at] === '[' && s[at - 1] !== '!') return -1;
    else if (s[at] === '!' && s[at + 1] === '[') at += picture.exec(s.slice(at, at + 1200))?.[0].length ?? 1;
    else at++;
  }
  return -1;
}
/** Where the stars that were opened before i close, or -1. The other kind may be open meanwhile. */
function starEnd(s: string, i: number, size: 1 | 2): number {
  if (isSpace(s[i])) return -1;
  let other = false;
  for (let at = i; at < s.length; ) {
    const past = skip(s, at);
    if (past > at) {
      at = past;
      continue;
    }
    if (s[at] !== '*') {
      at++;
      continue;
    }
    let n = 0;
    while (s[at + n] === '*') n++;
    const opens = isSpace(s[at - 1]);
    if ((opens && isSpace(s[at + n])) || (n === 1 && /\d\*\d/.test(s.slice(at - 1, at + 2)))) at += n;
    else if (n >= 3 && !opens && at > i) return other ? at + (size === 1 ? 2 : 1) : at;
    else if (n === size && !opens && at > i) return at;
    else {
      if (n !== size) other = !other;
      at += n;
    }
  }
  return -1;
}
function lineEnd(s: string, i: number, sign: string): number {
  if (isSpace(s[i]) || s[i] === sign[0]) return -1;
  for (let at = i; at < s.length; ) {
    const past = skip(s, at);
    if (past > at) at = past;
    else if (s.startsWith(sign, at) && !isSpace(s[at - 1]) && (sign !== '_' || !isWord(s[at + 1]))) return at;
    else at++;
  }
  return -1;
}
