// The chat behind the button: it brings the outbox, the stream and the window
// together. It trusts nothing but the desk's numbers for what was said and in
// which order.
import { Api } from './api.ts';
import type { Row } from './bubble.ts';
import { h } from './dom.ts';
import { newId, storedId } from './ident.ts';
import { card, invite } from './invite.ts';
import { Memory } from './memory.ts';
import { DiskShelf, Outbox, PageShelf, type Letter } from './outbox.ts';
import { rating } from './rating.ts';
import { chime } from './sound.ts';
import { Stream, type Link } from './stream.ts';
import { STYLE } from './style.ts';
import { Speech, type Tongue } from './texts.ts';
import { View, type ViewEvents } from './view.ts';
import type { Boot, Chat, Config, Identity, Item } from './wire.ts';

const LIMITS = { text: 10_000, attachments: 10, attachment_bytes: 40 << 20 };

function mount(boot: Boot): Chat {
  let s = new Speech(boot.config?.lang ?? (['en', 'ru', 'fa'].includes(boot.lang) ? boot.lang : 'en'));
  const spoken = (): Pick<Config, 'title' | 'greeting' | 'offline' | 'lang'> => ({ title: s.t.title, greeting: s.t.greeting, offline: s.t.offlineHours, lang: s.lang });
  let config: Config = boot.config ?? {
    ...spoken(), color: '', position: 'end', on_duty: true, identity_required: false, limits: LIMITS, phone: boot.phone, sms: boot.sms,
  };
  const memory = new Memory(boot.channel);
  // Another day the desk may not be there to say them.
  const reach = boot.config ?? { ...memory.reach };
  config.phone = reach.phone || boot.phone;
  config.sms = reach.sms || boot.sms;
  const api = new Api(boot.base, boot.channel, s.lang, memory);
  api.identity = boot.identity;

  const items: Item[] = []; // by number
  const sent = new Map<string, Letter>(); // by its own id: told to be on disk, not yet seen in the stream
  const own = new Map<string, string>(); // the id it is stored under → its own id
  let waiting: Letter[] = [];
  let link: Link = 'connecting';
  let reached = true;
  let typedAt = 0;
  let drawing = 0;
  let unread = 0;

  const events: ViewEvents = {
    closed: close,
    send,
    draft: (text) => (memory.draft = text),
    typing() {
      if (Date.now() - typedAt < 3000 || !stream.running) return;
      typedAt = Date.now();
      stream.say({ type: 'typing' });
    },
    retry: (id) => void outbox.retry(id),
    discard: (id) => void outbox.discard(id),
    rate: (token) => rating(`${boot.base}rate/${token}`, s),
    mail: (address) => api.transcript(memory.session()?.token ?? '', address),
    muted: (yes = memory.mute) => (memory.mute = yes),
  };
  let view = new View(s, config, events);

  const outbox = new Outbox(api, memory, typeof indexedDB === 'undefined' ? new PageShelf() : new DiskShelf('holdfast:' + boot.channel), {
    changed: lies,
    sent(letter) {
      name(letter);
      sent.set(letter.id, letter);
      memory.reach = { phone: config.phone, sms: config.sms };
      stream.start();
    },
    reached(yes) {
      reached = yes;
      status();
    },
  });

  const stream = new Stream(api, () => memory.session()?.token, {
    item(item) {
      items.push(item);
      sent.delete(own.get(item.id) ?? '');
      if (item.direction === 'out') {
        view.typing(null);
        if (item.n > memory.read && !memory.mute && (document.hidden || !view.isOpen)) chime();
        if (item.n > memory.read) boot.emit('message', { text: item.text, author: item.author, at: item.at });
      }
      draw();
    },
    typing: (name) => view.typing(name),
    seen(n) {
      memory.seen = n;
      draw();
    },
    link(state) {
      link = state;
      reached ||= state === 'live';
      status();
      if (state === 'live') void outbox.flush();
    },
    async denied() {
      memory.forget();
      await api.session(true);
      memory.keep();
    },
  });

  function lies(letters: Letter[]): void {
    letters.forEach(name);
    waiting = letters;
    if (letters.length) view.form.done();
    draw();
  }

  /** Knows a letter again when the desk shows it. */
  function name(l: Letter): void {
    if (l.visitor) own.set(storedId(boot.channel, l.visitor, l.id), l.id);
  }

  async function send(text: string, files: File[]): Promise<string> {
    const session = memory.session();
    const answers = view.form.take();
    if (!answers) return s.t.fill;
    view.form.done();
    await outbox.add({
      answers: Object.keys(answers).length ? answers : undefined,
      id: newId(), text, at: Date.now(), page: location.href, token: session?.token, visitor: session?.visitor,
      files: files.map((f) => ({ name: f.name, type: f.type, size: f.size, blob: f })),
    });
    return '';
  }

  /** All rows, in the desk's order; what waits comes last. */
  function rows(): Row[] {
    const known = new Set(items.map((i) => own.get(i.id)));
    const answered = items.reduce((n, i) => (i.direction === 'out' ? i.n : n), 0);
    const seen = Math.max(memory.seen, answered); // an answer shows that it was read
    const out: Row[] = items.map((i) => ({
      key: own.get(i.id) ?? i.id, mine: i.direction === 'in', author: i.author ?? '', text: i.text, at: new Date(i.at),
      progress: i.direction === 'in' ? (i.n <= seen ? 'seen' : 'sent') : undefined,
      files: (i.attachments ?? []).map((f) => ({ ...f, url: api.link(f.url), thumb: f.thumb && api.link(f.thumb) })),
    }));
    for (const l of new Map([...waiting, ...sent.values()].map((l) => [l.id, l])).values()) {
      if (known.has(l.id)) continue;
      out.push({
        key: l.id, mine: true, author: '', text: l.text, at: new Date(l.at), refused: l.refused,
        progress: l.refused ? 'refused' : sent.has(l.id) ? 'sent' : 'waiting', files: l.files,
      });
    }
    return out;
  }

  function draw(): void {
    // A long history arrives as many frames; it is drawn once.
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      view.render(rows());
      read();
    });
    if (document.hidden) {
      cancelAnimationFrame(drawing);
      drawing = 0;
      view.render(rows());
      read();
    }
  }

  /** What is on the screen is read; what is not is counted on the button. */
  function read(): void {
    const fresh = items.filter((i) => i.direction === 'out' && i.n > memory.read);
    if (fresh.length && view.isOpen && !document.hidden) {
      memory.read = fresh[fresh.length - 1]!.n;
      stream.say({ type: 'seen', n: memory.read });
      fresh.length = 0;
    }
    boot.badge(fresh.length, fresh.length ? s.number(fresh.length) : '');
    if (fresh.length !== unread) boot.emit('unread', (unread = fresh.length));
    boot.launcher.setAttribute('aria-label', (config.label || config.title) + (fresh.length ? ', ' + s.count(s.t.unread, fresh.length) : ''));
  }

  /** What works when we do not. */
  function numbers(): HTMLElement[] {
    const link = (scheme: string, number: string, label: string) =>
      h('a', { href: scheme + number.replace(/[^+\d]/g, '') }, label + ' ', h('bdi', { dir: 'ltr' }, number));
    return [config.phone && link('tel:', config.phone, s.t.call), config.sms && link('sms:', config.sms, s.t.sms)].filter((a) => a !== '');
  }

  let statusTimer: ReturnType<typeof setTimeout> | undefined;
  function status(): void {
    clearTimeout(statusTimer);
    // What was tried counts; the browser's own opinion only where nothing was.
    const cut = !reached || link === 'offline' || (link !== 'live' && navigator.onLine === false);
    if (cut) view.banner(s.t.offline, numbers());
    else if (stream.running && link !== 'live') statusTimer = setTimeout(() => view.banner(s.t.connecting), 2500);
    else view.banner(config.notice ?? '');
  }

  function open(): void {
    if (view.isOpen) return;
    boot.root.querySelector('.invite')?.remove();
    view.open();
    boot.launcher.setAttribute('aria-expanded', 'true');
    boot.host.classList.add('open');
    boot.emit('open', undefined);
    if (api.identity && !stream.running) void api.session().then(() => stream.start(), () => undefined);
    read();
    status();
  }

  function close(): void {
    if (!view.isOpen) return;
    view.close();
    boot.launcher.setAttribute('aria-expanded', 'false');
    boot.host.classList.remove('open');
    boot.launcher.focus();
    boot.emit('close', undefined);
    read();
  }

  /** The site says who is there, or, with null, that nobody is any more. */
  function identify(identity: Identity | null): void {
    if (JSON.stringify(identity) === JSON.stringify(api.identity)) return;
    api.identity = identity;
    const running = stream.running;
    stream.stop();
    if (identity) view.form.done();
    else memory.forget();
    items.length = 0;
    sent.clear();
    stream.after = 0;
    draw();
    if (identity && (running || memory.known || view.isOpen)) void api.session().then(() => stream.start(), () => status());
  }

  /** Says everything in another language: one of the desk's, or one of the site's own texts. */
  async function setLanguage(next: string | Tongue): Promise<void> {
    const own = typeof next === 'string' ? undefined : next;
    if (own) {
      s = new Speech(own.lang, own);
      config = { ...config, ...spoken() };
    } else {
      api.lang = next as string;
      config = await api.config();
      s = new Speech(config.lang);
    }
    boot.host.lang = s.lang;
    boot.host.dir = s.dir;
    const old = view;
    view = new View(s, config, events);
    view.composer.text = old.composer.field.value;
    if (memory.known || api.identity) view.form.done();
    old.panel.replaceWith(view.panel);
    if (old.isOpen) view.open();
    draw();
    status();
  }

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  boot.root.adoptedStyleSheets = [...boot.root.adoptedStyleSheets, sheet];
  boot.root.prepend(view.panel);
  boot.launcher.setAttribute('aria-controls', 'panel');
  const early = boot.early();
  if (early !== null) memory.draft = early;
  if (memory.known || boot.identity) view.form.done();
  view.composer.text = early ?? memory.draft;
  // Enter in the early field was meant to send; there it could only end the line.
  if (early?.endsWith('\n')) view.composer.submit();
  addEventListener('online', () => {
    stream.nudge();
    void outbox.flush();
    status();
  });
  addEventListener('offline', status);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    stream.nudge();
    void outbox.flush();
    read();
  });
  void outbox.letters().then((letters) => {
    lies(letters);
    if (letters.length) void outbox.flush();
  });
  if (config.invites && !memory.known) {
    invite(config.invites, config.invite_days ?? 7, `holdfast:${boot.channel}:invited`, boot.events, () => view.isOpen || memory.known, (text) => {
      const el = card(text, s, open);
      boot.root.prepend(el);
      boot.emit('invite', text);
    });
  }
  if (memory.known) void api.session().then(() => stream.start(), () => stream.start());
  // A language of the site's own comes from the site itself and from nobody else.
  if (boot.texts) {
    const file = new URL(boot.texts, document.baseURI);
    if (file.origin === location.origin) void fetch(file).then((r) => r.json()).then(setLanguage).catch(() => undefined);
  }
  return { open, close, identify, setLanguage: (next) => void setLanguage(next).catch(() => undefined) };
}

(window as unknown as { holdfast?: { _chat?: (m: typeof mount) => void } }).holdfast?._chat?.(mount);
