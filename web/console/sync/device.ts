import type { Client } from '../../protocol/client';
import { readPermit, type Permit, type Terms } from './permit';
import type { Room, Shelf } from './shelf';
import { openShelf } from './shelf';
import { keyFromHex, mayLock, newKey, seal, sealBytes, unreadable, unseal, unsealBytes, unwrap, unwrapWith, wrap, wrapWith, type Sealed, type Wrapped } from './vault';
import type { ID, Me } from './words';

/** What lies on the shelf: sealed, or plain where the browser gives this page no keys. */
export type Packed = { sealed: Sealed } | { plain: unknown };

/** Who used this device last, and what opens their things. */
interface Person {
  operator: ID;
  workspace: ID;
  name: string;
  /** When the desk was last heard, by this device's clock. */
  contact: number;
  /** The number up to which the kept things are whole. */
  lsn: number;
  me: Packed;
  /** The desk's leave to go on without it. */
  permit?: Permit;
  /** Missing where a PIN guards the key. */
  open?: CryptoKey;
  byPin?: Wrapped & { wrong: number };
}

/** How old a permit may become while the desk is there, and how far back a clock may be put, in milliseconds. */
const renewal = 10 * 60_000;
const slack = 3_600_000;
export const pinTries = 5;

/** none: nobody's things are here; locked: a PIN opens them; expired: only the desk does. */
export type DeviceState = 'none' | 'ready' | 'locked' | 'expired';

/**
 * What this device keeps of one person, and the key to it. The key lies here locked
 * by the desk (whoever signs in gets it) and by a PIN if there is one. It refuses to
 * open anything without the desk but for as long as a permit says that the desk signed.
 */
export class Device {
  state: DeviceState = 'none';
  person: Person | undefined;
  private key: CryptoKey | undefined;
  private granted: Permit | undefined;
  private terms: Terms | undefined;

  constructor(
    readonly shelf: Shelf = openShelf(),
    private readonly now: () => number = Date.now,
  ) {}

  /** Looks who was here. A shelf that cannot be read is an empty one. */
  async open(): Promise<DeviceState> {
    this.person = await this.shelf.get<Person>('meta', 'person').catch(() => undefined);
    const p = this.person;
    this.terms = await readPermit(p?.permit);
    if (!p) this.state = 'none';
    else if (this.tooLong()) this.state = 'expired';
    else if (p.open) {
      this.key = p.open;
      this.state = 'ready';
    } else this.state = p.byPin ? 'locked' : 'expired';
    return this.state;
  }

  /** Whether the desk has been silent for longer than it permitted. A clock that was put back counts as that: nobody can say how long it was. */
  tooLong(): boolean {
    const { person: p, terms: t } = this;
    return !p || !t || t.operator !== p.operator || t.workspace !== p.workspace || this.now() < t.from - slack || this.now() > t.until;
  }

  /** Whether the permit should be asked for anew, while the desk is there. */
  get stale(): boolean {
    return !this.terms || Math.abs(this.now() - this.terms.from) > renewal;
  }

  /** Asks the desk for what it locks this operator's things with, and for leave to go on without it. */
  async ask(client: Client, deadline: number): Promise<string> {
    const { key, permit, signer } = await client.call<Permit & { key: string }>('GET', '/me/device-key', { query: { clock: this.now() }, deadline });
    const terms = await readPermit({ permit, signer });
    if (!terms) return key;
    this.granted = { permit, signer };
    this.terms = terms;
    const p = this.person;
    if (p?.operator === terms.operator && p.workspace === terms.workspace) {
      p.permit = this.granted;
      await this.shelf.change<Person>('meta', 'person', (now) => (now && 'operator' in now && now.operator === p.operator ? { ...now, permit: p.permit } : undefined)).catch(() => {});
    }
    return key;
  }

  /** Tries a PIN; how many tries are left, or true when it was the one. The try is counted before it is made. */
  async unlock(pin: string): Promise<true | number> {
    const p = this.person;
    if (!p?.byPin || this.tooLong()) {
      this.state = 'expired';
      return 0;
    }
    p.byPin.wrong++;
    await this.write();
    try {
      this.key = await unwrapWith(p.byPin, pin);
    } catch {
      const left = pinTries - p.byPin.wrong;
      if (left <= 0) {
        p.byPin = undefined;
        this.state = 'expired';
        await this.write();
      }
      return Math.max(0, left);
    }
    p.byPin.wrong = 0;
    await this.write();
    this.state = 'ready';
    return true;
  }

