// One message on the screen.
import type { Attached } from './wire.ts';
import type { Speech } from './texts.ts';
import { h, icon, linked } from './dom.ts';
import { question } from './rating.ts';

export type Progress = 'waiting' | 'sent' | 'seen' | 'refused';

export interface Row {
  key: string;
  mine: boolean;
  author: string;
  text: string;
  at: Date;
  progress?: Progress; // of the visitor's own
  refused?: string; // the code
  files: (Pick<Attached, 'name' | 'type' | 'size'> & { url?: string; thumb?: string })[];
}

export interface RowActions {
  /** What the visitor rates with, for a question's token. */
  rate(token: string): HTMLElement;
  retry(key: string): void;
  discard(key: string): void;
}

const TICK = { waiting: 'clock', sent: 'tick', seen: 'ticks', refused: 'alert' } as const;

/** A message. joined: the same author goes on. What may change later is set by restate. */
export function bubble(row: Row, s: Speech, act: RowActions, joined: boolean): HTMLElement {
  const asked = row.mine ? undefined : question(row.text);
  const text = asked ? asked[0] : row.text;
  const who = row.mine ? s.t.you : row.author || s.t.us;
  const el = h(
    'div',
    { 'data-key': row.key, class: (row.mine ? 'mine' : 'theirs') + (joined ? ' joined' : '') },
    joined || row.mine ? h('span.sr', {}, who + ': ') : h('span.who', { dir: 'auto' }, who),
    h('div.bubble', {}, text ? h('p.text', { dir: 'auto' }, linked(text)) : null, asked && act.rate(asked[1]), ...row.files.map((f) => file(f, s))),
  );
  restate(el, row, s, act);
  return el;
}

/** Brings time and progress up to date, and leaves the message itself alone: a reader must not hear it again. */
export function restate(el: HTMLElement, row: Row, s: Speech, act: RowActions): void {
  const bad = row.progress === 'refused';
  const progress = row.progress && (bad ? (s.t.refused[row.refused ?? ''] ?? s.t.refused['']!) : s.t[row.progress as 'sent']);
  el.classList.toggle('bad', bad);
  el.querySelector(':scope>.meta')?.remove();
  el.querySelector(':scope>.refused')?.remove();
  el.append(
    h(
      'span.meta',
      { title: s.full(row.at), 'aria-live': 'off' },
      h('time', { datetime: row.at.toISOString() }, s.time(row.at)),
      row.progress && !bad ? h('span.tick', { title: progress }, icon(TICK[row.progress]), h('span.sr', {}, ', ' + progress)) : null,
    ),
  );
  if (!bad) return;
  el.append(
    h(
      'span.refused',
      { role: 'alert' },
      icon('alert'),
      h('span', {}, progress ?? ''),
      h('button', { type: 'button', onclick: () => act.retry(row.key) }, s.t.retry),
      h('button', { type: 'button', onclick: () => act.discard(row.key) }, s.t.discard),
    ),
  );
}

function file(f: Row['files'][number], s: Speech): HTMLElement {
  const name = h('bdi.name', {}, f.name);
  const size = h('span.size', {}, s.size(f.size));
  const plain = () => [icon('file'), h('span.label', {}, name, size)];
  if (!f.url) return h('span.file', {}, ...plain());
  const link = h('a.file', { href: f.url, target: '_blank', rel: 'noopener noreferrer', download: f.name });
  if (f.type.startsWith('audio/') || /^voice-.*\.(webm|ogg|m4a)$/.test(f.name)) {
    link.append(...plain());
    return h('div.voice', {}, h('audio', { controls: true, preload: 'none', src: f.url, 'aria-label': f.name }), link);
  }
  if (!f.type.startsWith('image/') || f.type === 'image/svg+xml') {
    link.append(...plain());
    return link;
  }
  const img = h('img', { src: f.thumb ?? f.url, alt: f.name, loading: 'lazy', decoding: 'async' });
  img.addEventListener('error', () => {
    link.classList.remove('picture'); // the site's policy forbids our pictures: a link remains
    link.replaceChildren(...plain());
  });
  link.classList.add('picture');
  link.append(img);
  return link;
}

export function day(text: string): HTMLElement {
  return h('div.day', { 'data-key': 'day:' + text }, h('span', {}, text));
}
