import { baseKeymap, chainCommands, createParagraphNear, exitCode, liftEmptyBlock, newlineInCode, setBlockType, splitBlock } from 'prosemirror-commands';
import { redo, undo } from 'prosemirror-history';
import { undoInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import { liftListItem, sinkListItem, splitListItem } from 'prosemirror-schema-list';
import { Selection, TextSelection, type Command, type Plugin } from 'prosemirror-state';
import { goToNextCell, isInTable } from 'prosemirror-tables';
import { deeds } from './commands';
import { nodes } from './schema';

const newLine: Command = (state, dispatch) => {
  if (state.selection.$from.parent.type.spec.code) return newlineInCode(state, dispatch);
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break!.create()).scrollIntoView());
  return true;
};

/** A line of cells between bars becomes a table. */
const tableFromLine: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  const line = $from.parent.textContent;
  if (!empty || $from.parent.type !== nodes.paragraph || $from.depth !== 1 || $from.parentOffset !== $from.parent.content.size || !/^\|(?:[^|]+\|){2,}$/.test(line)) return false;
  if (!dispatch) return true;
  const heads = line.slice(1, -1).split('|').map((x) => x.trim());
  const cell = (type: typeof nodes.table_cell, words: string) => type!.create(null, nodes.paragraph!.create(null, words ? state.schema.text(words) : null));
  const made = nodes.table!.create(null, [
    nodes.table_row!.create(null, heads.map((h) => cell(nodes.table_header, h))),
    nodes.table_row!.create(null, heads.map(() => cell(nodes.table_cell, ''))),
  ]);
  const at = $from.before();
  const tr = state.tr.replaceWith(at, $from.after(), made);
  tr.setSelection(TextSelection.create(tr.doc, at + 1 + made.firstChild!.nodeSize + 3));
  dispatch(tr.scrollIntoView());
  return true;
};

const inTable = (c: Command): Command => (state, dispatch, view) => isInTable(state) && c(state, dispatch, view);

/** At the end of a text whose last block cannot be left otherwise: a paragraph after it. */
const leaveDown: Command = (state, dispatch, view) => {
  const { $head, empty } = state.selection;
  if (!empty || !view?.endOfTextblock('down')) return false;
  const last = state.doc.lastChild!;
  if (last.type === nodes.paragraph || last.type === nodes.heading || Selection.findFrom(state.doc.resolve($head.after(1)), 1)) return false;
  // Of a table only its last row is beside the end.
  if (last.type === nodes.table && $head.index(1) < last.childCount - 1) return false;
  if (last.type === nodes.code_block) return exitCode(state, dispatch);
  if (dispatch) {
    const tr = state.tr.insert(state.doc.content.size, nodes.paragraph!.create());
    dispatch(tr.setSelection(Selection.atEnd(tr.doc)).scrollIntoView());
  }
  return true;
};

const atStart = (c: Command): Command => (state, dispatch, view) => state.selection.empty && state.selection.$from.parentOffset === 0 && c(state, dispatch, view);
const plainAgain: Command = (state, dispatch) => state.selection.$from.parent.type !== nodes.paragraph && setBlockType(nodes.paragraph!)(state, dispatch);

/** The keys of the text field. ask: what the keyboard asks of the toolbar. */
export function keys(ask: (what: 'toolbar' | 'link') => boolean): Plugin[] {
  const item = nodes.list_item!;
  return [
    keymap({
      'Mod-z': undo,
      'Mod-Shift-z': redo,
      'Mod-y': redo,
      'Mod-b': deeds.bold.run,
      'Mod-i': deeds.italic.run,
      'Mod-e': deeds.code.run,
      'Mod-Shift-x': deeds.strike.run,
      'Mod-Shift-7': deeds.numbers.run,
      'Mod-Shift-8': deeds.bullets.run,
      'Mod-Shift-9': deeds.quote.run,
      'Mod-Alt-0': setBlockType(nodes.paragraph!),
      'Mod-Alt-1': setBlockType(nodes.heading!, { level: 1 }),
      'Mod-Alt-2': setBlockType(nodes.heading!, { level: 2 }),
      'Mod-Alt-3': setBlockType(nodes.heading!, { level: 3 }),
      'Mod-Shift-l': () => ask('link'),
      'Alt-F10': () => ask('toolbar'),
      'Shift-Enter': newLine,
      Enter: chainCommands(inTable(newLine), tableFromLine, newlineInCode, splitListItem(item), createParagraphNear, liftEmptyBlock, splitBlock),
      Tab: chainCommands(inTable(goToNextCell(1)), atStart(sinkListItem(item))),
      'Shift-Tab': chainCommands(inTable(goToNextCell(-1)), atStart(liftListItem(item))),
      'Mod-]': sinkListItem(item),
      'Mod-[': liftListItem(item),
      Backspace: chainCommands(undoInputRule, atStart(plainAgain), atStart((s, d, v) => s.selection.$from.index(-1) === 0 && liftListItem(item)(s, d, v))),
      ArrowDown: leaveDown,
    }),
    // Ctrl-Enter sends; what the base would do with it is not wanted.
    keymap(Object.fromEntries(Object.entries(baseKeymap).filter(([k]) => k !== 'Mod-Enter'))),
  ];
}
