// The loader: a button on the site's page, and nothing else until somebody
// wants to talk. It sets no cookie, stores nothing and asks only its own desk.
import type { Boot, Chat, Config, Identity } from './wire.ts';
import { onAccent } from './color.ts';

interface Settings {
  channel?: string;
  lang?: string;
  identity?: Identity;
  base?: string;
}

type Listener = (detail: unknown) => void;

interface Api {
  open(): void;
  close(): void;
  identify(identity: Identity | null): void;
  on(event: string, fn: Listener): () => void;
  /** Called by the chat's script when it has loaded. */
  _chat?: (mount: (boot: Boot) => Chat) => void;
}

const LABEL: Record<string, string> = { en: 'Open the chat', ru: 'Открыть чат', fa: 'باز کردن گفت‌وگو' };

const CSS = `:host{all:initial;position:fixed;z-index:2147483000;inset-block-end:20px;inset-inline-end:20px;--hf:#0b6e5f;--hf-on:#fff;color-scheme:light dark}
:host([data-side=start]){inset-inline:20px auto}
:host([hidden]){display:none}
.launcher{all:unset;box-sizing:border-box;display:grid;place-items:center;inline-size:56px;block-size:56px;border-radius:50%;background:var(--hf);color:var(--hf-on);cursor:pointer;box-shadow:0 6px 20px rgb(0 0 0/.22),0 1px 3px rgb(0 0 0/.2);transition:transform .15s,box-shadow .15s}
.launcher:hover{transform:translateY(-1px) scale(1.03)}
.launcher:focus-visible{outline:3px solid var(--hf);outline-offset:3px}
.launcher svg{inline-size:26px;block-size:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;box-sizing:border-box;min-inline-size:22px;block-size:22px;padding:0 6px;border-radius:11px;background:#c8261b;color:#fff;font:600 12px/22px system-ui,sans-serif;text-align:center}
.badge:empty{display:none}
@media (prefers-reduced-motion:reduce){.launcher{transition:none}}
@media print{:host{display:none}}`;

const page = window as unknown as { holdfast?: Settings & Partial<Api> };
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
  const waiting: ((chat: Chat) => void)[] = [];
  let identity = set.identity ?? null;
  let chat: Chat | undefined;
  let loading = false;

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
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M21 11.5a8 8 0 0 1-8 8H5.6L3 22V11.5a8 8 0 0 1 8-8h2a8 8 0 0 1 8 8ZM8 10h8M8 14h5');
  svg.append(path);
  const mark = document.createElement('span');
  mark.className = 'badge';
  mark.setAttribute('aria-hidden', 'true');
  launcher.append(svg, mark);
  root.append(launcher);

  let config: Config | null = null;
  const dress = (c: Config | null) => {
    config = c;
    const spoken = c?.lang ?? (LABEL[lang] ? lang : 'en');
    host.lang = spoken;
    host.dir = spoken === 'fa' ? 'rtl' : 'ltr';
    host.dataset['side'] = c?.position ?? 'end';
    if (c?.color) {
      host.style.setProperty('--hf', c.color);
      host.style.setProperty('--hf-on', onAccent(c.color));
    }
    launcher.setAttribute('aria-label', LABEL[spoken] ?? LABEL['en']!);
    host.hidden = false;
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
      loading = false; // the next click tries again
      tag.remove();
    };
    document.head.append(tag);
  };

  const api: Api = {
    open: () => withChat((c) => c.open()),
    close: () => chat?.close(),
    identify(next) {
      identity = next;
      chat?.identify(next);
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
          channel, base, lang, config, identity, host, root, launcher,
          badge(count, label) {
            mark.textContent = label;
            launcher.classList.toggle('unread', count > 0);
          },
          emit: (event, detail) => listeners[event]?.forEach((fn) => fn(detail)),
        });
        waiting.splice(0).forEach((fn) => fn(chat!));
      });
    },
  };
  Object.assign((page.holdfast = set), api);
  launcher.addEventListener('click', () => {
    if (launcher.getAttribute('aria-expanded') === 'true') api.close();
    else api.open();
  });

  // The button shows itself in its own colour at once, or in ours when the desk
  // does not answer: a visitor can write all the same, and it will be sent later.
  const late = new Promise<null>((r) => setTimeout(r, 4000, null));
  const asked = fetch(`${base}chat/v1/${channel}/config?lang=${lang}`, { credentials: 'omit' }).then(
    (r) => (r.ok ? (r.json() as Promise<Config>) : null),
    () => null,
  );
  const settled = Promise.race([asked, late]).then(dress);
  document.body.append(host);

  // Who has written before hears of answers without opening the chat again.
  try {
    if (localStorage.getItem('holdfast:' + channel)) withChat(() => undefined);
  } catch {
    // storage is forbidden on this page: then there is nothing to go on from
  }
}

if (document.body) start();
else document.addEventListener('DOMContentLoaded', start);
