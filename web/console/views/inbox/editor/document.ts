import type { Mark, Node } from 'prosemirror-model';
import { isPicture, type Block, type Inline, type Run } from '../../../model/markup/tree';
import { marks, nodes, schema } from './schema';

/** The editor's document of some blocks. */
export function documentOf(blocks: Block[]): Node {
  const list = blocks.map(nodeOf);
  return nodes.doc!.create(null, list.length ? list : [nodes.paragraph!.create()]);
}

function nodeOf(b: Block): Node {
  switch (b.kind) {
    case 'paragraph':
      return nodes.paragraph!.create(null, inlineNodes(b.inline));
    case 'heading':
      return nodes.heading!.create({ level: b.level }, inlineNodes(b.inline));
    case 'quote':
      return nodes.blockquote!.create(null, b.blocks.length ? b.blocks.map(nodeOf) : [nodes.paragraph!.create()]);
    case 'code':
      return nodes.code_block!.create(null, b.text ? schema.text(b.text) : []);
    case 'rule':
      return nodes.horizontal_rule!.create();
    case 'list': {
      const items = b.items.map((item) => {
        const inner = item.map(nodeOf);
        return nodes.list_item!.create(null, inner[0]?.type === nodes.paragraph ? inner : [nodes.paragraph!.create(), ...inner]);
      });
      return b.ordered ? nodes.ordered_list!.create({ order: b.start }, items) : nodes.bullet_list!.create(null, items);
    }
    case 'table':
      return nodes.table!.create(null, b.rows.map((row, n) =>
        nodes.table_row!.create(null, row.map((c) => (n ? nodes.table_cell! : nodes.table_header!).create(null, nodes.paragraph!.create(null, inlineNodes(c)))))));
  }
}

export function inlineNodes(inline: Inline[]): Node[] {
  return inline.flatMap((i): Node[] => {
    if (i === null) return [nodes.hard_break!.create()];
    if (isPicture(i)) return [nodes.image!.create({ cid: i.cid, alt: i.alt })];
    return i.text ? [schema.text(i.text, marksOf(i))] : [];
  });
}

function marksOf(r: Run): Mark[] {
  const list: Mark[] = [];
  if (r.href) list.push(marks.link!.create({ href: r.href }));
  if (r.bold) list.push(marks.strong!.create());
  if (r.italic) list.push(marks.em!.create());
  if (r.strike) list.push(marks.strike!.create());
  if (r.code) list.push(marks.code!.create());
  return list;
}

/** The blocks of a document, or of a part of one. */
export function blocksOf(parent: { forEach(f: (n: Node) => void): void }): Block[] {
  const out: Block[] = [];
  parent.forEach((n) => {
    const b = blockOf(n);
    if (b) out.push(b);
  });
  return out;
}

function blockOf(n: Node): Block | undefined {
  switch (n.type) {
    case nodes.paragraph:
      return { kind: 'paragraph', inline: inlineOf(n) };
    case nodes.heading:
      return { kind: 'heading', level: n.attrs.level as 1, inline: inlineOf(n) };
    case nodes.blockquote:
      return { kind: 'quote', blocks: blocksOf(n) };
    case nodes.code_block:
      return { kind: 'code', text: n.textContent };
    case nodes.horizontal_rule:
      return { kind: 'rule' };
    case nodes.bullet_list:
    case nodes.ordered_list: {
      const items: Block[][] = [];
      n.forEach((item) => items.push(blocksOf(item)));
      const ordered = n.type === nodes.ordered_list;
      return { kind: 'list', ordered, start: ordered ? (n.attrs.order as number) : 1, items };
    }
    case nodes.table: {
      const rows: Inline[][][] = [];
      n.forEach((row) => {
        const cells: Inline[][] = [];
        row.forEach((cell) => cells.push(cell.firstChild ? inlineOf(cell.firstChild) : []));
        rows.push(cells);
      });
      const width = Math.max(1, ...rows.map((r) => r.length));
      return { kind: 'table', rows: rows.map((r) => Array.from({ length: width }, (_, i) => r[i] ?? [])) };
    }
    default:
      return n.isInline ? { kind: 'paragraph', inline: inlineOf({ forEach: (f: (x: Node) => void) => f(n) }) } : undefined;
  }
}

function inlineOf(parent: { forEach(f: (n: Node) => void): void }): Inline[] {
  const out: Inline[] = [];
  parent.forEach((n) => {
    if (n.type === nodes.hard_break) out.push(null);
    else if (n.type === nodes.image) out.push({ cid: n.attrs.cid as string, alt: n.attrs.alt as string });
    else if (n.text) {
      const run: Run = { text: n.text };
      for (const m of n.marks) {
        if (m.type === marks.link) run.href = m.attrs.href as string;
        else if (m.type === marks.strong) run.bold = true;
        else if (m.type === marks.em) run.italic = true;
        else if (m.type === marks.strike) run.strike = true;
        else if (m.type === marks.code) run.code = true;
      }
      out.push(run);
    }
  });
  return out;
}
