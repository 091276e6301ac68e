import { listingKey } from '../sync/fetching';
import { conversationsOf, listing, moreConversations } from './inbox';
import { inboxQuery } from './query';
import { route } from './route.svelte';
import type { Conversation, Fault, ID, Step } from './words';

/** What one step on many did, until it is dismissed or undone. */
export interface Outcome {
  title: string;
  done: number;
  /** What was not done, and why. */
  failed: { id: ID; number: number; name: string; fault: Fault }[];
  /** What takes it back: steps for groups of conversations. Without any it cannot be. */
  back: { ids: ID[]; steps: Step[] }[];
  /** It waits on this device until the desk can be reached. */
  waiting: boolean;
}

const most = 1000;

/** Which conversations of the list are chosen to be changed together. Nothing of it is stored. */
class Selection {
  private ids = $state.raw<ReadonlySet<ID>>(new Set());
  private list = $state('');
  private anchor: ID = '';
  /** On a screen that is touched: taps choose instead of opening. */
  editing = $state(false);
  busy = $state(false);
  outcome = $state.raw<Outcome | undefined>();
  /** The row under the cursor or with the keyboard, which a key means. */
  pointed: ID = '';

  /** Those that are chosen in the list on the screen; another list begins with none. */
  get chosen(): ReadonlySet<ID> {
    return this.list === listingKey(inboxQuery(route())) ? this.ids : none;
  }

  get active(): boolean {
    return this.editing || this.chosen.size > 0;
  }

  has(id: ID): boolean {
    return this.chosen.has(id);
  }

  toggle(id: ID): void {
    const next = new Set(this.chosen);
    if (!next.delete(id)) next.add(id);
    this.anchor = id;
    this.take(next);
  }

  /** Everything between the row that was chosen last and this one. */
  reach(id: ID): void {
    const ids = this.rows().map((c) => c.id);
    const a = ids.indexOf(this.anchor);
    const b = ids.indexOf(id);
    if (a < 0 || b < 0) return this.toggle(id);
    this.take(new Set([...this.chosen, ...ids.slice(Math.min(a, b), Math.max(a, b) + 1)]));
  }

  /** All of the list, as far as it goes. */
  async all(): Promise<void> {
    const query = inboxQuery(route());
    this.busy = true;
    try {
      for (let l = listing(query); l.next && l.ids.length < most && !l.fault; l = listing(query)) {
        const before = l.ids.length;
        await moreConversations(query);
        if (listing(query).ids.length === before) break;
      }
      this.take(new Set(listing(query).ids.slice(0, most)));
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.editing = false;
    this.anchor = '';
    this.take(none);
  }

  /** The chosen ones as this screen knows them. */
  conversations(): Conversation[] {
    return this.rows().filter((c) => this.has(c.id));
  }

  private rows(): Conversation[] {
    return conversationsOf(listing(inboxQuery(route())));
  }

  private take(ids: ReadonlySet<ID>): void {
    this.list = listingKey(inboxQuery(route()));
    this.ids = ids;
    if (ids.size) this.outcome = undefined;
  }
}

const none: ReadonlySet<ID> = new Set();

export const selection = new Selection();
