import { Schema, type DOMOutputSpec, type Node } from 'prosemirror-model';
import { tableNodes } from 'prosemirror-tables';

// What can be written. The same things that Markdown can say and a mail can show, no more:
// what is pasted loses everything else.

const hole = 0;
const webAddress = /^(https?:\/\/|mailto:|tel:)\S+$/i;
const table = tableNodes({ tableGroup: 'block', cellContent: 'paragraph', cellAttributes: {} });

export const schema = new Schema({
  nodes: {
    doc: { content: 'block+' },
    // Which way a block turns is not a part of it: direction.ts sees to that.
    paragraph: { content: 'inline*', group: 'block', parseDOM: [{ tag: 'p' }], toDOM: (): DOMOutputSpec => ['p', hole] },
    heading: {
      content: 'inline*', group: 'block', defining: true, attrs: { level: { default: 2, validate: 'number' } },
      parseDOM: [1, 2, 3, 4, 5, 6].map((n) => ({ tag: 'h' + n, attrs: { level: Math.min(n, 3) } })),
      toDOM: (n): DOMOutputSpec => ['h' + n.attrs.level, hole],
    },
    blockquote: { content: 'block+', group: 'block', defining: true, parseDOM: [{ tag: 'blockquote' }], toDOM: (): DOMOutputSpec => ['blockquote', hole] },
    bullet_list: { content: 'list_item+', group: 'block', parseDOM: [{ tag: 'ul' }], toDOM: (): DOMOutputSpec => ['ul', hole] },
    ordered_list: {
      content: 'list_item+', group: 'block', attrs: { order: { default: 1, validate: 'number' } },
      parseDOM: [{ tag: 'ol', getAttrs: (e) => ({ order: Number(e.getAttribute('start')) || 1 }) }],
      toDOM: (n): DOMOutputSpec => (n.attrs.order === 1 ? ['ol', hole] : ['ol', { start: n.attrs.order }, hole]),
    },
    list_item: { content: 'paragraph block*', defining: true, parseDOM: [{ tag: 'li' }], toDOM: (): DOMOutputSpec => ['li', hole] },
    code_block: {
      content: 'text*', marks: '', group: 'block', code: true, defining: true,
      parseDOM: [{ tag: 'pre', preserveWhitespace: 'full' }],
      toDOM: (): DOMOutputSpec => ['pre', { dir: 'ltr' }, ['code', hole]],
    },
    horizontal_rule: { group: 'block', parseDOM: [{ tag: 'hr' }], toDOM: (): DOMOutputSpec => ['hr'] },
    table: table.table!,
    table_row: table.table_row!,
    table_cell: table.table_cell!,
    table_header: table.table_header!,
    text: { group: 'inline' },
    hard_break: { inline: true, group: 'inline', selectable: false, linebreakReplacement: true, parseDOM: [{ tag: 'br' }], toDOM: (): DOMOutputSpec => ['br'] },
    image: {
      inline: true, group: 'inline', draggable: true, attrs: { cid: { validate: 'string' }, alt: { default: '', validate: 'string' } },
      parseDOM: [{ tag: 'img[data-cid]', getAttrs: (e) => ({ cid: e.getAttribute('data-cid'), alt: e.getAttribute('alt') ?? '' }) }],
      toDOM: (n): DOMOutputSpec => ['img', { 'data-cid': n.attrs.cid, alt: n.attrs.alt }],
    },
  },
  marks: {
    link: {
      attrs: { href: { validate: 'string' } }, inclusive: false,
      parseDOM: [{ tag: 'a[href]', getAttrs: (e) => (webAddress.test(e.getAttribute('href')!) && !/[()]/.test(e.getAttribute('href')!.replace(/\([^()]*\)/g, '')) ? { href: e.getAttribute('href') } : false) }],
      toDOM: (m): DOMOutputSpec => ['a', { href: m.attrs.href, rel: 'noopener noreferrer' }, hole],
    },
    strong: { parseDOM: [{ tag: 'strong' }, { tag: 'b' }], toDOM: (): DOMOutputSpec => ['strong', hole] },
    em: { parseDOM: [{ tag: 'i' }, { tag: 'em' }], toDOM: (): DOMOutputSpec => ['em', hole] },
    strike: { parseDOM: [{ tag: 's' }, { tag: 'del' }, { tag: 'strike' }], toDOM: (): DOMOutputSpec => ['s', hole] },
    code: { code: true, parseDOM: [{ tag: 'code' }, { tag: 'tt' }, { tag: 'kbd' }], toDOM: (): DOMOutputSpec => ['code', { dir: 'ltr' }, hole] },
  },
});

export const { nodes, marks } = schema;

/** Whether nothing is written. */
export const isEmpty = (doc: Node): boolean => doc.childCount === 1 && doc.firstChild!.type === nodes.paragraph && doc.firstChild!.content.size === 0;
