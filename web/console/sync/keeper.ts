import type { Client } from '../../protocol/client';
import { byClock, emptyThread, itemOf, setThread } from './apply';
import type { Device, Packed } from './device';
import { find, type KeptThread } from './find';
import type { Store } from './store';
import type { Conversation, ConversationPage, Customer, ID, List, Message, TimelineItem } from './words';

/** A row says up to which number of the desk's its tab had heard when it was packed. */
interface Row { id: ID; s: Packed; upto?: number }
interface ItemRow extends Row { clock: string; mentioned?: boolean }
type KeptConversation = ConversationPage & { messages: Message[]; earlier: boolean };
interface Kept { messages: Message[]; events: TimelineItem[]; page?: ConversationPage; earlier: boolean }

/** Bounds of what is kept. */
export const most = 500;
const span = 30 * 86_400_000;
const perThread = 200;
/** How many conversations are fetched by one request. */
const atOnce = 50;

/** Resources that the inbox needs and that change rarely. */
const worthKeeping = /^\/(operators|teams|channels|channel-kinds|tags|canned-replies|macros|views|fields|banners|customers)([/?]|$)|^\/continuity$/;
/** What a screen asks for every two seconds is written more seldom, in milliseconds. */
const seldom: Record<string, number> = { '/continuity': 10_000 };

const alive = (c: Conversation): boolean => c.state !== 'resolved' && c.state !== 'closed';

/** Another tab knew more when it wrote this: who is slow must not put an older state over it. */
const ahead = (now: Row, next: Row): boolean => (now.upto ?? 0) > (next.upto ?? 0);

/** The clock of the last thing that was said to or by the customer. */
const newest = (messages: Message[]): string => messages.findLast((m) => m.clock && m.direction !== 'note')?.clock ?? '';

/**
 * Keeps the open conversations, their messages of thirty days, and what the inbox
 * needs besides, on this device. It writes what the screen learns a moment after it
 * does, and fetches in the background what the screen has not asked for. It refuses
 * to grow: the oldest that is done goes first.
 */
export class Keeper {
  private dirty = new Set<ID>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private writing: Promise<void> = Promise.resolve();
  private clocks = new Map<ID, string>();
  private wrote = new Map<string, number>();
  private filling: AbortController | undefined;
  private refill = false;
  /** The number up to which the screen has everything; 0 while the desk is not heard. */
  upto = 0;
  /** Who is here, and in which of the kept conversations a note means them. */
  me: ID = '';
  readonly mentioned = new Set<ID>();

  constructor(
    private readonly client: Client,
    private readonly store: Store,
    private readonly device: Device,
    private readonly now: () => number = Date.now,
  ) {
    store.onChanged = (topics) => this.note(topics);
  }

  /** Puts what is kept before the screen. */
  async restore(): Promise<{ resources: [string, unknown][] }> {
    const [items, resources] = await Promise.all([this.device.read<Conversation, ItemRow>('items'), this.device.read<[string, unknown]>('resources')]);
    for (const { row, value } of items) {
      this.store.conversations.set(row.id, value);
      this.clocks.set(row.id, row.clock);
      if (row.mentioned) this.mentioned.add(row.id);
    }
    this.store.changed('conversations');
    return { resources: resources.map((r) => r.value) };
  }

  /** The messages of a conversation as they were when the desk was last heard. */
  async thread(id: ID): Promise<boolean> {
    const row = await this.device.shelf.get<{ s: Packed }>('threads', id).catch(() => undefined);
    const kept = row && (await this.device.unpack<Kept>(row.s).catch(() => undefined));
    if (!kept || this.store.threads.get(id)?.loaded) return false;
    if (kept.page && !this.store.pages.has(id)) this.store.pages.set(id, { ...kept.page, ...this.store.conversations.get(id), draft: undefined as never });
    const local = this.store.threads.get(id)?.messages.filter((m) => m.local) ?? [];
    setThread(this.store, id, { ...emptyThread, messages: [...kept.messages, ...local], events: kept.events, earlier: kept.earlier, loaded: true });
    this.store.changed('conversation:' + id);
    return true;
  }

  /** Keeps a resource that was fetched. */
  resource(path: string, data: unknown): void {
    if (!this.device.keeps || !worthKeeping.test(path) || /[?&](q|cursor|before)=/.test(path)) return;
    if (this.now() - (this.wrote.get(path) ?? 0) < (seldom[path] ?? 0)) return;
    this.wrote.set(path, this.now());
    void this.device.pack([path, data]).then((s) => this.device.shelf.put('resources', path, { s })).catch(() => {});
  }

