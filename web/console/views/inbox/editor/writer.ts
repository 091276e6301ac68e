import { gapCursor } from 'prosemirror-gapcursor';
import { history } from 'prosemirror-history';
import { Slice, type Node } from 'prosemirror-model';
import { EditorState, Plugin, Selection, TextSelection, type Command, type Transaction } from 'prosemirror-state';
import { isInTable, tableEditing } from 'prosemirror-tables';
import { EditorView, type NodeView } from 'prosemirror-view';
import { pictures } from '../../../model/markup/outgoing';
import { plain } from '../../../model/markup/plain';
import { inline, read } from '../../../model/markup/read';
import { write } from '../../../model/markup/write';
import type { Direction } from '../../../model/markup/tree';
import { directions } from './direction';
import { blocksOf, documentOf, inlineNodes } from './document';
import { keys } from './keys';
import { cleanPaste, hasWords } from './paste';
import { markdownRules } from './rules';
import { isEmpty, nodes, schema } from './schema';

/** What the field tells its surroundings, and asks of them. */
export interface Hooks {
  /** Somebody changed the text; it is Markdown. */
  onchange: (text: string) => void;
  /** After anything at all: the toolbar looks again. */
  onstate: (state: EditorState) => void;
  /** What stands before the cursor in its paragraph, nothing where something is selected. */
  onlook: (before: string | undefined) => void;
  onkeydown: (e: KeyboardEvent) => void;
  /** Takes a picture to be shown in the text and names it; nothing where the channel cannot carry one. */
  place: (file: File) => string | undefined;
  files: (files: File[]) => void;
  /** The file of a picture: where it can be seen, empty when it cannot be; undefined when it is gone. */
  picture: (cid: string) => string | undefined;
  ask: (what: 'toolbar' | 'link') => boolean;
  page: () => Direction;
  /** Of the field itself, for who cannot see it; the view asks again at each change of its own. */
  attributes: () => Record<string, string>;
}

/** The text field: a document on the screen, Markdown outside. */
export class Writer {
  readonly view: EditorView;
  /** What the field said last, or was told. */
  text: string;
  private readonly plugins: Plugin[];
  /** Whether what is being pasted has cells of its own. */
  private cells = false;

  constructor(mount: HTMLElement, text: string, private readonly hooks: Hooks) {
    this.text = text;
    this.plugins = [markdownRules(), ...keys(hooks.ask), history(), gapCursor(), tableEditing(), directions(hooks.page)];
    this.view = new EditorView({ mount }, {
      state: this.stateOf(text),
      attributes: () => hooks.attributes(),
      dispatchTransaction: (tr) => this.apply(tr),
      nodeViews: { image: (node) => new PictureView(node, hooks.picture(node.attrs.cid as string)) },
      handleDOMEvents: {
        keydown: (_, e) => (hooks.onkeydown(e), e.defaultPrevented),
        // Not at once: a field that is taken off the page blurs while the page is being changed.
        blur: (view) => void setTimeout(() => !view.isDestroyed && hooks.onlook(undefined)),
        focus: (view) => void setTimeout(() => !view.isDestroyed && this.look()),
      },
      transformPastedHTML: (html) => {
        const clean = cleanPaste(html);
        this.cells = /<t[dh]\b/i.test(clean);
        return clean;
      },
      // A plain text stays one: a blank line parts paragraphs, a new line is a new line.
      clipboardTextParser: (s) => ((this.cells = false), lines(s)),
      clipboardTextSerializer: ({ content }) => plain(blocksOf(content)) || content.textBetween(0, content.size, '\n', '\n'),
      // A cell has one paragraph; only a table's own cells come into a table as such.
      transformPasted: (slice, view) => (isInTable(view.state) && !(this.cells && cellsOnly(slice)) ? flat(slice) : slice),
      handlePaste: (_, e) => this.take(e.clipboardData),
      handleDrop: (view, e, _, moved) => {
        if (moved || !e.dataTransfer?.files.length) return false;
        const at = view.posAtCoords({ left: e.clientX, top: e.clientY });
        if (at) view.dispatch(view.state.tr.setSelection(Selection.near(view.state.doc.resolve(at.pos))));
        return this.take(e.dataTransfer);
      },
    });
    hooks.onstate(this.view.state);
  }

  /** Takes another text, without a way back to the one before. */
  set(text: string): void {
    this.text = text;
    this.view.updateState(this.stateOf(text));
    this.hooks.onstate(this.view.state);
    if (this.view.hasFocus()) this.look();
  }

  /** Puts the cursor behind so much of the Markdown. */
  cursor(offset: number): void {
    const before = documentOf(read(this.text.slice(0, offset)));
    const { doc } = this.view.state;
    const at = offset >= this.text.length ? Selection.atEnd(doc) : Selection.near(doc.resolve(Math.min(Selection.atEnd(before).head, doc.content.size)), -1);
    this.view.dispatch(this.view.state.tr.setSelection(at));
  }

  run(command: Command): void {
    command(this.view.state, this.view.dispatch, this.view);
    this.view.focus();
  }

