// What the browser remembers of a visitor between two pages. Nothing is written
// before his first message, except the draft that he is typing himself.

export interface Session {
  token: string;
  visitor: string;
  expires: string;
  who: string; // which identity of the site it was made for; "" for none
}

interface Kept extends Partial<Session> {
  read?: number; // the last number he has seen
  seen?: number; // the last number of his that an operator has seen
  reach?: Reach;
  mute?: boolean;
}

/** Numbers that work when the desk is not reached. */
export interface Reach {
  phone: string;
  sms: string;
}

export interface Drawer {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class Memory {
  #held: Session | undefined; // of this page only, until something is kept
  #drawer: Drawer | undefined;
  #key: string;

  constructor(channel: string, drawer?: Drawer) {
    this.#key = 'holdfast:' + channel;
    try {
      this.#drawer = drawer ?? localStorage;
    } catch {
      // a page that forbids storage still has a chat, for as long as it is open
    }
  }

  #load(): Kept {
    try {
      return JSON.parse(this.#drawer?.getItem(this.#key) ?? '{}') as Kept;
    } catch {
      return {};
    }
  }

  #save(change: Kept): void {
    try {
      this.#drawer?.setItem(this.#key, JSON.stringify({ ...this.#load(), ...change }));
    } catch {
      // full or forbidden: this page goes on with what it holds
    }
  }

  /** The session of this visitor. Another tab's is as good, so storage is read each time. */
  session(now = Date.now()): Session | undefined {
    const kept = this.#load();
    const s = kept.token ? (kept as Session) : this.#held;
    return s && Date.parse(s.expires) > now ? s : undefined;
  }

  /** Whether the visitor has written before. */
  get known(): boolean {
    return this.#load().token !== undefined;
  }

  hold(s: Session): void {
    this.#held = s;
    if (this.known) this.#save(s);
  }

  /** The first message is on its way: from now on he is remembered. */
  keep(): void {
    if (this.#held && this.#load().token !== this.#held.token) this.#save(this.#held);
  }

  forget(): void {
    this.#held = undefined;
    this.#drawer?.removeItem(this.#key);
  }

  get read(): number {
    return this.#load().read ?? 0;
  }
  set read(n: number) {
    if (this.known && n > this.read) this.#save({ read: n });
  }
  get seen(): number {
    return this.#load().seen ?? 0;
  }
  set seen(n: number) {
    if (this.known && n > this.seen) this.#save({ seen: n });
  }

  get reach(): Reach | undefined {
    return this.#load().reach;
  }
  set reach(r: Reach) {
    if (this.known) this.#save({ reach: r });
  }

  #mute?: boolean; // of this page, while nothing is kept
  get mute(): boolean {
    return this.#mute ?? this.#load().mute ?? false;
  }
  set mute(yes: boolean) {
    this.#mute = yes;
    if (this.known) this.#save({ mute: yes });
  }

  get draft(): string {
    return this.#drawer?.getItem(this.#key + ':draft') ?? '';
  }
  set draft(text: string) {
    try {
      if (text) this.#drawer?.setItem(this.#key + ':draft', text);
      else this.#drawer?.removeItem(this.#key + ':draft');
    } catch {
      // full: the text is still in the field
    }
  }
}
