import { InputRule, inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules';
import type { MarkType } from 'prosemirror-model';
import type { Plugin } from 'prosemirror-state';
import { marks, nodes } from './schema';

const latin = (digits: string): number => Number(digits.replace(/[۰-۹]/g, (d) => String(d.charCodeAt(0) - 0x6f0)));

/** Markdown becomes what it means as soon as it is whole. Backspace takes the last one back. */
export function markdownRules(): Plugin {
  return inputRules({
    rules: [
      textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading!, (m) => ({ level: m[1]!.length })),
      wrappingInputRule(/^\s*>\s$/, nodes.blockquote!),
      wrappingInputRule(/^\s*[-*]\s$/, nodes.bullet_list!),
      wrappingInputRule(/^([0-9۰-۹]{1,4})[.)]\s$/, nodes.ordered_list!, (m) => ({ order: latin(m[1]!) }), (m, before) => before.childCount + (before.attrs.order as number) === latin(m[1]!)),
      textblockTypeInputRule(/^```$/, nodes.code_block!),
      new InputRule(/^(?:---|———|—-)$/, (state, _m, start, end) => {
        const $start = state.doc.resolve(start);
        if ($start.parent.type !== nodes.paragraph || $start.depth !== 1) return null;
        const from = $start.before();
        return state.tr.delete(start, end).insert(from, nodes.horizontal_rule!.create());
      }),
      marked(/(?:^|[^*])\*\*([^*\s](?:[^*]*[^*\s])?)\*\*$/, marks.strong!, 2),
      marked(/(?:^|[^*\w])\*([^*\s](?:[^*]*[^*\s])?)\*$/u, marks.em!, 1),
      marked(/(?:^|[^\p{L}\p{N}_])_([^_\s](?:[^_]*[^_\s])?)_$/u, marks.em!, 1),
      marked(/~~([^~\s](?:[^~]*[^~\s])?)~~$/, marks.strike!, 2),
      marked(/`([^`]+)`$/, marks.code!, 1),
      new InputRule(/\[([^\]\n]+)\]\(((?:https?:\/\/|mailto:|tel:)[^\s()]+)\)$/, (state, m, start, end) =>
        state.tr.replaceWith(start, end, state.schema.text(m[1]!, [marks.link!.create({ href: m[2]! })])).removeStoredMark(marks.link!)),
    ],
  });
}

/** Takes the signs away and marks what stood between them. */
function marked(pattern: RegExp, mark: MarkType, size: number): InputRule {
  return new InputRule(pattern, (state, m, start, end) => {
    const words = m[1]!;
    // The last sign is not in the document yet.
    const from = start + m[0].indexOf(words, size) - size;
    const open = m[0].length - words.length - 2 * size;
    const at = start + open;
    const $at = state.doc.resolve(at);
    // The signs of an address are its own.
    if (/:\/\/\S*$/.test($at.parent.textBetween(0, $at.parentOffset, undefined, ' '))) return null;
    if (from < start || state.doc.rangeHasMark(at, end, marks.code!) || !$at.parent.type.allowsMarkType(mark)) return null;
    const tr = state.tr;
    const inner = at + size;
    tr.delete(inner + words.length, end);
    tr.delete(at, inner);
    return tr.addMark(at, at + words.length, mark.create()).removeStoredMark(mark);
  });
}
