// What travels between the widget and the desk, and between loader and chat.

export interface Config {
  title: string;
  greeting: string;
  offline: string;
  /** What went wrong, in the desk's words: shown while nothing else is. */
  notice?: string;
  /** Numbers that work when the desk is not reached; '' for none. */
  phone: string;
  sms: string;
  theme?: 'auto' | 'light' | 'dark';
  color: string;
  position: 'start' | 'end';
  label?: string;
  lang: string;
  on_duty: boolean;
  back?: string; // when somebody is here again, while the desk is closed
  reply?: number; // seconds that a first answer takes at this time of day
  form?: Question[];
  invites?: Invite[];
  invite_days?: number;
  identity_required: boolean;
  limits: { text: number; attachments: number; attachment_bytes: number };
}

/** A field of the form before the first message. */
export interface Question {
  key: string;
  type: 'name' | 'mail' | 'phone' | 'text' | 'choice';
  label: string;
  required?: boolean;
  options?: string[];
}

/** A word to a visitor who has not asked yet, and when: all that is named must hold. */
export interface Invite {
  id: string;
  page?: string;
  time?: number;
  scroll?: number;
  again?: boolean;
  event?: string;
  text: string;
}

export interface Attached {
  id?: string; // of an upload: what a message takes it by
  name: string;
  type: string;
  size: number;
  url: string; // relative to the account's base address
  thumb?: string;
}

export interface Item {
  n: number;
  id: string;
  conversation: string;
  direction: 'in' | 'out';
  author?: string;
  text: string;
  attachments?: Attached[];
  at: string;
}

export interface Frame {
  type: string;
  n?: number;
  name?: string;
  item?: Item;
}

export interface Identity {
  user_id?: string;
  name?: string;
  email?: string;
  phone?: string;
  hmac?: string;
  jwt?: string;
}

export interface Receipt {
  id: string;
  message: string;
  n?: number;
  at?: string;
  duplicate: boolean;
}

/** What the small loader hands to the chat once that is loaded. */
export interface Boot {
  channel: string;
  base: string; // of the desk, ends with a slash
  lang: string;
  config: Config | null;
  identity: Identity | null;
  host: HTMLElement;
  root: ShadowRoot;
  launcher: HTMLButtonElement;
  /** Numbers that the page itself knows, for when the desk was never reached. */
  phone: string;
  sms: string;
  /** Where the site has texts of its own, '' for nowhere. */
  texts: string;
  /** What was written before the chat had come; null when nothing is open. */
  early(): string | null;
  badge(count: number, label: string): void;
  emit(event: string, detail: unknown): void;
  /** What the site's own script has told of. */
  events: Set<string>;
}

/** What the chat gives back. */
export interface Chat {
  open(): void;
  close(): void;
  identify(identity: Identity | null): void;
  setLanguage(next: string): void;
}

/** How the chat looks, as the site's own script may set it over the channel's settings. */
export interface Look {
  theme?: 'auto' | 'light' | 'dark';
  color?: string;
  position?: 'start' | 'end';
  label?: string; // on the button
}