  /**
   * The desk says who is signed in. deskKey is what it locks this operator's things
   * with; without one the things can be opened only on this device. The answer is
   * whether the kept things are this person's.
   */
  async welcome(me: Me, deskKey: string | undefined): Promise<boolean> {
    if (!mayLock()) return false;
    const { id, name } = me.operator;
    const same = this.person?.operator === id && this.person.workspace === me.workspace.id;
    let key = this.person?.operator === id ? this.key : undefined;
    if (deskKey) {
      const by = await keyFromHex(deskKey);
      const kept = await this.shelf.get<Wrapped>('meta', 'key:' + id);
      const full = kept ? await unwrap(kept, by).catch(() => undefined) : undefined;
      key = full ?? (await newKey());
      if (!full) await this.shelf.put('meta', 'key:' + id, await wrap(key, by), true);
    }
    key ??= await newKey();
    const whole = same && (await this.opens(key));
    if (!whole) await this.shelf.clear('items', 'threads', 'resources');
    this.key = key;
    const byPin = same ? this.person?.byPin : undefined;
    this.person = {
      operator: id, workspace: me.workspace.id, name, contact: this.now(), lsn: whole ? this.person!.lsn : 0, permit: this.granted,
      me: await this.pack(me), ...(byPin && whole ? { byPin } : { open: key.extractable ? await unreadable(key) : key }),
    };
    this.state = 'ready';
    await this.write();
    return whole;
  }

  private async opens(key: CryptoKey): Promise<boolean> {
    const kept = this.person?.me;
    return !!kept && 'sealed' in kept && unseal(key, kept.sealed).then(() => true, () => false);
  }

  async me(): Promise<Me | undefined> {
    return this.person && this.unpack<Me>(this.person.me).catch(() => undefined);
  }

  /** The desk was heard now, and everything up to this number is on the shelf. */
  async heard(lsn: number): Promise<void> {
    if (!this.person || this.state !== 'ready') return;
    const p = this.person;
    p.contact = this.now();
    p.lsn = lsn;
    // Another tab may have set a PIN meanwhile: only these two are this tab's to say.
    await this.shelf.change<Person>('meta', 'person', (now) => (now && 'operator' in now && now.operator === p.operator ? { ...now, contact: p.contact, lsn } : undefined));
  }

  get pinned(): boolean {
    return !!this.person?.byPin;
  }

  /** Guards the key with a PIN from now on, or with none. It needs the desk, which alone gives the key out as bytes. */
  async setPin(pin: string, deskKey: string): Promise<void> {
    const p = this.person;
    const kept = p && (await this.shelf.get<Wrapped>('meta', 'key:' + p.operator));
    if (!p || !kept) return;
    const key = await unwrap(kept, await keyFromHex(deskKey));
    p.byPin = pin ? { ...(await wrapWith(key, pin)), wrong: 0 } : undefined;
    p.open = pin ? undefined : await unreadable(key);
    await this.write();
  }

  /** Somebody signed out: what can be had from the desk again goes; unsent work stays sealed until its writer signs in. */
  async leave(): Promise<void> {
    this.key = undefined;
    this.person = undefined;
    this.state = 'none';
    await this.shelf.clear('items', 'threads', 'resources').catch(() => {});
    await this.shelf.remove('meta', 'person').catch(() => {});
  }

  /** Closes the things without forgetting them. */
  lock(): void {
    this.key = undefined;
    this.state = 'expired';
  }

  private async write(): Promise<void> {
    await this.shelf.put('meta', 'person', this.person, true);
  }

  /** Whether things can be kept that other places have too; what exists only here is kept in any case. */
  get keeps(): boolean {
    return this.key !== undefined;
  }

  async pack(value: unknown): Promise<Packed> {
    return this.key ? { sealed: await seal(this.key, value) } : { plain: value };
  }

  /** Throws when it is another person's. */
  async unpack<T>(p: Packed): Promise<T> {
    if ('plain' in p) return p.plain as T;
    if (!this.key) throw new Error('locked');
    return unseal<T>(this.key, p.sealed);
  }

  async packBytes(bytes: ArrayBuffer): Promise<Packed> {
    return this.key ? { sealed: await sealBytes(this.key, bytes) } : { plain: bytes };
  }

  /** Throws when they are another person's. */
  async unpackBytes(p: Packed): Promise<ArrayBuffer> {
    if ('plain' in p) return p.plain as ArrayBuffer;
    if (!this.key) throw new Error('locked');
    return unsealBytes(this.key, p.sealed);
  }

  /** Puts one value in its place, or nothing. A device that cannot keep it says nothing: the screen still has it. */
  async hold(room: Room, key: string, value: unknown): Promise<void> {
    if (value === undefined) await this.shelf.remove(room, key).catch(() => {});
    else await this.shelf.put(room, key, { s: await this.pack(value) }, true).catch(() => {});
  }

  async held<T>(room: Room, key: string): Promise<T | undefined> {
    const row = await this.shelf.get<{ s: Packed }>(room, key).catch(() => undefined);
    return row && this.unpack<T>(row.s).catch(() => undefined);
  }

  /** Everything of a room that this person may read, with its unsealed parts. */
  async read<T, R extends { s: Packed } = { s: Packed }>(room: Room, of: (row: R) => boolean = () => true): Promise<{ row: R; value: T }[]> {
    const rows = (await this.shelf.all<R>(room).catch(() => [])).filter(of);
    const opened = await Promise.all(rows.map((row) => this.unpack<T>(row.s).then((value) => ({ row, value }), () => undefined)));
    return opened.filter((x) => x !== undefined);
  }
}
