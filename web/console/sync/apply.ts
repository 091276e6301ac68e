import type { Attachment, Conversation, ConversationPage, Delivery, DeliveryState, Entry, ID, Message, Status } from './words';
import type { LocalMessage, Store, Thread } from './store';

type Body = Record<string, unknown>;

const text = (b: Body, key: string): string => (typeof b[key] === 'string' ? (b[key] as string) : '');

/**
 * Applies one entry to what this screen has. It returns the conversation that it
 * was about, or "" for entries about other things. Entries up to the cursor were
 * applied before and change nothing.
 */
export function apply(store: Store, entry: Entry, me: ID): ID {
  if (entry.lsn <= store.lsn) return '';
  store.lsn = entry.lsn;
  queueMicrotask(() => store.onEntry(entry)); // once all of it is applied
  const { kind, subject: id } = entry;
  if (kind === 'fields.set') changeThread(store, entry);
  if (!kind.startsWith('conversation.') && !kind.startsWith('message.') && kind !== 'draft.saved') return '';
  changeConversation(store, entry, me);
  changeThread(store, entry);
  return id;
}

function changeConversation(store: Store, entry: Entry, me: ID): void {
  const change = conversationChange(entry, store.conversations.get(entry.subject) ?? store.pages.get(entry.subject), me);
  if (!change) return;
  patchConversation(store, entry.subject, change);
}

/** Changes both forms of a conversation that this screen may have, the item and the opened page. */
export function patchConversation(store: Store, id: ID, change: Partial<Conversation>): void {
  const item = store.conversations.get(id);
  if (item) {
    store.conversations.set(id, { ...item, ...change });
    store.changed('conversation:' + id);
    store.changed('conversations');
  }
  const page = store.pages.get(id);
  if (page) {
    store.pages.set(id, { ...page, ...change });
    store.changed('conversation:' + id);
  }
}

function conversationChange(entry: Entry, now: Conversation | undefined, me: ID): Partial<Conversation> | null {
  const b = entry.body;
  switch (entry.kind) {
    case 'conversation.subject':
      return { subject: text(b, 'subject') };
    case 'conversation.status':
      return { status: text(b, 'status') as Status, state: text(b, 'status') as Status, snooze_until: text(b, 'until') || null };
    case 'conversation.assigned':
      return { operator: text(b, 'operator'), team: text(b, 'team') };
    case 'conversation.prioritised':
      return { priority: Number(b.priority ?? 1) };
    case 'conversation.tagged':
      return now ? { tags: [...new Set([...(now.tags ?? []), text(b, 'tag')])].sort() } : null;
    case 'conversation.untagged':
      return now ? { tags: (now.tags ?? []).filter((t) => t !== text(b, 'tag')) } : null;
    case 'conversation.read':
      return text(b, 'operator') === me ? { unread: b.unread === true } : null;
    case 'draft.saved':
      return text(b, 'operator') === me ? { drafting: text(b, 'text') !== '' } : null;
    case 'message.received': {
      const reopened = now && now.status !== 'closed' ? { status: 'open' as Status, state: 'open' as Status } : {};
      return { ...said(entry, 'in'), ...reopened, unread: true };
    }
    case 'message.queued': {
      const then = text(b, 'then') as Status;
      return { ...said(entry, 'out'), ...(then ? { status: then, state: then } : {}) };
    }
  }
  // A note is not said to the customer: the list goes on showing what was.
  return null;
}

function said(entry: Entry, direction: 'in' | 'out'): Partial<Conversation> {
  const preview = text(entry.body, 'text').replace(/\s+/g, ' ').slice(0, 160);
  return { preview, preview_direction: direction, last_at: entry.at, last_clock: entry.clock };
}

const deliveryOf: Record<string, DeliveryState> = {
  'message.sent': 'accepted',
  'message.retrying': 'retry_wait',
  'message.delivered': 'delivered',
  'message.seen': 'seen',
  'message.failed': 'failed',
  'message.unknown': 'unknown',
  'message.requeued': 'queued',
  'message.rerouted': 'queued',
  'message.stayed': 'accepted',
  'message.held': 'held',
  'message.cancelled': 'cancelled',
};

export const eventKinds = new Set([
  'conversation.status', 'conversation.assigned', 'conversation.prioritised', 'conversation.tagged', 'conversation.untagged', 'conversation.subject',
  'conversation.merged', 'conversation.unmerged', 'message.moved', 'conversation.surveyed', 'conversation.rated', 'fields.set', 'message.rerouted', 'message.stayed',
]);

/** Whether an entry is shown as a line between messages. */
export const isEvent = (kind: string): boolean => eventKinds.has(kind);

function changeThread(store: Store, entry: Entry): void {
  const id = entry.subject;
  let thread = store.threads.get(id);
  if (!thread) return;
  if (isEvent(entry.kind)) {
    if (thread.events.some((e) => e.lsn === entry.lsn)) return;
    const { lsn, at, kind, actor, body } = entry;
    thread = { ...thread, events: [...thread.events, { lsn, at, kind, actor, body }] };
    setThread(store, id, { events: thread.events });
  }
  const message = messageOf(entry);
  if (message) return putMessage(store, id, message);
  const state = deliveryOf[entry.kind];
  if (!state) return;
  const which = text(entry.body, 'message');
  const at = thread.messages.findIndex((m) => m.id === which);
  if (at < 0) return;
  const old = thread.messages[at]!;
  const delivery: Delivery = {
    ...old.delivery,
    state,
    code: entry.kind === 'message.rerouted' ? '' : text(entry.body, 'code'),
    reason: entry.kind === 'message.rerouted' ? '' : text(entry.body, 'reason'),
    other: otherWay(entry, old.delivery?.other),
    due_at: text(entry.body, 'next_at') || text(entry.body, 'not_before') || null,
    attempts: typeof entry.body.attempt === 'number' ? entry.body.attempt : old.delivery?.attempts,
    doubled: entry.body.doubled === true || old.delivery?.doubled,
  };
  const messages = thread.messages.slice();
  messages[at] = { ...old, delivery, ...routed(entry) };
  setThread(store, id, { messages });
}

