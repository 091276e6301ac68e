import { linked } from '../linked';
import { directionOf, isPicture, lines, words, type Block, type Direction, type Inline, type Run } from './tree';

/** How wide each picture is, in pixels, where that is known. */
export type Widths = ReadonlyMap<string, number | undefined>;

/** The widest that a picture is shown; many mail programs know no max-width. */
const widest = 600;

const safe = (s: string): string => s.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
// A space before another one is not dropped.
const text = (s: string): string => safe(s).replace(/ (?= )/g, '&nbsp;');

const mono = "font-family: Consolas, Menlo, 'Courier New', monospace; font-size: 0.92em";
const sizes = { 1: '1.5em', 2: '1.25em', 3: '1.1em' } as const;

/**
 * The text as HTML for mail programs: every style stands on its element, every block
 * says its direction and side, tables have their lines as attributes too. No colours of
 * ours, so that a dark screen stays readable.
 */
export function mail(blocks: Block[], widths: Widths = new Map()): string {
  const main = directionOf(lines(blocks).map(words).join('\n')) ?? 'ltr';
  return body(blocks, main, widths);
}

const side = (d: Direction) => (d === 'rtl' ? 'right' : 'left');
const facing = (d: Direction, more: string) => ` dir="${d}" style="direction: ${d}; text-align: ${side(d)}; ${more}"`;

function body(blocks: Block[], around: Direction, widths: Widths, last = '0 0 1em'): string {
  return blocks.map((b, i) => block(b, around, widths, i === blocks.length - 1 ? last : '0 0 1em')).join('\n');
}

function block(b: Block, around: Direction, widths: Widths, margin: string): string {
  const line = (l: Inline[]) => inline(l, widths);
  const of = (list: Inline[][]) => directionOf(list.map(words).join('\n')) ?? around;
  switch (b.kind) {
    case 'paragraph':
      return `<p${facing(of([b.inline]), `margin: ${margin}`)}>${line(b.inline) || '<br>'}</p>`;
    case 'heading':
      return `<h${b.level}${facing(of([b.inline]), `margin: ${margin}; font-size: ${sizes[b.level]}; line-height: 1.3; font-weight: bold`)}>${line(b.inline)}</h${b.level}>`;
    case 'quote': {
      const d = of(lines(b.blocks));
      const s = d === 'rtl' ? 'right' : 'left';
      return `<blockquote${facing(d, `margin: ${margin}; padding-${s}: 12px; border-${s}: 3px solid #bbbbbb`)}>${body(b.blocks, d, widths, '0')}</blockquote>`;
    }
    case 'code':
      return `<pre dir="ltr" style="direction: ltr; text-align: left; margin: ${margin}; padding: 8px; border: 1px solid #bbbbbb; white-space: pre-wrap; ${mono}">${safe(b.text)}</pre>`;
    case 'rule':
      return '<hr style="margin: 1em 0; border: 0; border-top: 1px solid #bbbbbb">';
    case 'list': {
      const d = of(b.items.flatMap(lines));
      const tag = b.ordered ? 'ol' : 'ul';
      const items = b.items.map((item) => {
        // One paragraph needs no element of its own: some programs would put the sign on another line.
        const [first, ...rest] = item;
        const inner = first?.kind === 'paragraph' ? line(first.inline) + (rest.length ? '\n' + body(rest, d, widths, '0') : '') : body(item, d, widths, '0');
        return `<li${facing(of(lines(item)), 'margin: 0 0 0.25em')}>${inner}</li>`;
      });
      // A sign stands beside the list, on the side of its own point.
      const mixed = items.some((x) => x.startsWith(`<li dir="${d === 'rtl' ? 'ltr' : 'rtl'}"`));
      return `<${tag}${b.ordered && b.start !== 1 ? ` start="${b.start}"` : ''}${facing(d, `margin: ${margin}; padding-${side(d)}: 28px; padding-${d === 'rtl' ? 'left' : 'right'}: ${mixed ? 28 : 0}px`)}>\n${items.join('\n')}\n</${tag}>`;
    }
    case 'table': {
      const d = of(b.rows.flat());
      const cell = (tag: 'th' | 'td') => (c: Inline[]) => {
        const own = directionOf(words(c)) ?? d;
        return `<${tag} dir="${own}" align="${side(own)}" valign="top" style="direction: ${own}; text-align: ${side(own)}; padding: 6px 10px; border: 1px solid #bbbbbb${tag === 'th' ? '; font-weight: bold' : ''}">${line(c) || '&nbsp;'}</${tag}>`;
      };
      const rows = b.rows.map((r, i) => `<tr>${r.map(cell(i ? 'td' : 'th')).join('')}</tr>`);
      return `<table dir="${d}" border="1" cellpadding="0" cellspacing="0" style="direction: ${d}; border-collapse: collapse; border: 1px solid #bbbbbb; margin: ${margin}">\n${rows.join('\n')}\n</table>`;
    }
  }
}

function inline(list: Inline[], widths: Widths): string {
  let out = '';
  for (let i = 0; i < list.length; ) {
    const x = list[i]!;
    const href = x && !isPicture(x) ? x.href : undefined;
    let end = i + 1;
    while (href && end < list.length && (list[end] as Run | null)?.href === href) end++;
    const inner = list.slice(i, end).map((y) => one(y, widths, href !== undefined)).join('');
    out += href ? `<a href="${safe(href)}">${inner}</a>` : inner;
    i = end;
  }
  return out;
}

function one(i: Inline, widths: Widths, inLink: boolean): string {
  if (i === null) return '<br>\n';
  if (isPicture(i)) {
    const w = Math.min(widest, widths.get(i.cid) ?? widest);
    return `<img src="cid:${safe(i.cid)}" alt="${safe(i.alt)}"${widths.get(i.cid) ? ` width="${w}"` : ''} style="max-width: 100%; height: auto; border: 0">`;
  }
  let s = i.code || inLink ? text(i.text) : linked(i.text).map((p) => (p.href ? `<a href="${safe(p.href)}">${text(p.text)}</a>` : text(p.text))).join('');
  if (i.code) s = `<code dir="ltr" style="${mono}">${s}</code>`;
  if (i.strike) s = `<s>${s}</s>`;
  if (i.italic) s = `<em>${s}</em>`;
  return i.bold ? `<strong>${s}</strong>` : s;
}
