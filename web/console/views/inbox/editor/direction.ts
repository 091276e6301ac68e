import type { Node } from 'prosemirror-model';
import { Plugin, PluginKey } from 'prosemirror-state';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { directionOf, type Direction } from '../../../model/markup/tree';

const key = new PluginKey<DecorationSet>('direction');

/**
 * Lets every paragraph turn the way its words do. One without letters turns like the
 * one before it, the first one like the page; a list, a quote and a table turn with
 * the first word in them, so that their signs and lines stand on the right side.
 */
export function directions(page: () => Direction): Plugin<DecorationSet> {
  return new Plugin<DecorationSet>({
    key,
    state: {
      init: (_, state) => turned(state.doc, page()),
      apply: (tr, before) => (tr.docChanged ? turned(tr.doc, page()) : before),
    },
    props: { decorations: (state) => key.getState(state) },
  });
}

function turned(doc: Node, page: Direction): DecorationSet {
  const list: Decoration[] = [];
  let last = page;
  doc.descendants((n, pos) => {
    if (n.isInline || n.type.spec.code) return false;
    const own = directionOf(n.textContent);
    if (own && n.isTextblock) last = own;
    list.push(Decoration.node(pos, pos + n.nodeSize, { dir: n.isTextblock && own ? 'auto' : (own ?? last) }));
    return !n.isTextblock;
  });
  return DecorationSet.create(doc, list);
}
