import { isPicture, type Block, type Inline, type Run } from './tree';

/** The text as it reads where nothing is formatted: a text message, a chat, the plain part of a mail. */
export function plain(blocks: Block[], pictures: 'named' | 'none' = 'none'): string {
  const line = (inline: Inline[]): string => {
    let out = '';
    inline.forEach((i, n) => {
      if (i === null) out += '\n';
      else if (isPicture(i)) out += pictures === 'named' && i.alt ? `[${i.alt}]` : '';
      else {
        out += i.text;
        // A link's address stands once, behind its last word.
        if (i.href && (inline[n + 1] as Run | null | undefined)?.href !== i.href && !sameAddress(whole(inline, n), i.href)) out += ` (${i.href.replace(/^(mailto|tel):/i, '')})`;
      }
    });
    return out;
  };
  const indent = (s: string, by: string, first = by) => s.split('\n').map((l, i) => (l ? (i ? by : first) + l : l)).join('\n');
  const body = (list: Block[], gap = '\n\n'): string => list.map(block).filter((s, i) => s || list[i]!.kind === 'paragraph').join(gap);
  const block = (b: Block): string => {
    switch (b.kind) {
      case 'paragraph':
      case 'heading':
        return line(b.inline).replace(/[ \t]+$/gm, '');
      case 'quote':
        return body(b.blocks).split('\n').map((l) => (l ? '> ' + l : '>')).join('\n');
      case 'code':
        return b.text;
      case 'rule':
        return '———';
      case 'list':
        return b.items.map((item, n) => {
          const sign = b.ordered ? `${b.start + n}. ` : '- ';
          return indent(body(item, '\n'), ' '.repeat(sign.length), sign);
        }).join('\n');
      case 'table':
        return b.rows.map((r) => r.map((c) => line(c).replace(/\n/g, ' ')).join(' | ')).join('\n');
    }
  };
  return body(blocks).trim();
}

/** The words of the link that ends at n. */
function whole(inline: Inline[], n: number): string {
  const href = (inline[n] as Run).href;
  let out = '';
  for (let i = n; i >= 0 && (inline[i] as Run | null)?.href === href; i--) out = (inline[i] as Run).text + out;
  return out;
}

const sameAddress = (words: string, href: string): boolean => {
  const bare = (s: string) => s.trim().replace(/^(https?:\/\/|mailto:|tel:)(www\.)?/i, '').replace(/\/$/, '').toLowerCase();
  return bare(words) === bare(href);
};
