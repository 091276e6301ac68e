import { Fault, uuid7, type Attachment, type Conversation, type ConversationPage, type ID, type Message, type Status } from './words';
import type { LocalMessage } from './store';

/** A reply or a note on its way from this screen to the desk. The id is made here, so that a retry is the same one. */
export interface Outgoing {
  id: ID;
  conversation: ID;
  note: boolean;
  author: ID;
  channel: ID;
  text: string;
  /** The formatted form, where there is one and the channel carries it. */
  html?: string;
  /** What was written, where it is not the text: Markdown, for writing on. */
  source?: string;
  subject?: string;
  to?: { scheme: string; value: string; name?: string };
  cc?: string[];
  bcc?: string[];
  attachments: Attachment[];
  /** Of a note: the operators who are meant. */
  mentions?: ID[];
  then?: Status;
  /** Seconds for which the desk holds a reply back, so that it can be taken back. */
  undo?: number;
  /** When a reply is to go that is sent later. */
  not_before?: string;
  /** The newest entry that its author has seen: the desk asks about what was said since. */
  seen_lsn?: number;
  at: string;
}

/** A conversation that begins here. */
export interface Beginning {
  id: ID; message_id: ID; channel: ID; to?: { scheme: string; value: string; name?: string }; customer?: ID;
  subject: string; text: string; html?: string; cc?: string[]; bcc?: string[]; attachments: Attachment[]; undo?: number;
}

export type WorkKind = 'reply' | 'note' | 'start' | 'status' | 'assignment' | 'priority' | 'subject' | 'tag' | 'read' | 'withdraw';

/** Something that was done on this device and that the desk has not confirmed. */
export interface Work {
  /** The same id is the same work, however often and from wherever it is sent. */
  id: ID;
  kind: WorkKind;
  conversation: ID;
  at: string;
  method: 'POST' | 'PUT' | 'DELETE';
  path: string;
  body: unknown;
  outgoing?: Outgoing;
  /** What the screen shows meanwhile. */
  change?: Partial<Conversation>;
  /** What was known of the conversation: the newest clock and how it stood. */
  since: string;
  was?: { status: Status; operator: ID };
  /** It could not be sent when it was written: before it is, somebody looks whether the conversation went on. */
  late?: boolean;
  /** held: the conversation changed meanwhile; refused: the desk will not take it. A person decides about both. */
  state: 'waiting' | 'held' | 'refused';
  fault?: { status: number; code: string; message: string; next: string; field: string };
  /** Of a held one: how many messages came meanwhile. */
  news?: number;
  /** Of a held reply: what others have said since. */
  met?: Message[];
}

export const isText = (w: Pick<Work, 'kind'>): boolean => w.kind === 'reply' || w.kind === 'note' || w.kind === 'start';

/** Work that must not go out blind. */
export const looksFirst = (w: Work): boolean => w.kind === 'reply' || w.kind === 'status';

/** Calls a reply back that the desk may have or not: nobody here knows. */
export const withdrawal = (w: Work): Work => ({
  id: uuid7(), kind: 'withdraw', conversation: w.conversation, at: new Date().toISOString(), method: 'POST', path: `/messages/${w.id}/withdraw`, body: {}, since: '', state: 'waiting',
});

export function textWork(o: Outgoing, since: string, was: Work['was']): Work {
  const { id, text, html, subject, channel, to, cc, bcc, attachments, mentions, then, undo, not_before, seen_lsn } = o;
  return {
    id, kind: o.note ? 'note' : 'reply', conversation: o.conversation, at: o.at, method: 'POST', state: 'waiting', since, was, outgoing: o,
    path: `/conversations/${o.conversation}/${o.note ? 'notes' : 'replies'}`,
    body: o.note ? { id, text, attachments, mentions } : { id, text, html, subject, channel: channel || undefined, to, cc, bcc, attachments, then, undo, not_before, seen_lsn },
    ...(!o.note && then ? { change: { status: then, state: then } } : {}),
  };
}

export function startWork(b: Beginning, author: ID, at: string): Work {
  const outgoing: Outgoing = { id: b.message_id, conversation: b.id, note: false, author, channel: b.channel, text: b.text, subject: b.subject, to: b.to, cc: b.cc, bcc: b.bcc, attachments: b.attachments, at };
  return { id: b.message_id, kind: 'start', conversation: b.id, at, method: 'POST', path: '/conversations', body: b, state: 'waiting', since: '', outgoing };
}

/** A conversation as it looks before the desk has seen it. */
export function begun(w: Work): ConversationPage {
  const b = w.body as Beginning;
  const o = w.outgoing!;
  return {
    id: w.conversation, number: 0, channel: b.channel, subject: b.subject, status: 'waiting', state: 'waiting', priority: 1, operator: o.author, team: '', tags: [], unread: false,
    customer: { id: b.customer ?? '', name: b.to?.name || b.to?.value || '' }, preview: b.text.slice(0, 160), preview_direction: 'out',
    opened_at: w.at, last_at: w.at, last_clock: '', page: '', read_upto: '', person: null, draft: null,
  } as unknown as ConversationPage;
}

/** How the work looks in its thread. */
export function localMessage(w: Work, state: LocalMessage['local']): LocalMessage {
  const o = w.outgoing!;
  return {
    id: o.id, conversation: o.conversation, clock: '', at: o.at, direction: o.note ? 'note' : 'out', channel: o.channel, author: o.author, text: o.text, subject: o.subject,
    recipient: o.to, cc: o.cc, attachments: o.attachments, mentions: o.mentions, local: state, news: w.news, met: w.met, fault: w.fault && faultFrom(w.fault),
  };
}

export const plainFault = (f: Fault): NonNullable<Work['fault']> => ({ status: f.status, code: f.code, message: f.message, next: f.next, field: f.field });
export const faultFrom = (f: NonNullable<Work['fault']>): Fault => new Fault(f.status, f.code, f.message, f.next, f.field);
