import type {
  Conversation, ConversationPage, Counts, Entry, ID, LiveFrames, Message, TimelineItem,
} from './words';
import type { Fault } from '../../protocol/fault';

/** One list of conversations, as far as it has been fetched. */
export interface Listing {
  query: Record<string, string>;
  ids: ID[];
  next: string;
  loaded: boolean;
  loading: boolean;
  fault?: Fault;
  /** Made from what this device has; the desk has not answered yet. */
  local?: boolean;
}

/** The messages of one opened conversation, oldest first. */
export interface Thread {
  messages: LocalMessage[];
  events: TimelineItem[];
  earlier: boolean;
  loaded: boolean;
  loading: boolean;
  fault?: Fault;
}

/** A message, or one that this screen is still sending. */
export interface LocalMessage extends Message {
  local?: 'sending' | 'unsent' | 'held' | 'refused';
  fault?: Fault;
  /** Of a held one: how many messages came since it was written. */
  news?: number;
  met?: Message[];
}

export interface Typing { who: ID; kind: 'operator' | 'customer'; text: string; until: number }

/**
 * What this screen knows of the desk. Values are replaced, never changed in
 * place, so that a reader who kept one has a consistent one. Only the sync
 * folder writes here; everybody else listens to topics.
 */
export class Store {
  lsn = 0;
  conversations = new Map<ID, Conversation>();
  pages = new Map<ID, ConversationPage>();
  pageFaults = new Map<ID, Fault>();
  threads = new Map<ID, Thread>();
  /** Of conversations that are shown as another: which one. */
  merged = new Map<ID, ID>();
  listings = new Map<string, Listing>();
  counts: Counts | undefined;
  /** Told of every new entry. */
  onEntry: (entry: Entry) => void = () => {};
  viewers: LiveFrames['presence']['operators'] = [];
  typing = new Map<ID, Typing>();

  /** Told of everything that changed, for whoever keeps it. */
  onChanged: (topics: string[]) => void = () => {};

  private listeners = new Map<string, Set<() => void>>();
  private pending = new Set<string>();

  /** Calls back after a topic has changed, once per turn however often it did. */
  on(topic: string, listener: () => void): () => void {
    let set = this.listeners.get(topic);
    if (!set) this.listeners.set(topic, (set = new Set()));
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(topic);
    };
  }

  /** Whether somebody looks at this topic now. */
  watched(topic: string): boolean {
    return this.listeners.has(topic);
  }

  topics(prefix: string): string[] {
    return [...this.listeners.keys()].filter((t) => t.startsWith(prefix));
  }

  changed(topic: string): void {
    if (this.pending.size === 0) queueMicrotask(() => this.flush());
    this.pending.add(topic);
  }

  clear(): void {
    this.lsn = 0;
    for (const map of [this.conversations, this.pages, this.pageFaults, this.threads, this.merged, this.listings, this.typing]) map.clear();
    this.counts = undefined;
    this.viewers = [];
    for (const topic of this.listeners.keys()) this.changed(topic);
  }

  private flush(): void {
    const topics = [...this.pending];
    this.pending.clear();
    this.onChanged(topics);
    for (const topic of topics) for (const listener of [...(this.listeners.get(topic) ?? [])]) listener();
  }
}