  /** Puts Markdown where the cursor is, in place of so many letters before it. */
  insert(text: string, back = 0): void {
    const { tr, selection } = this.view.state;
    if (back) tr.delete(Math.max(selection.$from.start(), selection.from - back), selection.from);
    if (tr.selection.$from.parent.type.spec.code) tr.insertText(text);
    else if (!text.includes('\n')) tr.replaceSelection(new Slice(nodes.paragraph!.create(null, inlineNodes(inline(text))).content, 0, 0));
    else {
      const doc = documentOf(read(text));
      const open = (n: Node) => (n.type === nodes.paragraph ? 1 : 0);
      tr.replaceSelection(new Slice(doc.content, open(doc.firstChild!), open(doc.lastChild!)));
    }
    this.view.dispatch(tr.scrollIntoView());
    this.view.focus();
  }

  /** Puts plain words in place of so many letters before the cursor. */
  replace(back: number, text: string): void {
    const { tr, selection } = this.view.state;
    const { $from, from, to } = selection;
    const next = $from.parent.textBetween($from.parentOffset, Math.min($from.parentOffset + 1, $from.parent.content.size));
    const words = /\s/.test(next) ? text.trimEnd() : text;
    const at = Math.max($from.start(), from - back);
    tr.insertText(words, at, to);
    if (words !== text) tr.setSelection(TextSelection.create(tr.doc, at + text.length));
    this.view.dispatch(tr.scrollIntoView());
    this.view.focus();
  }

  /** Puts pictures into the text, or makes files of them. Says whether anything was taken. */
  take(data: DataTransfer | null): boolean {
    const files = [...(data?.files ?? [])];
    // A spreadsheet sends a picture of its cells along with the cells.
    if (!files.length || hasWords(data!.getData('text/html'))) return false;
    this.put(files);
    return true;
  }

  put(files: File[]): void {
    const rest: File[] = [];
    for (const f of files) {
      const cid = /^image\/(png|jpeg|gif|webp)$/.test(f.type) && !this.view.state.selection.$from.parent.type.spec.code ? this.hooks.place(f) : undefined;
      if (cid) this.view.dispatch(this.view.state.tr.replaceSelectionWith(nodes.image!.create({ cid, alt: f.name.replace(/\.\w+$/, '') }), false).scrollIntoView());
      else rest.push(f);
    }
    if (rest.length) this.hooks.files(rest);
  }

  destroy(): void {
    this.view.destroy();
  }

  private stateOf(text: string): EditorState {
    const doc = documentOf(pictures(read(text), (cid) => (this.hooks.picture(cid) === undefined ? undefined : cid)));
    return EditorState.create({ doc, plugins: this.plugins, selection: Selection.atEnd(doc) });
  }

  private apply(tr: Transaction): void {
    this.view.updateState(this.view.state.apply(tr));
    if (tr.docChanged) {
      this.text = isEmpty(tr.doc) ? '' : write(blocksOf(tr.doc));
      this.hooks.onchange(this.text);
    }
    this.hooks.onstate(this.view.state);
    if (tr.docChanged || tr.selectionSet) this.look();
  }

  private look(): void {
    const { selection } = this.view.state;
    const { $from } = selection;
    const usable = selection instanceof TextSelection && selection.empty && !$from.parent.type.spec.code && this.view.hasFocus();
    this.hooks.onlook(usable ? $from.parent.textBetween(0, $from.parentOffset, undefined, (n) => (n.type === nodes.hard_break ? '\n' : '\ufffc')) : undefined);
  }
}

function lines(text: string): Slice {
  const list = text.replace(/\r\n?/g, '\n').split(/\n{2,}/).map((para) =>
    nodes.paragraph!.create(null, para.split('\n').flatMap((l, i) => [...(i ? [nodes.hard_break!.create()] : []), ...(l ? [schema.text(l)] : [])])));
  return new Slice(nodes.doc!.create(null, list).content, 1, 1);
}

const cellsOnly = (slice: Slice): boolean => {
  let only = slice.content.childCount > 0;
  slice.content.forEach((n) => (only &&= /^table/.test(n.type.name)));
  return only;
};

function flat(slice: Slice): Slice {
  const list: Node[] = [];
  slice.content.descendants((n) => {
    if (n.isTextblock && list.length) list.push(nodes.hard_break!.create());
    if (!n.isInline) return true;
    if (n.isText && n.text!.includes('\n')) n.text!.split('\n').forEach((l, i) => list.push(...(i ? [nodes.hard_break!.create()] : []), ...(l ? [schema.text(l)] : [])));
    else list.push(n);
    return false;
  });
  return new Slice(nodes.paragraph!.create(null, list).content, 0, 0);
}

/** A picture in the text; one that this page cannot show has its name instead. */
class PictureView implements NodeView {
  readonly dom: HTMLElement;

  constructor(node: Node, url: string | undefined) {
    const alt = node.attrs.alt as string;
    if (url) {
      const img = document.createElement('img');
      img.src = url;
      img.alt = alt;
      img.dataset.cid = node.attrs.cid as string;
      this.dom = img;
    } else {
      this.dom = document.createElement('span');
      this.dom.className = 'unseen';
      this.dom.textContent = alt || '…';
    }
  }

  ignoreMutation(): boolean {
    return true;
  }
}
