import type { Client } from '../../protocol/client';
import { emptyThread, isEvent, itemOf, putMessages, setThread } from './apply';
import type { Listing, Store } from './store';
import { readFilter } from './matches';
import { asFault, type Conversation, type ConversationPage, type Counts, type Fault, type ID, type List, type Message, type TimelineItem, type ViewFilter } from './words';

/** How many conversations stay ready with their messages; the device gives the others back in a moment. */
const opened = 16;

/** A call that runs at once when it was quiet and at most once per pause when it is not. */
export function throttled(pause: number, run: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  const go = async () => {
    again = false;
    try {
      await run();
    } finally {
      timer = setTimeout(() => {
        timer = undefined;
        if (again) start(0);
      }, pause);
    }
  };
  const start = (delay: number) => {
    if (timer) again = true;
    else timer = setTimeout(() => void go(), delay);
  };
  return () => start(40);
}

export const listingKey = (query: Record<string, string>): string =>
  Object.entries(query)
    .filter(([, v]) => v)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}=${v}`)
    .join('&');

/** Fetches lists, pages and threads into the store. */
export class Fetching {
  /** Brings the lists that are looked at, and the counts, up to date. */
  readonly refreshLists: () => void;
  /** What waits on this device lies over what the desk says. */
  over: <C extends Conversation>(c: C) => C = (c) => c;
  /** What this device has of a list, of the counts and of a thread; nothing where it keeps nothing. */
  kept: {
    list: (query: Record<string, string>) => ID[] | undefined; counts: () => Counts | undefined; thread: (id: ID) => Promise<boolean>;
    order: (query: Record<string, string>) => ViewFilter['order']; gone: (id: ID) => void;
    /** Whether the desk is known to be away: then nothing waits for its answer. */
    away: () => boolean;
  } = { list: () => undefined, counts: () => undefined, thread: async () => false, order: () => undefined, gone: () => {}, away: () => false };
  /** Told when the lists are being brought up to date. */
  onLists: () => void = () => {};


  constructor(
    private readonly client: Client,
    private readonly store: Store,
  ) {
    this.refreshLists = throttled(900, async () => {
      this.onLists();
      await Promise.all([this.counts(), ...store.topics('listing:').map((t) => this.head(t.slice('listing:'.length)))]);
    });
  }

  /** Everything that is looked at, anew: after a reset or a long absence. */
  async everything(): Promise<void> {
    const { store } = this;
    for (const key of store.listings.keys()) if (!store.watched('listing:' + key)) store.listings.delete(key);
    for (const id of [...store.threads.keys()]) if (!store.watched('thread:' + id)) store.threads.delete(id);
    this.refreshLists();
    await Promise.all([...store.threads.keys()].flatMap((id) => [this.page(id), this.thread(id, true)]));
  }

  async counts(): Promise<void> {
    if (this.kept.away()) this.localCounts();
    try {
      this.store.counts = await this.client.get<Counts>('/conversations/counts');
      this.store.changed('counts');
    } catch {
      // The numbers are then those of this device; the connection's own banner says that they may be old.
      this.localCounts();
    }
  }

  localCounts(): void {
    const counts = this.kept.counts();
    if (!counts) return;
    this.store.counts = counts;
    this.store.changed('counts');
  }

  /** The list of a query, fetched when it is not there yet. */
  listing(query: Record<string, string>): Listing {
    const key = listingKey(query);
    let l = this.store.listings.get(key);
    if (!l) {
      const ids = this.kept.list(query);
      l = { query, ids: ids ?? [], next: '', loaded: !!ids?.length, loading: true, local: !!ids };
      this.store.listings.set(key, l);
      queueMicrotask(() => void this.head(key));
    }
    return l;
  }

  private setListing(key: string, change: Partial<Listing>): void {
    const l = this.store.listings.get(key);
    if (!l) return;
    this.store.listings.set(key, { ...l, ...change });
    this.store.changed('listing:' + key);
  }

  /** Fetches the first page of a list; pages beyond it that were fetched before stay. */
  async head(key: string): Promise<void> {
    const l = this.store.listings.get(key);
    if (!l) return;
    if (this.kept.away()) this.fromHere(key, l);
    try {
      // Only in the latest first can what was fetched before stay behind a fresh page: it did not move.
      const latest = (l.query.filter ? readFilter(l.query.filter)?.order : this.kept.order(l.query)) ?? 'latest';
      const limit = latest === 'latest' || l.local ? 50 : Math.min(200, Math.max(50, l.ids.length));
      const page = await this.client.get<List<Conversation>>('/conversations', { ...l.query, limit });
      const fresh = new Set(page.items.map((c) => c.id));
      this.keep(page.items);
      const before = this.store.listings.get(key)!;
      const oldest = page.items.at(-1)?.last_at ?? '';
      const behind = (id: ID, i: number) => !fresh.has(id) && (latest === 'latest' ? (this.store.conversations.get(id)?.last_at ?? '') < oldest : i >= limit);
      const tail = page.next && !before.local && before.ids.length > limit ? before.ids.filter(behind) : [];
      this.setListing(key, {
        ids: [...page.items.map((c) => c.id), ...tail],
        next: tail.length ? before.next : (page.next ?? ''),
        loaded: true,
        loading: false,
        fault: undefined,
        local: false,
      });
    } catch (error) {
      const fault = asFault(error);
      if (fault.status === 0) this.fromHere(key, l, fault);
      else this.setListing(key, { loading: false, fault, ...(fault.status === 404 || fault.status === 403 ? { ids: [], loaded: false } : {}) });
    }
  }

  /** The list as this device knows it, or, once the desk was asked in vain, why there is none. */
  private fromHere(key: string, l: Listing, fault?: Fault): void {
    const ids = this.kept.list(l.query);
    if (ids) this.setListing(key, { ids, next: '', loaded: true, loading: false, fault: undefined, local: true });
    else if (fault) this.setListing(key, { loading: false, fault });
  }

  async more(query: Record<string, string>): Promise<void> {
    const key = listingKey(query);
    const l = this.store.listings.get(key);
    if (!l || !l.next || l.loading) return;
    this.setListing(key, { loading: true });
    try {
      const page = await this.client.get<List<Conversation>>('/conversations', { ...query, limit: 50, cursor: l.next });
      this.keep(page.items);
      const now = this.store.listings.get(key)!;
      const have = new Set(now.ids);
      this.setListing(key, { ids: [...now.ids, ...page.items.map((c) => c.id).filter((id) => !have.has(id))], next: page.next ?? '', loading: false });
    } catch (error) {
      this.setListing(key, { loading: false, fault: asFault(error) });
    }
  }

  /** Takes conversations in; one that is as it was draws nothing anew. */
  keep(items: Conversation[]): void {
    let news = false;
    for (const c of items) {
      const now = this.over(normal(c));
      if (same(now, this.store.conversations.get(c.id))) continue;
      news = true;
      this.store.conversations.set(c.id, now);
      this.store.changed('conversation:' + c.id);
    }
    if (news) this.store.changed('conversations');
  }

  async page(id: ID): Promise<void> {
    try {
      const page = this.over(normal(await this.client.get<ConversationPage>('/conversations/' + id)));
      this.store.pages.set(page.id, page);
      this.store.pageFaults.delete(id);
      this.keep([itemOf(page)]);
      this.partOf(id, page.id);
    } catch (error) {
      if (!this.store.pages.has(id) || asFault(error).status !== 0) this.store.pageFaults.set(id, asFault(error));
    }
    this.store.changed('conversation:' + id);
  }

  /** The desk shows a conversation as another, or as itself again. */
  private partOf(id: ID, shown: ID): void {
    const { store } = this;
    if (shown === id) {
      store.merged.delete(id);
      return;
    }
    store.merged.set(id, shown);
    for (const kept of [store.conversations, store.pages, store.threads]) kept.delete(id);
    this.kept.gone(id);
    store.changed('conversation:' + shown);
  }

  /** Messages came into or left a conversation by a merger or a split: what is known of it is read again. */
  async anew(id: ID): Promise<void> {
    const { store } = this;
    if (!store.pages.has(id) && !store.conversations.has(id) && !store.merged.has(id) && !store.watched('conversation:' + id)) return;
    await this.page(id);
    if (store.threads.has(id)) await this.thread(id, true, true);
  }

  /** Fetches the newest messages; anew keeps what is there until the answer comes, and whole then drops what the answer lacks. */
  async thread(id: ID, anew = false, whole = false): Promise<void> {
    const t = this.store.threads.get(id);
    if (t) {
      // The last one opened is the last one to be let go.
      this.store.threads.delete(id);
      this.store.threads.set(id, t);
    }
    if (t?.loading || (t?.loaded && !anew)) return;
    setThread(this.store, id, { loading: true, fault: undefined });
    const had = t?.loaded || (await this.kept.thread(id));
    if (had) setThread(this.store, id, { loading: true });
    try {
      const [page, timeline] = await Promise.all([
        this.client.get<List<Message>>(`/conversations/${id}/messages`, { limit: 50 }),
        this.client.get<List<TimelineItem>>(`/conversations/${id}/timeline`, { limit: 200 }).catch(() => ({ items: [] as TimelineItem[] })),
      ]);
      const now = this.store.threads.get(id) ?? emptyThread;
      if (whole) setThread(this.store, id, { messages: now.messages.filter((m) => m.local) });
      const seen = new Map(now.events.map((e) => [e.lsn, e]));
      for (const e of timeline.items) if (isEvent(e.kind)) seen.set(e.lsn, e);
      setThread(this.store, id, { loaded: true, loading: false, earlier: page.items.length >= 50, events: [...seen.values()].sort((a, b) => a.lsn - b.lsn) });
      putMessages(this.store, id, page.items);
      this.letGo();
    } catch (error) {
      const fault = asFault(error);
      // What is there is shown; the banner says that it may be old.
      setThread(this.store, id, { loading: false, fault: had && fault.status === 0 ? undefined : fault });
    }
  }

  /** Has the conversations next to the opened one ready before somebody steps there. */
  async warm(ids: ID[]): Promise<void> {
    for (const id of ids) if (!this.store.threads.get(id)?.loaded && !this.store.pageFaults.has(id)) await Promise.all([this.page(id), this.thread(id)]);
  }

  /** Forgets what was opened longest ago and is not looked at: a shift has hundreds, and the device or the desk has them again. */
  private letGo(): void {
    const { threads, pages } = this.store;
    for (const [id, t] of threads) {
      if (threads.size <= opened) return;
      if (this.store.watched('thread:' + id) || t.loading || t.messages.some((m) => m.local)) continue;
      threads.delete(id);
      pages.delete(id);
    }
  }

  async earlier(id: ID): Promise<void> {
    const t = this.store.threads.get(id);
    const oldest = t?.messages.find((m) => m.clock);
    if (!t || t.loading || !oldest) return;
    setThread(this.store, id, { loading: true });
    try {
      const page = await this.client.get<List<Message>>(`/conversations/${id}/messages`, { before: oldest.clock, limit: 50 });
      setThread(this.store, id, { loading: false, earlier: page.items.length >= 50 });
      putMessages(this.store, id, page.items);
    } catch (error) {
      setThread(this.store, id, { loading: false, fault: asFault(error) });
    }
  }
}

/** Whether two are the same in everything that either says. */
function same(a: Conversation, b: Conversation | undefined): boolean {
  if (!b) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Conversation>;
  return [...keys].every((k) => a[k] === b[k] || JSON.stringify(a[k]) === JSON.stringify(b[k]));
}

/** Go leaves empty lists out or sends null; screens want them there. The effective status is what people see. */
function normal<C extends { tags: string[]; status: Conversation['status']; state?: Conversation['state'] }>(c: C): C {
  return { ...c, tags: c.tags ?? [], status: c.state || c.status };
}
