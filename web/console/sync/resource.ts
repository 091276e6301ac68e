import type { Client } from '../../protocol/client';
import { asFault, type Fault, type List } from './words';
import type { Store } from './store';

/** Something fetched as a whole, or a list fetched page by page. */
export interface Resource<T> {
  data?: T;
  fault?: Fault;
  loading: boolean;
  next: string;
}

/** How many are kept that nobody looks at: a shift opens hundreds of customers. */
const most = 60;

const none: Resource<never> = { loading: false, next: '' };

/**
 * What is not kept up by entries (settings, the outbox, audit rows): fetched when
 * looked at, kept until something says that it changed, and then fetched again
 * if it is still looked at.
 */
export class Resources {
  private kept = new Map<string, Resource<unknown>>();
  private stale = new Set<string>();
  private asked = new Set<string>();
  private late = new Set<string>();
  /** Told what was fetched. */
  onFetched: (path: string, data: unknown) => void = () => {};
  /** What this device can say itself when the desk cannot be reached. */
  offline: (path: string) => Promise<unknown> = async () => undefined;

  constructor(
    private readonly client: Client,
    private readonly store: Store,
  ) {}

  /** What is known of a path (with its query); fetches it when nothing is. */
  get<T>(path: string): Resource<T> {
    const r = this.kept.get(path);
    if ((!r || (this.stale.has(path) && !r.loading)) && !this.asked.has(path)) {
      // Not at once: whoever reads is being drawn, and several of them read the same.
      this.asked.add(path);
      queueMicrotask(() => {
        this.asked.delete(path);
        void this.fetch(path);
      });
    }
    return (r ?? { ...none, loading: true }) as Resource<T>;
  }

  /** The items of a list as far as they are known; it asks nobody. */
  peek<T>(path: string): T[] {
    return (this.kept.get(path)?.data as List<T> | undefined)?.items ?? [];
  }

  async fetch(path: string): Promise<void> {
    const before = this.kept.get(path);
    if (before?.loading) {
      this.stale.add(path);
      return;
    }
    this.stale.delete(path);
    this.set(path, { ...(before ?? none), loading: true });
    try {
      const data = await this.client.get<unknown>(path);
      const next = (data as List<unknown> | null)?.next ?? '';
      this.set(path, { data, loading: false, next });
      this.onFetched(path, data);
    } catch (error) {
      const fault = asFault(error);
      const data = fault.status === 0 ? (before?.data ?? (await this.offline(path).catch(() => undefined))) : undefined;
      // What is known stays; the banner says that it may be old, and the next look asks again.
      if (data !== undefined) {
        this.set(path, { data, loading: false, next: before?.next ?? '' });
        this.late.add(path);
      } else this.set(path, { ...(before ?? none), loading: false, fault });
    }
    if (this.stale.has(path) && this.store.watched('resource:' + path)) {
      this.stale.delete(path);
      void this.fetch(path);
    }
  }

  /** Fetches the next page of a list and puts it behind what is there. */
  async more(path: string): Promise<void> {
    const before = this.kept.get(path) as Resource<List<unknown>> | undefined;
    if (!before?.data || !before.next || before.loading) return;
    this.set(path, { ...before, loading: true });
    try {
      const joint = path.includes('?') ? '&' : '?';
      const page = await this.client.get<List<unknown>>(`${path}${joint}cursor=${encodeURIComponent(before.next)}`);
      this.set(path, { data: { ...before.data, items: [...before.data.items, ...page.items] }, loading: false, next: page.next ?? '' });
    } catch (error) {
      this.set(path, { ...before, loading: false, fault: asFault(error) });
    }
  }

  /** Everything under these prefixes changed. */
  changed(...prefixes: string[]): void {
    for (const path of this.kept.keys()) {
      if (!prefixes.some((p) => path === p || path.startsWith(p + '/') || path.startsWith(p + '?'))) continue;
      if (this.store.watched('resource:' + path)) void this.fetch(path);
      else this.stale.add(path);
    }
  }

  /** Puts what this device kept in its place, to be asked for again when it is looked at. */
  restore(path: string, data: unknown): void {
    if (this.kept.get(path)?.data !== undefined) return;
    this.stale.add(path);
    this.set(path, { data, loading: false, next: (data as List<unknown> | null)?.next ?? '' });
  }

  /** The desk is there again: what could not be asked is asked now. */
  reached(): void {
    const late = [...this.late];
    this.late.clear();
    for (const [path, r] of this.kept) if (r.fault?.status === 0) late.push(path);
    for (const path of late) {
      if (this.store.watched('resource:' + path)) void this.fetch(path);
      else this.stale.add(path);
    }
  }

  clear(): void {
    this.late.clear();
    this.kept.clear();
    this.stale.clear();
  }

  /** Forgets those that were fetched first, of one customer or one search and not of the whole desk. */
  private letGo(): void {
    for (const [path, r] of this.kept) {
      if (this.kept.size <= most) return;
      if (!/^\/[^/?]+[/?]/.test(path) || r.loading || this.store.watched('resource:' + path)) continue;
      this.kept.delete(path);
      this.stale.delete(path);
    }
  }

  private set(path: string, r: Resource<unknown>): void {
    this.kept.set(path, r);
    if (this.kept.size > most) this.letGo();
    this.store.changed('resource:' + path);
  }
}
