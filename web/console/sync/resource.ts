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
    } catch (error) {
      this.set(path, { ...(before ?? none), loading: false, fault: asFault(error) });
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

  clear(): void {
    this.kept.clear();
    this.stale.clear();
  }

  private set(path: string, r: Resource<unknown>): void {
    this.kept.set(path, r);
    this.store.changed('resource:' + path);
  }
}
