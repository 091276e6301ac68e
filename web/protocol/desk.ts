/** The shapes that the desk's API speaks. Times are RFC 3339, clocks are decimal strings. */

export type ID = string;
export type Status = 'open' | 'waiting' | 'snoozed' | 'resolved' | 'closed';
export type Role = 'administrator' | 'supervisor' | 'operator' | 'observer';
export type Direction = 'in' | 'out' | 'note';
export type DeliveryState =
  | 'queued' | 'sending' | 'retry_wait' | 'accepted' | 'delivered' | 'seen' | 'failed' | 'unknown' | 'held' | 'cancelled';

export interface List<T> { items: T[]; next?: string }

export interface Start { state: 'empty' | 'ready'; version: string; languages: string[]; demo: boolean }

export interface Preferences {
  theme?: 'light' | 'dark' | '';
  density?: 'cosy' | 'compact' | '';
  then?: Status;
  send_key?: 'ctrl' | 'enter';
}

export interface Me {
  operator: { id: ID; name: string; email: string; language: string; preferences?: Preferences; totp_on: boolean };
  workspace: Workspace;
  workspaces: { id: ID; name: string; role: Role }[];
  role: Role;
  permissions: string[];
  lsn: number;
}

export interface Workspace { id: ID; name: string; language: string; time_zone: string; demo?: boolean }

export interface Address { scheme: string; value: string; name?: string; verified?: boolean; failing?: boolean | string }

export interface Attachment {
  id: ID; name: string; type: string; size: number; hash: string; cid?: string; thumb?: string; kind?: string;
}

export interface Conversation {
  id: ID; number: number; subject: string; state?: Status; status: Status; snooze_until?: string | null;
  operator: ID; team: ID; priority: number; channel: ID; customer: { id: ID; name: string };
  preview: string; preview_direction: Direction; last_at: string; last_clock: string; unread: boolean;
  tags: string[]; opened_at: string; first_reply_at?: string | null;
}

export interface Draft { text: string; note: boolean; at?: string }

export interface ConversationPage extends Conversation {
  person: Customer | null; page?: string; draft?: Draft | null; read_upto?: string;
}

export interface Customer {
  id: ID; name: string; language?: string; company?: string; about?: string; addresses: Address[];
  created_at?: string;
}

export interface Delivery {
  state: DeliveryState; code?: string; reason?: string; attempts?: number; due_at?: string | null; doubled?: boolean;
}

export interface Message {
  id: ID; lsn?: number; conversation: ID; clock: string; at: string; direction: Direction; channel: ID; customer?: ID;
  author: ID; from?: Address; recipient?: Address; to?: string[]; cc?: string[]; bcc?: string[]; subject?: string; text: string; rest?: string;
  has_html?: boolean; remote?: boolean; attachments?: Attachment[]; marks?: string[]; has_raw?: boolean;
  automatic?: boolean; sent_at?: string; delivery?: Delivery | null;
}

export interface Actor { kind: 'operator' | 'customer' | 'system' | 'token'; id?: ID }

export interface Entry {
  lsn: number; at: string; clock: string; kind: string; subject: ID; actor: Actor; body: Record<string, unknown>;
}

export interface TimelineItem { lsn: number; at: string; kind: string; actor: Actor; body: Record<string, unknown> }

export interface Counts {
  mine: number; unassigned: number; open: number; waiting: number; snoozed: number; resolved: number; closed: number; unread: number;
}

export interface Exchange { at: string; outcome: string; took_ms: number; lines: { at?: string; dir: string; text: string }[] }

export interface MessageHit {
  message: ID; conversation: ID; number: number; customer_name?: string; direction: Direction; lsn: number; at: string; subject?: string;
  snippet: { text: string; mark?: boolean }[] | null;
}
export interface SearchAnswer {
  messages: MessageHit[] | null; customers: { customer: ID; name: string; company?: string; matched?: Address[] }[] | null;
  conversations: { conversation: ID; number: number; subject: string; state: Status; customer_name?: string }[] | null;
  next?: number; loose?: boolean;
}

export interface OutboxRow {
  message: ID; conversation: ID; number: number; channel: ID; to: Address; state: DeliveryState; attempts: number;
  due_at?: string | null; code?: string; reason?: string; doubled?: boolean; preview: string; at: string;
}
export type OutboxTotals = Partial<Record<DeliveryState, number>>;

export interface Arrival {
  id: ID; lsn: number; channel: ID; at: string; reason: string; detail?: string; sender?: string; subject?: string;
  message?: ID; has_raw: boolean; replayed: boolean;
}

export interface Field {
  name: string; label: string; help?: string; type: 'text' | 'secret' | 'number' | 'bool' | 'select' | 'lines';
  section?: string; section_label?: string; required?: boolean; options?: { value: string; label: string }[];
  show?: string; default?: unknown;
}
export interface ChannelKind {
  name: string; title: string; about: string; icon: string; scheme: string; needs: string;
  limits?: { text?: number; attachments?: number; attachment_bytes?: number; html?: boolean; subject?: boolean; cc?: boolean };
  fields: Field[];
}
export interface Health { state: 'up' | 'degraded' | 'down'; reason?: string; since?: string; last_ok?: string; missing?: number }
export interface Channel {
  id: ID; kind: string; name: string; settings?: Record<string, unknown>; team?: ID; enabled: boolean; removed?: boolean; problem?: string;
  health?: Health; embed?: string;
}
export interface Check { name: string; label?: string; ok: boolean; text: string }

export interface Operator {
  id: ID; name: string; email: string; role: Role; disabled: boolean; former?: boolean; totp_on: boolean; teams?: ID[]; online?: boolean; language?: string;
}
export interface Team { id: ID; name: string; members: ID[] | null }
export interface Token {
  id: ID; name: string; role: Role; scopes?: string[]; created_at?: string; expires_at?: string | null; used_at?: string | null; secret?: string;
}
export interface Webhook { id: ID; url: string; kinds: string[]; enabled?: boolean; secret?: string; created_at?: string }
export interface WebhookDelivery {
  id: ID; lsn: number; kind: string; state: string; attempts: number; due_at?: string | null; status?: number; error?: string; created_at: string;
}
export interface AuditRow {
  id: ID | number; at: string; actor: Actor; address?: string; action: string; subject?: string; detail?: unknown;
}
export interface Session { id: ID; created_at: string; seen_at: string; address: string; agent: string; current: boolean }
export interface Viewer { id: ID; viewing: ID | '' }

export type Frame =
  | { type: 'hello'; lsn: number; operators?: Viewer[] }
  | { type: 'entry'; entry: Entry }
  | { type: 'caught_up'; lsn: number }
  | { type: 'reset'; lsn: number }
  | { type: 'typing'; conversation: ID; operator?: ID; customer?: ID; text?: string }
  | { type: 'presence'; operators: Viewer[] }
  | { type: 'ping'; lsn: number; at: string };

export type ClientFrame = { type: 'viewing'; conversation: ID | '' } | { type: 'typing'; conversation: ID };
