import { lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import { redo, undo } from 'prosemirror-history';
import type { Attrs, MarkType, NodeType } from 'prosemirror-model';
import { liftListItem, wrapInList } from 'prosemirror-schema-list';
import { TextSelection, type Command, type EditorState } from 'prosemirror-state';
import { addColumnAfter, addColumnBefore, addRowAfter, addRowBefore, deleteColumn, deleteRow, deleteTable, isInTable } from 'prosemirror-tables';
import { marks, nodes } from './schema';

const within = (state: EditorState, type: NodeType): boolean => {
  const { $from } = state.selection;
  for (let d = $from.depth; d > 0; d--) if ($from.node(d).type === type) return true;
  return false;
};
const marked = (state: EditorState, type: MarkType): boolean => {
  const { from, to, empty, $from } = state.selection;
  return empty ? !!type.isInSet(state.storedMarks ?? $from.marks()) : state.doc.rangeHasMark(from, to, type);
};

/** One thing that the toolbar does to the text. */
export interface Deed {
  run: Command;
  on?: (state: EditorState) => boolean;
}

const block = (type: NodeType, attrs?: Attrs): Deed => ({
  run: (state, dispatch) => setBlockType(state.selection.$from.parent.type === type ? nodes.paragraph! : type, attrs)(state, dispatch),
  on: (state) => state.selection.$from.parent.type === type,
});
const list = (type: NodeType, other: NodeType): Deed => ({
  run(state, dispatch) {
    if (within(state, type)) return liftListItem(nodes.list_item!)(state, dispatch);
    if (!within(state, other)) return wrapInList(type)(state, dispatch);
    // From one kind of list to the other.
    const { $from } = state.selection;
    for (let d = $from.depth; d > 0; d--) {
      if ($from.node(d).type === other) {
        dispatch?.(state.tr.setNodeMarkup($from.before(d), type));
        return true;
      }
    }
    return false;
  },
  on: (state) => within(state, type),
});
const mark = (type: MarkType): Deed => ({ run: toggleMark(type), on: (state) => marked(state, type) });

export const insertTable: Command = (state, dispatch) => {
  if (isInTable(state)) return false;
  const cell = (type: NodeType) => type.create(null, nodes.paragraph!.create());
  const row = (type: NodeType) => nodes.table_row!.create(null, [cell(type), cell(type), cell(type)]);
  const made = nodes.table!.create(null, [row(nodes.table_header!), row(nodes.table_cell!), row(nodes.table_cell!)]);
  if (!dispatch) return true;
  const tr = state.tr.replaceSelectionWith(made);
  // Into the first cell of what was just made.
  let at = -1;
  tr.doc.nodesBetween(Math.max(0, tr.mapping.map(state.selection.from) - made.nodeSize - 1), tr.doc.content.size, (n, pos) => {
    if (at < 0 && n === made) at = pos + 4;
    return at < 0;
  });
  if (at > 0) tr.setSelection(TextSelection.create(tr.doc, at));
  dispatch(tr.scrollIntoView());
  return true;
};

const all = {
  bold: mark(marks.strong!),
  italic: mark(marks.em!),
  strike: mark(marks.strike!),
  code: mark(marks.code!),
  heading: block(nodes.heading!, { level: 2 }),
  codeblock: block(nodes.code_block!),
  quote: { run: (state, dispatch) => (within(state, nodes.blockquote!) ? lift(state, dispatch) : wrapIn(nodes.blockquote!)(state, dispatch)), on: (state) => within(state, nodes.blockquote!) },
  bullets: list(nodes.bullet_list!, nodes.ordered_list!),
  numbers: list(nodes.ordered_list!, nodes.bullet_list!),
  table: { run: insertTable, on: isInTable },
  undo: { run: undo },
  redo: { run: redo },
} satisfies Record<string, Deed>;

export const deeds: Record<keyof typeof all, Deed> = all;

export const tableDeeds = { 'row.above': addRowBefore, 'row.below': addRowAfter, 'row.delete': deleteRow, 'column.before': addColumnBefore, 'column.after': addColumnAfter, 'column.delete': deleteColumn, delete: deleteTable } satisfies Record<string, Command>;

/** The link at the cursor: its address and how far it goes. */
export function linkAt(state: EditorState): { href: string; from: number; to: number } | undefined {
  const { $from, from, to, empty } = state.selection;
  let found: { href: string; from: number; to: number } | undefined;
  const start = $from.start();
  $from.parent.forEach((n, offset) => {
    const m = marks.link!.isInSet(n.marks);
    const a = start + offset;
    const b = a + n.nodeSize;
    if (!m) return;
    // One link may be of several pieces, bold and not.
    if (found && found.to === a && found.href === m.attrs.href) found.to = b;
    else if (!found || !(found.from <= from && from <= found.to)) found = { href: m.attrs.href as string, from: a, to: b };
  });
  return found && found.from <= from && (empty ? from : to) <= found.to ? found : undefined;
}

/** Links what is selected, or the address itself; an empty address takes the link away. */
export const link = (typed: string): Command => (state, dispatch) => {
  const there = linkAt(state);
  const { from, to } = there ?? state.selection;
  const href = addressOf(typed);
  if (!state.selection.$from.parent.type.allowsMarkType(marks.link!)) return false;
  if (!dispatch) return true;
  const tr = state.tr;
  if (!href) tr.removeMark(from, to, marks.link!);
  else if (from === to) tr.replaceSelectionWith(state.schema.text(href.replace(/^(mailto|tel):/, ''), [marks.link!.create({ href })]), false);
  else tr.removeMark(from, to, marks.link!).addMark(from, to, marks.link!.create({ href }));
  dispatch(tr.removeStoredMark(marks.link!).scrollIntoView());
  return true;
};

/** What a person types as an address, as one that can be followed; empty when it cannot be one. */
export function addressOf(typed: string): string {
  const s = typed.trim().replace(/[()]/g, (c) => (c === '(' ? '%28' : '%29'));
  if (!s || /\s/.test(s)) return '';
  if (/^(https?:\/\/|mailto:|tel:)./i.test(s)) return s;
  if (/^[^@/]+@[^@/]+\.[^@/]+$/.test(s)) return 'mailto:' + s;
  return /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(s) ? '' : 'https://' + s;
}
