// The question of how it went: stars, thumbs or numbers in the place of the link
// that the desk sends with it. The link itself is the right to answer.
import { h } from './dom.ts';
import type { Speech } from './texts.ts';

const LINK = /\s*\S+\/rate\/([\w-]{60,70})\s*$/;

interface State {
  kind: 'csat' | 'nps';
  thumbs: boolean;
  score: number; // -1: none yet
  comment: string;
}

/** The text without the link, and the link's token; undefined for any other message. */
export function question(text: string): [ask: string, token: string] | undefined {
  const m = LINK.exec(text);
  return m ? [text.slice(0, m.index), m[1]!] : undefined;
}

export function rating(url: string, s: Speech): HTMLElement {
  const box = h('div.rate', {});
  const note = h('p.rated', { role: 'status' });
  let state: State | undefined;

  const ask = async (score?: number, comment = ''): Promise<void> => {
    const body = score === undefined ? null : new URLSearchParams({ score: String(score), comment });
    try {
      const r = await fetch(url, { method: body ? 'POST' : 'GET', body, headers: { Accept: 'application/json' }, credentials: 'omit' });
      if (!r.ok) throw new Error();
      state = (await r.json()) as State;
      note.textContent = score === undefined ? '' : s.t.thanks;
    } catch {
      if (body) note.textContent = s.t.notRated;
      else setTimeout(() => box.isConnected && void ask(), 10_000); // nothing to choose from yet
    }
    draw();
  };

  const draw = (): void => {
    if (!state) return;
    const { kind, thumbs, score } = state;
    const scores = kind === 'nps' ? Array.from({ length: 11 }, (_, i) => i) : thumbs ? [5, 1] : [1, 2, 3, 4, 5];
    const look = (n: number) => (kind === 'nps' ? s.number(n) : thumbs ? (n > 1 ? '👍' : '👎') : n <= score ? '★' : '☆');
    const comment = h('input.comment', { type: 'text', maxlength: '2000', dir: 'auto', placeholder: s.t.comment, 'aria-label': s.t.comment });
    comment.value = state.comment;
    comment.addEventListener('change', () => void ask(score, comment.value));
    box.replaceChildren(
      h('div.scores', { role: 'group', class: `scores ${kind}` }, ...scores.map((n) =>
        h('button', { type: 'button', 'aria-label': thumbs && kind === 'csat' ? (n > 1 ? s.t.good : s.t.bad) : s.say(s.t.score, s.number(n), s.number(kind === 'nps' ? 10 : 5)), 'aria-pressed': String(n === score), onclick: () => void ask(n, state!.comment) }, look(n)))),
      ...(score < 0 ? [] : [comment]), note,
    );
  };
  void ask();
  return box;
}
