// A word to a visitor who has not asked yet. Seldom: once in so many days, once a
// page, and never to somebody who is in a conversation.
import { h, icon } from './dom.ts';
import type { Speech } from './texts.ts';
import type { Invite } from './wire.ts';

const DAY = 86_400_000;

interface Kept {
  first?: number; // when he was here first, where a return is asked for
  said?: number; // when he was invited last
}

const fits = (path: string, pattern: string): boolean =>
  new RegExp('^' + pattern.split('*').map((p) => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*') + '$').test(path);

/** Waits for the first invitation that fits. busy: no word now; show: puts it on the page. */
export function invite(list: Invite[], days: number, key: string, heard: Set<string>, busy: () => boolean, show: (text: string) => void): void {
  let kept: Kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(key) ?? '{}') as Kept;
  } catch {
    // storage is forbidden: then he is new each time
  }
  const keep = (change: Kept) => {
    try {
      localStorage.setItem(key, JSON.stringify((kept = { ...kept, ...change })));
    } catch {
      // as above
    }
  };
  const now = Date.now();
  if (now - (kept.said ?? 0) < days * DAY) return;
  if (!kept.first && list.some((i) => i.again)) keep({ first: now });
  const scrolled = () => {
    const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
    return scrollHeight <= clientHeight ? 100 : (100 * (scrollTop + clientHeight)) / scrollHeight;
  };
  const timer = setInterval(() => {
    const found = list.find(
      (i) =>
        (!i.page || fits(location.pathname, i.page)) && (!i.event || heard.has(i.event)) && performance.now() >= (i.time ?? 0) * 1000 &&
        scrolled() >= (i.scroll ?? 0) && (!i.again || now - (kept.first ?? now) > DAY / 2),
    );
    if (!found || document.hidden || busy()) return;
    clearInterval(timer);
    keep({ said: Date.now() });
    show(found.text);
  }, 500);
}

/** The invitation on the page; it covers nothing that cannot be closed. */
export function card(text: string, s: Speech, open: () => void): HTMLElement {
  const el = h('div.invite', { lang: s.lang, dir: s.dir, role: 'status' },
    h('button.say', { type: 'button', dir: 'auto', onclick: () => (el.remove(), open()) }, text),
    h('button.close', { type: 'button', title: s.t.close, 'aria-label': s.t.close, onclick: () => el.remove() }, icon('close')));
  return el;
}