  /** What this device can answer itself when the desk cannot. */
  async answer(path: string): Promise<unknown> {
    const [name, query] = path.split('?');
    const q = new URLSearchParams(query).get('q') ?? '';
    if (name !== '/search' && !name!.startsWith('/customers')) return undefined;
    const threads = await this.threads();
    if (name === '/search') return find(q, this.store.conversations, threads);
    const people = new Map(threads.flatMap((t) => (t.person ? [[t.person.id, t.person] as [ID, Customer]] : [])));
    const [, , id, what] = name!.split('/');
    if (!id) {
      const hits = q ? new Set(find(q, new Map(), threads).customers.map((c) => c.customer)) : undefined;
      return { items: [...people.values()].filter((p) => !hits || hits.has(p.id)), next: '' };
    }
    if (what === 'conversations') return { items: [...this.store.conversations.values()].filter((c) => c.customer?.id === id), next: '' };
    return what ? undefined : people.get(id);
  }

  private async threads(): Promise<KeptThread[]> {
    const kept = new Map((await this.device.read<Kept, { id: ID; s: Packed }>('threads')).map(({ row, value }): [ID, KeptThread] => [row.id, { id: row.id, messages: value.messages, person: value.page?.person }]));
    for (const [id, t] of this.store.threads) if (t.loaded) kept.set(id, { id, messages: t.messages, person: this.store.pages.get(id)?.person ?? kept.get(id)?.person });
    return [...kept.values()];
  }

  private note(topics: string[]): void {
    if (!this.device.keeps) return;
    for (const t of topics) {
      const [what, id] = t.split(':');
      if (id && (what === 'conversation' || what === 'thread')) this.dirty.add(id);
    }
    if (this.dirty.size && !this.timer) this.timer = setTimeout(() => void this.write().catch(() => {}), 600);
  }

  /** Writes what the screen learned since the last time; one writing ends before the next begins. */
  write(): Promise<void> {
    return (this.writing = this.writing.catch(() => {}).then(() => this.writeNow()));
  }

  private async writeNow(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ids = [...this.dirty];
    this.dirty.clear();
    const upto = this.upto;
    const threads: [ID, Row][] = [];
    const items: [ID, ItemRow][] = [];
    const last = [...new Set([...this.clocks.keys(), ...ids])].map((id) => this.rank(id)).sort((a, b) => b - a)[most - 1] ?? 0;
    for (const id of ids) {
      const c = this.store.conversations.get(id);
      if (!c || !c.number || !this.device.keeps) continue;
      const t = this.store.threads.get(id);
      const heard = this.store.lsn;
      // A list of thousands was scrolled through: what would be the first to go is not kept at all.
      if (!this.clocks.has(id) && (this.rank(id) < last || (!alive(c) && !t?.loaded))) continue;
      if (t?.loaded) threads.push([id, await this.packThread(id, t.messages.filter((m) => !m.local), t.events, this.store.pages.get(id), t.earlier, heard)]);
      // Whose messages are older than the last one seen in the list is fetched by fill.
      const clock = t?.loaded ? newest(t.messages) : (this.clocks.get(id) ?? '');
      this.clocks.set(id, clock);
      items.push([id, { id, clock, mentioned: this.mentioned.has(id), s: await this.device.pack(c), upto: heard }]);
    }
    if (!this.device.keeps) return;
    await Promise.all([this.device.shelf.putAll('threads', threads, ahead), this.device.shelf.putAll('items', items, ahead)]);
    await this.evict();
    if (this.device.keeps && upto) await this.device.heard(upto);
  }

  private async packThread(id: ID, messages: Message[], events: TimelineItem[], page: ConversationPage | undefined, earlier: boolean, upto: number): Promise<Row> {
    const from = this.now() - span;
    const recent = messages.filter((m, i) => i >= messages.length - perThread && (Date.parse(m.at) > from || i >= messages.length - 20));
    for (const m of recent) this.noted(id, m.mentions);
    const kept: Kept = { messages: recent, events: events.slice(-perThread), page, earlier: earlier || recent.length < messages.length };
    return { id, s: await this.device.pack(kept), upto };
  }

  /** What is greater stays longer. */
  private rank(id: ID): number {
    const c = this.store.conversations.get(id);
    return c ? Date.parse(c.last_at) + (alive(c) ? 1e14 : 0) : 0;
  }