/** How a message came to go another way than it was written for. */
function otherWay(entry: Entry, before: Delivery['other']): Delivery['other'] {
  const b = entry.body;
  if (entry.kind === 'message.stayed' || (entry.kind === 'message.requeued' && text(b, 'channel'))) return undefined;
  if (entry.kind !== 'message.rerouted') return before;
  return { from: text(b, 'from'), why: text(b, 'why') as 'cut', code: text(b, 'code'), reason: text(b, 'reason'), line: text(b, 'line'), accepted: b.accepted === true, at: entry.at };
}

/** By what and to whom a message goes from now on, where that changes. */
function routed(entry: Entry): Partial<Message> {
  const other = entry.kind === 'message.rerouted';
  if (!other && entry.kind !== 'message.requeued' && entry.kind !== 'message.stayed') return {};
  const channel = text(entry.body, other ? 'to' : 'channel');
  const to = (other ? entry.body.address : entry.body.to) as Message['recipient'] | undefined;
  return { ...(channel ? { channel } : {}), ...(to?.value ? { recipient: to } : {}) };
}

/** The message that an entry brings, or null. */
export function messageOf(entry: Entry): Message | null {
  const b = entry.body;
  const common = {
    id: text(b, 'message'),
    lsn: entry.lsn,
    conversation: entry.subject,
    clock: entry.clock,
    at: entry.at,
    channel: text(b, 'channel'),
    customer: text(b, 'customer'),
    subject: text(b, 'subject'),
    text: text(b, 'text'),
    has_html: b.has_html === true || !!b.html,
    attachments: (b.attachments as Attachment[] | undefined) ?? [],
    marks: (b.marks as string[] | undefined) ?? [],
    cc: (b.cc as string[] | undefined) ?? [],
    bcc: (b.bcc as string[] | undefined) ?? [],
  };
  switch (entry.kind) {
    case 'message.received':
      return {
        ...common,
        direction: 'in',
        author: '',
        from: b.from as Message['from'],
        to: (b.to as string[] | undefined) ?? [],
        rest: text(b, 'rest'),
        remote: b.remote === true,
        sent_at: text(b, 'sent_at'),
        has_raw: !!b.raw || b.has_raw === true,
      };
    case 'message.queued':
      return {
        ...common,
        direction: 'out',
        author: text(b, 'author'),
        recipient: b.to as Message['recipient'],
        automatic: b.automatic === true,
        forwarded: text(b, 'forwarded') || undefined,
        delivery: { state: 'queued', due_at: text(b, 'not_before') || null },
      };
    case 'message.noted':
      return { ...common, direction: 'note', author: text(b, 'author'), mentions: (b.mentions as ID[] | undefined) ?? [] };
  }
  return null;
}

export const emptyThread: Thread = { messages: [], events: [], earlier: true, loaded: false, loading: false };

export function setThread(store: Store, id: ID, change: Partial<Thread>): void {
  store.threads.set(id, { ...(store.threads.get(id) ?? emptyThread), ...change });
  store.changed('thread:' + id);
}

/** Puts a message in its place by clock; one with the same id is replaced, and delivery news already seen are kept. */
export const putMessage = (store: Store, conversation: ID, message: LocalMessage): void => putMessages(store, conversation, [message]);

/** The same of many at once. */
export function putMessages(store: Store, conversation: ID, fresh: LocalMessage[]): void {
  const all = new Map((store.threads.get(conversation) ?? emptyThread).messages.map((m) => [m.id, m]));
  for (const m of fresh) {
    const old = all.get(m.id);
    all.set(m.id, old && !old.local && !m.local ? { ...old, ...m, delivery: further(old.delivery, m.delivery) } : m);
  }
  setThread(store, conversation, { messages: [...all.values()].sort(byClock) });
}

const steps: DeliveryState[] = ['queued', 'sending', 'retry_wait', 'accepted', 'delivered', 'seen'];

/** Of two pieces of delivery news, the one that is further on: an answer that left the desk before the stream's entry never takes back a success. */
function further(a: Delivery | null | undefined, b: Delivery | null | undefined): Delivery | null | undefined {
  if (!a || !b) return b ?? a;
  const before = steps.indexOf(a.state);
  const after = steps.indexOf(b.state);
  return (b.state === 'queued' || b.state === 'sending') && (before > after || before < 0) ? a : b;
}

/** Clocks are decimal strings too big for numbers: the longer one is the later one. Unsent ones come last. */
export function byClock(a: LocalMessage, b: LocalMessage): number {
  if (!a.clock || !b.clock) return a.clock ? -1 : b.clock ? 1 : a.id < b.id ? -1 : 1;
  return a.clock.length - b.clock.length || (a.clock < b.clock ? -1 : a.clock > b.clock ? 1 : a.id < b.id ? -1 : 1);
}

/** The list's form of an opened conversation. */
export function itemOf(page: ConversationPage): Conversation {
  const { person: _person, draft: _draft, page: _page, read_upto: _read, merged: _merged, ...item } = page as ConversationPage & { merged?: unknown };
  return item as Conversation;
}
