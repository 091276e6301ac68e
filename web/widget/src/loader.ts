// The loader: a button on the site's page, and nothing else until somebody
// wants to talk. It sets no cookie, stores nothing and asks only its own desk.
import type { Boot, Chat, Config, Identity, Look } from './wire.ts';
import { onAccent } from './color.ts';

interface Settings {
  channel?: string;
  lang?: string;
  identity?: Identity;
  base?: string;
  phone?: string;
  sms?: string;
  texts?: string;
  look?: Look;
}

type Listener = (detail: unknown) => void;

interface Api {
  open(): void;
  close(): void;
  identify(identity: Identity | null): void;
  on(event: string, fn: Listener): () => void;
  event(name: string): void;
  setLanguage(lang: string): void;
  theme(look: Look): void;
  /** Called by the chat's script when it has loaded. */
  _chat?: (mount: (boot: Boot) => Chat) => void;
}

/** What is said before the chat's own texts are here: the button, the field, and that the desk is not reached. */
const SAID: Record<string, [string, string, string]> = {
  en: ['Open the chat', 'Write a message…', 'No connection. Your text is kept here. '],
  ru: ['Открыть чат', 'Напишите сообщение…', 'Нет связи. Ваш текст сохранён здесь. '],
  fa: ['باز کردن گفت‌وگو', 'پیام خود را بنویسید…', 'ارتباط قطع است. نوشتهٔ شما همین‌جا می‌ماند. '],
};

const CSS = `:host{all:initial;position:fixed;z-index:2147483000;inset-block-end:20px;inset-inline-end:20px;--hf:#0b6e5f;--hf-on:#fff;color-scheme:light dark}
:host([data-side=start]){inset-inline:20px auto}
:host([data-theme=dark]){color-scheme:dark}
:host([data-theme=light]){color-scheme:light}
:host([hidden]){display:none}
.launcher{all:unset;box-sizing:border-box;display:flex;gap:8px;align-items:center;padding:15px;font:600 15px/26px system-ui,sans-serif;border-radius:28px;background:var(--hf);color:var(--hf-on);cursor:pointer;box-shadow:0 6px 20px rgb(0 0 0/.22);forced-color-adjust:none}
.launcher:hover{filter:brightness(1.1)}
.launcher:focus-visible{outline:3px solid var(--hf);outline-offset:3px}
.launcher:before{content:'';inline-size:26px;block-size:26px;background:currentColor;clip-path:path(evenodd,'M6 3h14a4 4 0 0 1 4 4v9a4 4 0 0 1-4 4H8l-6 4V7a4 4 0 0 1 4-4zM8 8h10v2H8zm0 5h7v2H8z')}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;box-sizing:border-box;min-inline-size:22px;block-size:22px;padding:0 6px;border-radius:11px;background:#c8261b;color:#fff;font:600 12px/22px system-ui,sans-serif;text-align:center}
.launcher :empty,.early p:empty{display:none}
.early{position:fixed;inset-block-end:88px;inset-inline-end:20px;box-sizing:border-box;inline-size:min(384px,calc(100vw - 40px));padding:12px;border-radius:16px;background:Canvas;color:CanvasText;font:15px/1.45 system-ui,sans-serif;box-shadow:0 16px 48px rgb(0 0 0/.24)}
:host([data-side=start]) .early{inset-inline:20px auto}
.early p{margin:0 0 8px}
.early a{color:inherit}
.early textarea{box-sizing:border-box;inline-size:100%;block-size:96px;padding:8px;border:1px solid GrayText;border-radius:10px;background:none;color:inherit;font:inherit;resize:none}
@media print{:host{display:none}}`;

type Desk = Settings & Partial<Api> & { q?: ArrayLike<unknown>[] };
const page = window as unknown as { holdfast?: Desk };
const script = document.currentScript as HTMLScriptElement | null;

