// The outbox: what a visitor writes is on his own disk before anything is sent,
// and leaves it only when the desk has said that it is on the desk's.
import type { Attached, Receipt } from './wire.ts';
import { Refused, type Api } from './api.ts';
import type { Memory } from './memory.ts';

export interface Letter {
  id: string;
  text: string;
  files: { name: string; type: string; size: number; blob: Blob; sent?: Attached }[];
  at: number; // milliseconds
  page: string;
  /** What the visitor filled in before his first message. */
  answers?: Record<string, string>;
  /** Whom it is sent as. Once known it stays, so that sending again is the same message of the same person. */
  token?: string;
  visitor?: string;
  /** Why the desk will never take it as it is. */
  refused?: string;
}

/** Where letters lie. */
export interface Shelf {
  all(): Promise<Letter[]>;
  put(letter: Letter): Promise<void>;
  drop(id: string): Promise<void>;
}

/** On disk, with strict durability: put returns when the text would survive a power cut. */
export class DiskShelf implements Shelf {
  #db: Promise<IDBDatabase>;

  constructor(name: string) {
    this.#db = new Promise((resolve, reject) => {
      const open = indexedDB.open(name, 1);
      open.onupgradeneeded = () => open.result.createObjectStore('outbox', { keyPath: 'id' });
      open.onsuccess = () => resolve(open.result);
      open.onerror = () => reject(open.error);
    });
    this.#db.catch(() => undefined); // each use reports it
  }

  async #run<T>(mode: IDBTransactionMode, fn: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const db = await this.#db;
    return new Promise((resolve, reject) => {
      const tx = db.transaction('outbox', mode, { durability: 'strict' });
      const req = fn(tx.objectStore('outbox'));
      tx.oncomplete = () => resolve(req.result);
      tx.onabort = tx.onerror = () => reject(tx.error);
    });
  }

  all = (): Promise<Letter[]> => this.#run('readonly', (s) => s.getAll() as IDBRequest<Letter[]>);
  put = async (letter: Letter): Promise<void> => void (await this.#run('readwrite', (s) => s.put(letter)));
  drop = (id: string): Promise<void> => this.#run('readwrite', (s) => s.delete(id) as IDBRequest<undefined>) as Promise<void>;
}

/** For as long as the page is open, where a browser forbids storage. */
export class PageShelf implements Shelf {
  #letters = new Map<string, Letter>();
  all = async (): Promise<Letter[]> => [...this.#letters.values()];
  put = async (letter: Letter): Promise<void> => void this.#letters.set(letter.id, structuredClone(letter));
  drop = async (id: string): Promise<void> => void this.#letters.delete(id);
}

export interface OutboxEvents {
  /** The letters that wait, oldest first, have changed. */
  changed(letters: Letter[]): void;
  /** The desk has it on disk. */
  sent(letter: Letter, receipt: Receipt): void;
  /** Whether the desk could be reached at the last try. */
  reached(yes: boolean): void;
}

const TOGETHER = 20; // messages of one request, as the desk takes them
const SMALL = 20_000; // characters of them: a request that is cut off is sent again whole

/** The letters from i on that can go in one request: no files, and one sender. */
function together(all: Letter[], i: number): Letter[] {
  const plain = (l: Letter) => l.token !== undefined && !l.files.length && !l.answers;
  const out = [all[i]!];
  let size = all[i]!.text.length;
  while (plain(all[i]!) && out.length < TOGETHER) {
    const next = all[i + out.length];
    if (!next || !plain(next) || next.token !== all[i]!.token || (size += next.text.length) > SMALL) break;
    out.push(next);
  }
  return out;
}

const byAge = (a: Letter, b: Letter): number => (a.id < b.id ? -1 : 1); // version 7 ids sort by time

export class Outbox {
  #busy = false;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #fails = 0;
  #spare = new PageShelf();
  #tabs: BroadcastChannel | undefined;

  constructor(
    private readonly api: Api,
    private readonly memory: Memory,
    private readonly shelf: Shelf,
    private readonly on: OutboxEvents,
  ) {
    if (typeof BroadcastChannel !== 'undefined') {
      this.#tabs = new BroadcastChannel('holdfast:' + api.channel);
      this.#tabs.onmessage = () => void this.#tell();
    }
  }

  /** Everything that waits, oldest first. */
  async letters(): Promise<Letter[]> {
    const spare = await this.#spare.all();
    let kept: Letter[] = [];
    try {
      kept = await this.shelf.all();
    } catch {
      // no disk: the page's own shelf has what there is
    }
    return [...kept, ...spare.filter((s) => !kept.some((k) => k.id === s.id))].sort(byAge);
  }

