import { EditorState, Selection, type Command } from 'prosemirror-state';
import type { EditorView } from 'prosemirror-view';
import { describe, expect, it } from 'vitest';
import { read } from '../../../model/markup/read';
import { write } from '../../../model/markup/write';
import { addressOf, deeds, insertTable, link, tableDeeds } from './commands';
import { blocksOf, documentOf } from './document';
import { markdownRules } from './rules';

/** A field without a screen: what is typed goes through the rules, letter by letter. */
function field(text = '') {
  const rules = markdownRules();
  const doc = documentOf(read(text));
  const view = { composing: false, state: EditorState.create({ doc, plugins: [rules], selection: Selection.atEnd(doc) }), dispatch: (tr: EditorState['tr']) => void (view.state = view.state.apply(tr)) };
  return {
    view,
    type(s: string) {
      for (const c of s) {
        const { from, to } = view.state.selection;
        if (!rules.props.handleTextInput!.call(rules, view as unknown as EditorView, from, to, c, () => view.state.tr)) view.dispatch(view.state.tr.insertText(c));
      }
      return this;
    },
    run(c: Command) {
      c(view.state, view.dispatch, view as unknown as EditorView);
      return this;
    },
    select(from: number, to: number) {
      view.dispatch(view.state.tr.setSelection(Selection.fromJSON(view.state.doc, { type: 'text', anchor: from, head: to })));
      return this;
    },
    get text() {
      return write(blocksOf(view.state.doc));
    },
  };
}

describe('a document', () => {
  it.each([
    'Hello, **you** and *me*', 'a\nb', '> quoted\n>\n> - one\n> - two', '1. یک\n2. دو\n   - در دل آن', '| a | ب |\n| --- | --- |\n| **1** | x<br>y |', '```\nx = 1\n```\n\nafter', '# Big\n\n---\n\n[x](https://x.example)',
    'look ![cable](cid:a@desk)', 'Привет, **мир** и سلام',
  ])('is the Markdown that it came from: %j', (text) => expect(write(blocksOf(documentOf(read(text))))).toBe(text));
});

describe('typing', () => {
  it.each([
    ['## Steps', '## Steps'], ['- one', '- one'], ['* one', '- one'], ['1. one', '1. one'], ['۳. سه', '3. سه'], ['> said', '> said'], ['a **bold** word', 'a **bold** word'],
    ['an *important* word', 'an *important* word'], ['an _important_ word', 'an *important* word'], ['~~gone~~ now', '~~gone~~ now'], ['run `ls -l` now', 'run `ls -l` now'],
    ['see [us](https://x.example/a) now', 'see [us](https://x.example/a) now'], ['**سلام** دوست', '**سلام** دوست'], ['очень *важно* это', 'очень *важно* это'],
  ])('%j becomes %j', (typed, text) => {
    const f = field().type(typed);
    expect(f.text).toBe(text);
    expect(f.view.state.doc.textContent, 'no signs are left').not.toMatch(/[*`~#>]|\]\(/);
  });
  it.each(['snake_case_name', '2 * 3 * 4', '5*4*3', '3.5 GB', 'a # b', 'C:\\dir', 'x > y', '-5', 'https://x.example/_a_/b_c'])('%j stays as it is', (typed) => {
    const f = field().type(typed);
    expect(f.view.state.doc.textContent).toBe(typed);
    expect(f.view.state.doc.childCount).toBe(1);
    expect(f.text).toBe(typed);
  });
  it('signs that were typed one by one and mean nothing come back as they were', () => {
    const f = field().type('a ** b');
    expect(read(f.text)).toEqual([{ kind: 'paragraph', inline: [{ text: 'a ** b' }] }]);
  });
});

describe('the toolbar', () => {
  it('marks and unmarks what is selected', () => {
    const f = field('one two').select(1, 4).run(deeds.bold.run);
    expect(f.text).toBe('**one** two');
    expect(deeds.bold.on!(f.view.state)).toBe(true);
    expect(f.run(deeds.bold.run).text).toBe('one two');
  });
  it('makes a list, the other list, and none', () => {
    const f = field('one').run(deeds.bullets.run);
    expect(f.text).toBe('- one');
    expect(f.run(deeds.numbers.run).text).toBe('1. one');
    expect(f.run(deeds.numbers.run).text).toBe('one');
  });
  it('makes a table, grows it, shrinks it and takes it away', () => {
    const f = field().run(insertTable).type('Plan');
    expect(f.text).toContain('| Plan |  |  |');
    expect(f.run(insertTable).text.match(/Plan/g), 'no table in a table').toHaveLength(1);
    f.run(tableDeeds['row.below']).run(tableDeeds['column.delete']);
    expect(f.text.split('\n')).toHaveLength(5);
    expect(f.text).not.toContain('Plan');
    expect(f.run(tableDeeds.delete).text).toBe('');
  });
  it('links to the web, mail and telephone, never to a script', () => {
    expect(['shop.example/a', 'https://x.example', 'me@x.example', 'tel:+98912', 'javascript:alert(1)', 'data:text/html,x', 'two words', '', 'localhost:8080/x'].map(addressOf)).toEqual(
      ['https://shop.example/a', 'https://x.example', 'mailto:me@x.example', 'tel:+98912', '', '', '', '', 'https://localhost:8080/x']);
    const f = field('the shop').select(5, 9).run(link('shop.example/(a)'));
    expect(f.text).toBe('the [shop](https://shop.example/%28a%29)');
    expect(f.run(link('')).text).toBe('the shop');
  });
});