function start(): void {
  const set = page.holdfast ?? {};
  if (set._chat) return; // the tag stands on the page twice
  const channel = script?.dataset['channel'] || set.channel;
  if (!channel) {
    console.error('Holdfast: the script tag needs data-channel.');
    return;
  }
  const base = set.base ?? new URL('.', script?.src ?? location.href).href;
  const lang = (script?.dataset['lang'] || set.lang || document.documentElement.lang || navigator.language).slice(0, 2).toLowerCase();
  const listeners: Record<string, Listener[]> = {};
  const events = new Set<string>();
  const waiting: ((chat: Chat) => void)[] = [];
  let identity = set.identity ?? null;
  let chat: Chat | undefined;
  let loading = false;

  const phone = script?.dataset['phone'] || set.phone || '';
  const sms = script?.dataset['sms'] || set.sms || '';

  const host = document.createElement('holdfast-chat');
  host.hidden = true;
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  const launcher = document.createElement('button');
  launcher.type = 'button';
  launcher.className = 'launcher';
  launcher.setAttribute('aria-haspopup', 'dialog');
  launcher.setAttribute('aria-expanded', 'false');
  const label = document.createElement('span');
  const mark = document.createElement('span');
  mark.className = 'badge';
  mark.setAttribute('aria-hidden', 'true');
  launcher.append(label, mark);
  root.append(launcher);

  let config: Config | null = null;
  let said = SAID['en']!;
  const look = { ...set.look };
  const dress = (c: Config | null) => {
    const { theme, position, color, label: text } = { ...c, ...look };
    config = c && { ...c, ...look };
    const spoken = c?.lang ?? (SAID[lang] ? lang : 'en');
    host.lang = spoken;
    host.dir = spoken === 'fa' ? 'rtl' : 'ltr';
    host.dataset['theme'] = theme ?? '';
    host.dataset['side'] = position ?? '';
    label.textContent = text ?? '';
    if (color) {
      host.style.setProperty('--hf', color);
      host.style.setProperty('--hf-on', onAccent(color));
    }
    said = SAID[spoken] ?? SAID['en']!;
    launcher.setAttribute('aria-label', text || said[0]);
    host.hidden = false;
    if (c?.invites) withChat(() => undefined);
  };

  // The chat takes a while over a slow line, and may not come at all: a field to write
  // in is here at once, and what is written in it is the draft that the chat goes on with.
  const draft = `holdfast:${channel}:draft`;
  const early = document.createElement('div');
  const note = document.createElement('p');
  const field = document.createElement('textarea');
  early.className = 'early';
  note.setAttribute('role', 'status');
  field.dir = 'auto';
  early.append(note, field);
  field.oninput = () => {
    try {
      localStorage.setItem(draft, field.value);
    } catch {
      // handed over all the same, as long as the page is open
    }
  };
  early.onkeydown = (e) => {
    e.stopPropagation();
    if (e.key === 'Escape') api.close();
  };
  const write = () => {
    if (chat || early.isConnected) return;
    try {
      field.value ||= localStorage.getItem(draft) ?? '';
    } catch {
      // nothing was kept
    }
    field.placeholder = said[1];
    field.setAttribute('aria-label', said[1]);
    root.prepend(early);
    launcher.setAttribute('aria-expanded', 'true');
    field.focus();
  };
  const cut = () => {
    note.textContent = said[2];
    for (const [scheme, number] of [['tel:', config?.phone || phone], ['sms:', config?.sms || sms]]) {
      if (!number) continue;
      const a = document.createElement('a');
      a.href = scheme + number.replace(/[^+\d]/g, '');
      a.textContent = scheme === 'sms:' ? 'SMS ' + number : number;
      a.dir = 'ltr';
      note.append(a, ' ');
    }
  };

  const withChat = (fn: (chat: Chat) => void) => {
    if (chat) return fn(chat);
    waiting.push(fn);
    if (loading) return;
    loading = true;
    const tag = document.createElement('script');
    tag.async = true;
    const url = base + 'widget-chat.js';
    // Where a site enforces Trusted Types it allows this one policy by name.
    const types = (window as unknown as { trustedTypes?: { createPolicy(n: string, p: object): { createScriptURL(u: string): string } } }).trustedTypes;
    tag.src = types ? types.createPolicy('holdfast', { createScriptURL: () => url }).createScriptURL(url) : url;
    if (script?.nonce) tag.nonce = script.nonce;
    tag.onerror = () => {
      loading = false;
      tag.remove();
      cut();
      setTimeout(() => waiting.length && withChat(waiting.pop()!), 5000);
    };
    document.head.append(tag);
  };

  const api: Api = {
    open() {
      write();
      withChat((c) => early.isConnected && c.open());
      chat?.open();
    },
    close() {
      early.remove();
      chat?.close();
      launcher.setAttribute('aria-expanded', 'false');
    },
    identify(next) {
      identity = next;
      chat?.identify(next);
    },
    event: (name) => void events.add(name),
    setLanguage: (next) => withChat((c) => c.setLanguage(next)),
    theme(next) {
      Object.assign(look, next);
      dress(config);
    },
    on(event, fn) {
      (listeners[event] ??= []).push(fn);
      return () => {
        listeners[event] = listeners[event]!.filter((f) => f !== fn);
      };
    },
    _chat(mount) {
      void settled.then(() => {
        chat ??= mount({
          channel, base, lang, config, identity, host, root, launcher, phone, sms, events,
          texts: script?.dataset['texts'] || set.texts || '',
          early: () => (early.isConnected ? field.value : null),
          badge(count, label) {
            mark.textContent = label;
            launcher.classList.toggle('unread', count > 0);
          },
          emit: (event, detail) => listeners[event]?.forEach((fn) => fn(detail)),
        });
        waiting.splice(0).forEach((fn) => fn(chat!));
        early.remove();
      });
    },
  };
  // holdfast.open() and holdfast('open') are the same; what was asked before this script came is done now.
  const desk = (what: keyof Api, ...with_: never[]): unknown => (api[what] as (...a: never[]) => unknown)?.(...with_);
  page.holdfast = Object.assign(desk, set, api) as unknown as Desk;
  launcher.addEventListener('click', () => {
    if (launcher.getAttribute('aria-expanded') === 'true') api.close();
    else api.open();
  });

  // The button shows itself in its own colour at once, or in ours when the desk
  // does not answer: a visitor can write all the same, and it will be sent later.
  const late = new Promise<null>((r) => setTimeout(r, 3000, null));
  const asked = fetch(`${base}chat/v1/${channel}/config?lang=${lang}`, { credentials: 'omit' }).then(
    (r) => (r.ok ? (r.json() as Promise<Config>) : null),
    () => null,
  );
  const settled = Promise.race([asked, late]).then(dress);
  document.body.append(host);

  for (const [what, ...with_] of (set.q ?? []).map((a) => Array.from(a))) desk(what as keyof Api, ...(with_ as never[]));

  // Who has written before hears of answers without opening the chat again.
  try {
    if (localStorage.getItem('holdfast:' + channel)) withChat(() => undefined);
  } catch {
    // storage is forbidden on this page: then there is nothing to go on from
  }
}

if (document.body) start();
else document.addEventListener('DOMContentLoaded', start);
