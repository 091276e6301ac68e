// What the desk tells, in order and by number: over WebSocket, or server-sent
// events where that is blocked, or long-poll where both are. Whatever breaks, it
// comes back with the last number it has.
import type { Frame, Item } from './wire.ts';
import { Refused, type Api } from './api.ts';

export type Link = 'connecting' | 'live' | 'offline';

export interface StreamEvents {
  item(item: Item): void;
  typing(name: string): void;
  seen(n: number): void;
  link(state: Link): void;
  /** The token is no longer good; resolves when there is another. */
  denied(): Promise<void>;
}

/** How one transport ended: it had worked, or never came up. */
type Ending = 'broke' | 'blocked';

export interface Net {
  WebSocket: typeof WebSocket | undefined;
  EventSource: typeof EventSource | undefined;
}

export const SILENCE = 46_000; // milliseconds: two heartbeats of 20 s and some
const OPENING = 7_000; // to come up, before the next transport is tried
const BRIEF = 3_000; // a life so short, three times in a row, counts as blocked
const POLLING = 5 * 60_000; // how long to stay with long-poll before trying better again

export class Stream {
  after = 0;
  #on: StreamEvents;
  #stopped = true;
  #run = 0; // counts starts, so that an old loop knows that it is over
  #end: ((how: Ending) => void) | undefined;
  #send: ((frame: object) => void) | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #ack: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;
  #up = false;
  #fails = 0;
  #link: Link | '' = '';

  constructor(
    private readonly api: Api,
    private readonly token: () => string | undefined,
    on: StreamEvents,
    private readonly net: Net = globalThis as unknown as Net,
  ) {
    this.#on = on;
  }

  get running(): boolean {
    return !this.#stopped;
  }

  start(): void {
    if (!this.#stopped) return this.nudge();
    this.#stopped = false;
    void this.#loop(++this.#run);
  }

  stop(): void {
    this.#stopped = true;
    this.nudge();
    this.#end?.('broke');
    clearTimeout(this.#ack);
  }

  /** Something suggests that the network is back: do not sit the pause out. */
  nudge(): void {
    this.#wake?.();
  }

  /** Begins again with who he is now. */
  restart(): void {
    this.#end?.('broke');
    this.nudge();
  }

  /** Says a thing of the moment; it is worth no second try. */
  say(frame: object): void {
    const token = this.token();
    if (this.#send) this.#send(frame);
    else if (token) this.api.signal(token, frame).catch(() => undefined);
  }

  async #loop(run: number): Promise<void> {
    const ways = [() => this.#socket(), () => this.#events(), () => this.#poll()];
    const over = () => this.#stopped || run !== this.#run;
    let way = 0;
    let short = 0;
    while (!over()) {
      this.#set(this.#link === 'offline' ? 'offline' : 'connecting');
      const since = Date.now();
      let ending: Ending = 'blocked';
      try {
        ending = await ways[way]!();
      } catch (e) {
        if (over()) return;
        if (e instanceof Refused && e.status === 401) await this.#on.denied().catch(() => undefined);
        this.#set('offline');
        way = -1; // the last way fails, too: it is the network or the desk
      }
      if (over()) return;
      // A proxy that lets the beginning through and cuts the rest is as good as a wall.
      short = ending === 'broke' && way < 2 && Date.now() - since < BRIEF ? short + 1 : 0;
      if (short > 2) {
        short = 0;
        ending = 'blocked';
      }
      if (ending === 'broke') {
        if (way === 2) way = 0; // polling ends by itself, to look for better
        this.#fails = 0;
        await this.#pause(300 + Math.random() * 700); // a desk that restarts is not stormed
      } else if (++way === 0) {
        await this.#pause(Math.min(30_000, 500 * 2 ** this.#fails++) * (0.5 + Math.random() / 2));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #set(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#on.link(link);
  }

  /** One transport's life: comes up in time or is blocked, then breaks or falls silent. */
  #life(begin: (up: () => void, end: () => void) => () => void): Promise<Ending> {
    return new Promise((resolve) => {
      this.#up = false;
      let stop: (() => void) | undefined;
      let over = false;
      const end = (how?: Ending) => {
        if (over) return;
        over = true;
        clearTimeout(this.#silence);
        this.#end = this.#send = undefined;
        stop?.();
        resolve(how ?? (this.#up ? 'broke' : 'blocked'));
      };
      this.#end = end;
      this.#silence = setTimeout(end, OPENING);
      stop = begin(
        () => {
          this.#up = true;
          this.#heard();
          this.#set('live');
        },
        () => end(),
      );
      if (over) stop();
    });
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#end?.('broke'), SILENCE);
  }

  #address(path: string): string {
    return `${this.api.url}${path}?after=${this.after}&token=${encodeURIComponent(this.token() ?? '')}`;
  }

  #socket(): Promise<Ending> {
    if (!this.net.WebSocket) return Promise.resolve('blocked');
    return this.#life((up, end) => {
      let ws: WebSocket;
      try {
        ws = new this.net.WebSocket!(this.#address('ws').replace(/^http/, 'ws'));
      } catch {
        queueMicrotask(end); // the page's policy forbids it
        return () => undefined;
      }
      ws.onopen = () => {
        this.#send = (f) => ws.send(JSON.stringify(f));
        up();
      };
      ws.onmessage = (e) => this.#take(String(e.data));
      ws.onclose = ws.onerror = end;
      return () => {
        ws.onopen = ws.onmessage = ws.onclose = ws.onerror = null;
        ws.close();
      };
    });
  }

  #events(): Promise<Ending> {
    if (!this.net.EventSource) return Promise.resolve('blocked');
    return this.#life((up, end) => {
      const es = new this.net.EventSource!(this.#address('events'));
      es.onopen = up;
      es.onmessage = (e) => this.#take(String(e.data));
      es.onerror = end; // we come back ourselves, with our own number
      return () => {
        es.onopen = es.onmessage = es.onerror = null;
        es.close();
      };
    });
  }

  async #poll(): Promise<Ending> {
    const since = Date.now();
    const run = this.#run;
    for (let wait = 0; run === this.#run && !this.#stopped && Date.now() - since < POLLING; wait = 25) {
      const token = this.token();
      if (!token) throw new Refused(401, 'chat.token_missing');
      const page = await this.api.poll(token, this.after, wait);
      this.#set('live');
      page.items.forEach((item) => this.#item(item));
      if (page.typing) this.#on.typing(page.typing);
      if (page.seen) this.#on.seen(page.seen);
    }
    return 'broke';
  }

  #take(data: string): void {
    this.#heard();
    let f: Frame;
    try {
      f = JSON.parse(data) as Frame;
    } catch {
      return; // not ours
    }
    if (f.type === 'ping') this.#send?.({ type: 'pong' });
    else if (f.type === 'item' && f.item) this.#item(f.item);
    else if (f.type === 'typing') this.#on.typing(f.name ?? '');
    else if (f.type === 'seen' && f.n) this.#on.seen(f.n);
  }

  #item(item: Item): void {
    if (item.n <= this.after) return; // seen before the line broke
    this.after = item.n;
    this.#on.item(item);
    clearTimeout(this.#ack);
    this.#ack = setTimeout(() => this.say({ type: 'ack', n: this.after }), 250);
  }
}
