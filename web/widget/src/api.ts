// The visitor's API of the desk: one method a route, and one kind of failure.
import type { Attached, Config, Identity, Item, Receipt } from './wire.ts';
import type { Memory, Session } from './memory.ts';

/** A request that did not do what it should. Status 0 means that the desk was not reached. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly wait = 0, // seconds, as the desk asks for
  ) {
    super(code);
  }
  /** Sending the same again may succeed; 404 is a channel that is being changed or switched off for now. */
  get passing(): boolean {
    return [0, 404, 408, 425, 429].includes(this.status) || this.status >= 500;
  }
}

/** A message on its way. */
export interface Sent {
  id: string;
  text: string;
  attachments: string[];
  page: string;
  answers?: Record<string, string> | undefined;
}

export interface Page {
  items: Item[];
  last: number;
  more?: boolean;
  typing?: string;
  seen?: number;
}

const whoIs = (id: Identity | null): string => id?.user_id ?? id?.jwt ?? '';

export class Api {
  identity: Identity | null = null;
  readonly url: string;
  #starting: Promise<Session> | undefined;

  constructor(
    base: string,
    readonly channel: string,
    public lang: string,
    private readonly memory: Memory,
    private readonly fetcher: typeof fetch = (...a) => fetch(...a),
  ) {
    this.url = `${base}chat/v1/${channel}/`;
  }

  /** url makes an attachment's link whole. */
  link(path: string): string {
    return this.url + path;
  }

  async #call<T>(method: string, path: string, body?: BodyInit, token?: string, wait = 20): Promise<T> {
    const headers: Record<string, string> = {};
    if (token) headers['Authorization'] = 'Bearer ' + token;
    if (typeof body === 'string') headers['Content-Type'] = 'application/json';
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), wait * 1000);
    try {
      const res = await this.fetcher(this.url + path, { method, headers, body: body ?? null, credentials: 'omit', cache: 'no-store', signal: stop.signal });
      const text = await res.text();
      if (res.ok) return (text ? JSON.parse(text) : undefined) as T;
      let code = 'internal';
      try {
        code = (JSON.parse(text) as { code: string }).code;
      } catch {
        // a proxy's page in between: its status says enough
      }
      throw new Refused(res.status, code, Number(res.headers.get('Retry-After')) || 0);
    } catch (e) {
      if (e instanceof Refused) throw e;
      throw new Refused(0, 'offline');
    } finally {
      clearTimeout(timer);
    }
  }

  config(): Promise<Config> {
    return this.#call('GET', 'config?lang=' + this.lang);
  }

  /**
   * The session in force, made when there is none or when the site names somebody
   * else. keep: he writes, so remember him before another tab asks.
   */
  session(keep = false): Promise<Session> {
    this.#starting ??= this.#oneTabAtATime(async () => {
      const old = this.memory.session();
      const who = whoIs(this.identity);
      if (old && (old.who === who || !who)) return old;
      const body = JSON.stringify({ lang: this.lang, identity: this.identity ?? undefined });
      let made: Session;
      try {
        made = await this.#call<Session>('POST', 'session', body, old?.token);
      } catch (e) {
        if (!(e instanceof Refused) || e.status !== 401 || !old) throw e;
        made = await this.#call<Session>('POST', 'session', body);
      }
      const session = { token: made.token, visitor: made.visitor, expires: made.expires, who };
      this.memory.hold(session);
      if (keep) this.memory.keep();
      return session;
    }).finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** Two tabs that write their first message at once must not become two visitors. */
  #oneTabAtATime<T>(fn: () => Promise<T>): Promise<T> {
    if (typeof navigator !== 'undefined' && navigator.locks) {
      return navigator.locks.request('holdfast:' + this.channel, fn) as Promise<T>;
    }
    return fn();
  }

  post(token: string, message: Sent): Promise<Receipt> {
    return this.#call('POST', 'messages', JSON.stringify({ ...message, lang: this.lang }), token, 30);
  }

  /** Several messages in one trip; a shorter answer means that the rest was not tried. */
  async postAll(token: string, messages: Sent[]): Promise<(Receipt & { type: string; code?: string })[]> {
    const body = JSON.stringify({ messages: messages.map((m) => ({ ...m, lang: this.lang })) });
    return (await this.#call<{ results: (Receipt & { type: string })[] }>('POST', 'messages/batch', body, token, 60)).results;
  }

  upload(token: string, name: string, file: Blob): Promise<Attached> {
    const form = new FormData();
    form.append('file', file, name);
    return this.#call('POST', 'uploads', form, token, 30 * 60);
  }

  poll(token: string, after: number, wait: number): Promise<Page> {
    return this.#call('GET', `poll?after=${after}&wait=${wait}`, undefined, token, wait + 15);
  }

  /** Mails the conversation; without an address to the one that the desk knows. It says where to. */
  async transcript(token: string, address: string): Promise<string> {
    return (await this.#call<{ to: string }>('POST', 'transcripts', JSON.stringify({ address, lang: this.lang }), token)).to;
  }

  signal(token: string, frame: object): Promise<void> {
    return this.#call('POST', 'signals', JSON.stringify(frame), token);
  }
}