  /** A note in this conversation mentions these. */
  noted(id: ID, mentions: unknown): void {
    if (this.me && Array.isArray(mentions) && mentions.includes(this.me)) this.mentioned.add(id);
  }

  /** A conversation is part of another from now on. */
  gone(id: ID): void {
    this.clocks.delete(id);
    this.mentioned.delete(id);
    void Promise.all([this.device.shelf.remove('items', id), this.device.shelf.remove('threads', id)]).catch(() => {});
  }

  private async evict(): Promise<void> {
    if (this.clocks.size <= most) return;
    const gone = [...this.clocks.keys()].sort((a, b) => this.rank(b) - this.rank(a)).slice(most);
    for (const id of gone) this.clocks.delete(id);
    await this.device.shelf.remove('items', ...gone);
    await this.device.shelf.remove('threads', ...gone);
  }

  /** The desk counts from an earlier number: what was heard of it before is no measure any more. */
  async anew(): Promise<void> {
    this.clocks.clear();
    this.upto = 0;
    await this.writing.catch(() => {});
    await this.device.shelf.clear('items', 'threads');
  }

  /** Forgets what it was about to write and to fetch; the device has its own way to forget. */
  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.filling?.abort();
    this.filling = undefined;
    this.dirty.clear();
    this.clocks.clear();
    this.wrote.clear();
    this.mentioned.clear();
  }

  /** Fetches what is open and not kept yet; one tab does it, gently. */
  async fill(keep: (items: Conversation[]) => void): Promise<void> {
    if (!this.device.keeps) return;
    if (this.filling) {
      this.refill = true;
      return;
    }
    const filling = (this.filling = new AbortController());
    const work = () => this.fetchOpen(keep, filling.signal).catch(() => {});
    const locks = globalThis.navigator?.locks;
    do {
      this.refill = false;
      if (locks) await locks.request('holdfast.fill', { ifAvailable: true }, (lock) => lock && work());
      else await work();
    } while (this.refill && !filling.signal.aborted);
    if (this.filling === filling) this.filling = undefined;
  }

  private async fetchOpen(keep: (items: Conversation[]) => void, signal: AbortSignal): Promise<void> {
    const seen = new Map<ID, Conversation>();
    for (const view of ['open', 'waiting', 'snoozed']) {
      let cursor = '';
      do {
        const page = await this.client.get<List<Conversation>>('/conversations', { view, limit: 100, cursor }, signal);
        keep(page.items);
        for (const c of page.items) seen.set(c.id, c);
        cursor = page.next ?? '';
      } while (cursor && seen.size < most);
    }
    // What was open here and is in none of these lists was closed while nobody looked.
    const closed = [...this.clocks.keys()].filter((id) => !seen.has(id) && alive(this.store.conversations.get(id) ?? ({ state: 'closed' } as Conversation)));
    const news = [...seen.values()].slice(0, most).filter((c) => this.clocks.get(c.id) !== c.last_clock).map((c) => c.id);
    const wanted = [...closed, ...news].filter((id) => !this.store.threads.get(id)?.loaded);
    for (let i = 0; i < wanted.length; i += atOnce) {
      if (i) await new Promise((r) => setTimeout(r, 100));
      if (signal.aborted || !this.device.keeps) return;
      await this.fetchThreads(wanted.slice(i, i + atOnce), keep, signal);
    }
  }

  /** Fetches conversations with their messages, many at once. */
  private async fetchThreads(ids: ID[], keep: (items: Conversation[]) => void, signal: AbortSignal): Promise<void> {
    const heard = this.store.lsn;
    const { items } = await this.client.get<List<KeptConversation>>('/device/conversations', { ids: ids.join(',') }, signal);
    const threads: [ID, Row][] = [];
    const fresh: Conversation[] = [];
    for (const { messages, earlier, ...rest } of items) {
      const page = rest as unknown as ConversationPage;
      threads.push([page.id, await this.packThread(page.id, messages.sort(byClock), [], page, earlier, heard)]);
      this.clocks.set(page.id, newest(messages));
      fresh.push(itemOf(page));
    }
    if (!this.device.keeps) return;
    await this.device.shelf.putAll('threads', threads, ahead);
    keep(fresh);
    // Those that are as they were are written all the same: their messages are here now.
    this.note(fresh.map((c) => 'conversation:' + c.id));
  }
}