  /** Resolves once the letter is on disk, or on the page's shelf where there is no disk. */
  async add(letter: Letter): Promise<void> {
    await this.#put(letter);
    this.#shout();
    await this.#tell();
    void this.flush();
  }

  async discard(id: string): Promise<void> {
    await this.#drop(id);
    this.#shout();
    await this.#tell();
  }

  /** Tries again what the desk refused, for the visitor who asks for it. */
  async retry(id: string): Promise<void> {
    const letter = (await this.letters()).find((l) => l.id === id);
    if (!letter) return;
    delete letter.refused;
    await this.#put(letter);
    await this.#tell();
    void this.flush();
  }

  /** Sends what waits, oldest first, one after the other. Calls overlap without harm. */
  async flush(): Promise<void> {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    clearTimeout(this.#timer);
    try {
      do {
        this.#again = false;
        const all = (await this.letters()).filter((l) => !l.refused);
        for (let i = 0; i < all.length; ) {
          // Who writes is settled before several go together; one alone does it under #send's care.
          if (all.length > i + 1) for (const l of all.slice(i, i + TOGETHER)) if (!l.token) await this.#adopt(l);
          const some = together(all, i);
          if (some.length > 1) await this.#sendAll(some);
          else await this.#send(all[i]!);
          i += some.length;
        }
      } while (this.#again);
      this.#fails = 0;
    } catch (e) {
      const wait = e instanceof Refused ? e.wait : 0;
      this.on.reached(!(e instanceof Refused && e.status === 0));
      const pause = Math.max(wait * 1000, Math.min(60_000, 1000 * 2 ** this.#fails++) * (0.5 + Math.random() / 2));
      this.#timer = setTimeout(() => void this.flush(), pause);
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#tabs?.close();
  }

  async #adopt(letter: Letter): Promise<string> {
    const s = await this.api.session(true);
    this.memory.keep();
    [letter.token, letter.visitor] = [s.token, s.visitor];
    await this.#put(letter);
    await this.#tell();
    return s.token;
  }

  /** Sends several in one trip. What the desk does not take as it is goes through #send, which knows what to do. */
  async #sendAll(letters: Letter[]): Promise<void> {
    let results: Awaited<ReturnType<Api['postAll']>>;
    try {
      results = await this.api.postAll(letters[0]!.token!, letters.map((l) => ({ id: l.id, text: l.text, attachments: [], page: l.page })));
    } catch (e) {
      if (!(e instanceof Refused) || e.passing) throw e;
      for (const l of letters) await this.#send(l);
      return;
    }
    this.on.reached(true);
    for (const [i, l] of letters.entries()) {
      const r = results[i];
      if (r?.type === 'ok') {
        this.on.sent(l, r);
        await this.#drop(l.id);
      } else await this.#send(l);
    }
    this.#shout();
    await this.#tell();
  }

  /** Sends one letter; throws what may pass, and notes on the letter what will not. */
  async #send(letter: Letter): Promise<void> {
    for (let renewed = false; ; renewed = true) {
      try {
        const token = letter.token ?? (await this.#adopt(letter));
        const ids: string[] = [];
        for (const f of letter.files) {
          if (!f.sent) {
            f.sent = await this.api.upload(token, f.name, f.blob);
            await this.#put(letter); // an upload that has come through is not repeated
          }
          ids.push(f.sent.id!);
        }
        const receipt = await this.api.post(token, { id: letter.id, text: letter.text, attachments: ids, page: letter.page, answers: letter.answers });
        this.on.reached(true);
        this.on.sent(letter, receipt);
        await this.#drop(letter.id);
        this.#shout();
        await this.#tell();
        return;
      } catch (e) {
        if (!(e instanceof Refused) || e.passing) throw e;
        if (e.status === 401 && !renewed && letter.token) {
          // The token is no longer good: send it as who he is now.
          if (this.memory.session()?.token === letter.token) this.memory.forget();
          delete letter.token;
          letter.files.forEach((f) => delete f.sent); // uploads belong to whom they were made by
          continue;
        }
        letter.refused = e.code;
        await this.#put(letter);
        await this.#tell();
        return;
      }
    }
  }

  async #put(letter: Letter): Promise<void> {
    try {
      await this.shelf.put(letter);
      await this.#spare.drop(letter.id);
    } catch {
      await this.#spare.put(letter);
    }
  }

  async #drop(id: string): Promise<void> {
    await this.#spare.drop(id);
    await this.shelf.drop(id).catch(() => undefined); // then it is sent once more, under the same id
  }

  async #tell(): Promise<void> {
    this.on.changed(await this.letters());
  }

  #shout(): void {
    this.#tabs?.postMessage(0);
  }
}
