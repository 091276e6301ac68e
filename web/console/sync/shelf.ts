/** The rooms of what this device keeps. Work, its files and drafts are the only ones that exist nowhere else. */
export type Room = 'meta' | 'items' | 'threads' | 'resources' | 'work' | 'drafts' | 'files';

export const rooms: Room[] = ['meta', 'items', 'threads', 'resources', 'work', 'drafts', 'files'];

/** What of the database of a browser this program needs. Values are structured clones. */
export interface Shelf {
  get<T>(room: Room, key: string): Promise<T | undefined>;
  /** Everything of a room; of "work" in the order in which it was put there. */
  all<T>(room: Room): Promise<T[]>;
  /** With strict, the promise is kept only when the disk has it. */
  put(room: Room, key: string, value: unknown, strict?: boolean): Promise<void>;
  /** Puts many in their places in one step; where something stands that keeps says to keep, it stays. */
  putAll<T>(room: Room, values: [key: string, value: T][], keeps?: (now: T, next: T) => boolean): Promise<void>;
  /** Changes a value in one step that no other tab can come between; undefined leaves things as they are. */
  change<T>(room: Room, key: string, how: (now: T | undefined, last: T | undefined) => T | undefined): Promise<void>;
  remove(room: Room, ...keys: string[]): Promise<void>;
  clear(...rooms: Room[]): Promise<void>;
}

/** A shelf for a browser that has none, and for tests: it lives as long as the page. */
export class MemoryShelf implements Shelf {
  private readonly kept = new Map<Room, Map<string, unknown>>(rooms.map((r) => [r, new Map()]));

  private room = (r: Room): Map<string, unknown> => this.kept.get(r)!;

  async get<T>(room: Room, key: string): Promise<T | undefined> {
    return this.room(room).get(key) as T | undefined;
  }
  async all<T>(room: Room): Promise<T[]> {
    return sorted([...this.room(room).values()] as T[]);
  }
  async put(room: Room, key: string, value: unknown): Promise<void> {
    this.room(room).set(key, value);
  }
  async putAll<T>(room: Room, values: [string, T][], keeps?: (now: T, next: T) => boolean): Promise<void> {
    const there = this.room(room) as Map<string, T>;
    for (const [key, value] of values) if (!there.has(key) || !keeps?.(there.get(key)!, value)) there.set(key, value);
  }
  async change<T>(room: Room, key: string, how: (now: T | undefined, last: T | undefined) => T | undefined): Promise<void> {
    const value = how(this.room(room).get(key) as T | undefined, sorted([...this.room(room).values()] as T[]).at(-1));
    if (value !== undefined) this.room(room).set(key, value);
  }
  async remove(room: Room, ...keys: string[]): Promise<void> {
    for (const key of keys) this.room(room).delete(key);
  }
  async clear(...which: Room[]): Promise<void> {
    for (const r of which) this.room(r).clear();
  }
}

/** Numbered values in the order of their numbers. */
function sorted<T>(values: T[]): T[] {
  return values.sort((a, b) => ((a as { n?: number }).n ?? 0) - ((b as { n?: number }).n ?? 0));
}

/** The browser's own database. It is opened when it is first needed. */
export class DiskShelf implements Shelf {
  private opened: Promise<IDBDatabase> | undefined;

  constructor(private readonly name = 'holdfast') {}

  private open(): Promise<IDBDatabase> {
    return (this.opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 2);
      request.onupgradeneeded = () => {
        for (const r of rooms) if (!request.result.objectStoreNames.contains(r)) request.result.createObjectStore(r);
      };
      request.onsuccess = () => {
        const db = request.result;
        // A newer build in another tab changes the shape: this one must not stand in its way.
        db.onversionchange = () => {
          db.close();
          this.opened = undefined;
        };
        db.onclose = () => (this.opened = undefined);
        resolve(db);
      };
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error('another tab holds an older database open'));
    }));
  }

  private async run<T>(which: Room[], mode: IDBTransactionMode, strict: boolean, work: (store: (r: Room) => IDBObjectStore, done: (value: T) => void) => void): Promise<T | undefined> {
    const db = await this.open();
    return new Promise((resolve, reject) => {
      let value: T | undefined;
      const tx = db.transaction(which, mode, { durability: strict ? 'strict' : 'default' });
      tx.oncomplete = () => resolve(value);
      tx.onabort = () => reject(tx.error ?? new Error('the browser gave the transaction up'));
      work((r) => tx.objectStore(r), (v) => (value = v));
    });
  }

  get<T>(room: Room, key: string): Promise<T | undefined> {
    return this.run<T>([room], 'readonly', false, (store, done) => {
      const r = store(room).get(key);
      r.onsuccess = () => done(r.result as T);
    });
  }
  async all<T>(room: Room): Promise<T[]> {
    const found = await this.run<T[]>([room], 'readonly', false, (store, done) => {
      const r = store(room).getAll();
      r.onsuccess = () => done(r.result as T[]);
    });
    return sorted(found ?? []);
  }
  async put(room: Room, key: string, value: unknown, strict = false): Promise<void> {
    await this.run([room], 'readwrite', strict, (store) => store(room).put(value, key));
  }
  async putAll<T>(room: Room, values: [string, T][], keeps?: (now: T, next: T) => boolean): Promise<void> {
    if (!values.length) return;
    await this.run([room], 'readwrite', false, (store) => {
      for (const [key, value] of values) {
        const now = store(room).get(key);
        now.onsuccess = () => {
          if (now.result === undefined || !keeps?.(now.result as T, value)) store(room).put(value, key);
        };
      }
    });
  }
  async change<T>(room: Room, key: string, how: (now: T | undefined, last: T | undefined) => T | undefined): Promise<void> {
    await this.run([room], 'readwrite', true, (store) => {
      const r = store(room).getAll();
      const now = store(room).get(key);
      now.onsuccess = () => {
        const value = how(now.result as T | undefined, sorted(r.result as T[]).at(-1));
        if (value !== undefined) store(room).put(value, key);
      };
    });
  }
  async remove(room: Room, ...keys: string[]): Promise<void> {
    await this.run([room], 'readwrite', true, (store) => keys.forEach((k) => store(room).delete(k)));
  }
  async clear(...which: Room[]): Promise<void> {
    await this.run(which, 'readwrite', true, (store) => which.forEach((r) => store(r).clear()));
  }
}

/** The shelf of this browser. */
export const openShelf = (): Shelf => (typeof indexedDB === 'undefined' ? new MemoryShelf() : new DiskShelf());
