import type { Client } from '../../protocol/client';
import { putMessage, setThread } from './apply';
import type { LocalMessage, Store } from './store';
import { asFault, type Attachment, type ID, type Message, type Status } from './words';

/** A reply or a note on its way from this screen to the desk. The id is made here, so that a retry is the same one. */
export interface Outgoing {
  id: ID;
  conversation: ID;
  note: boolean;
  author: ID;
  channel: ID;
  text: string;
  subject?: string;
  to?: { scheme: string; value: string; name?: string };
  cc?: string[];
  bcc?: string[];
  attachments: Attachment[];
  /** Of a note: the operators who are meant. */
  mentions?: ID[];
  then?: Status;
  at: string;
}

const home = 'holdfast.unsent';

/**
 * Replies that the desk has not confirmed. They survive a reload: a text that
 * somebody wrote is not lost because a network was.
 */
export class Pending {
  private kept = new Map<ID, Outgoing>();
  private author: ID = '';

  constructor(
    private readonly client: Client,
    private readonly store: Store,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined = globalThis.localStorage,
  ) {}

  /** Brings back what an earlier page left unsent by this operator; what is another's stays where it is. */
  restore(author: ID): void {
    this.author = author;
    this.kept = new Map([...this.stored(), ...this.kept.values()].filter((o) => o.author === author).map((o) => [o.id, o]));
  }

  private stored(): Outgoing[] {
    try {
      return JSON.parse(this.storage?.getItem(home) ?? '[]') as Outgoing[];
    } catch {
      return [];
    }
  }

  /** Puts what is unsent into a thread that has just been fetched. */
  show(conversation: ID): void {
    const thread = this.store.threads.get(conversation);
    for (const o of this.kept.values()) {
      if (o.conversation !== conversation) continue;
      const known = thread?.messages.find((m) => m.id === o.id);
      if (known && !known.local) this.forget(o.id);
      else if (!known) putMessage(this.store, conversation, local(o, 'unsent'));
    }
  }

  async send(o: Outgoing): Promise<void> {
    this.author = o.author;
    this.kept.set(o.id, o);
    this.save();
    putMessage(this.store, o.conversation, local(o, 'sending'));
    const path = `/conversations/${o.conversation}/${o.note ? 'notes' : 'replies'}`;
    const { id, text, subject, channel, to, cc, bcc, attachments, mentions, then } = o;
    try {
      const answer = await this.client.post<Message>(path, o.note ? { id, text, attachments, mentions } : { id, text, subject, channel: channel || undefined, to, cc, bcc, attachments, then });
      this.forget(id);
      const now = this.store.threads.get(o.conversation)?.messages.find((m) => m.id === id);
      // The live stream may have been quicker, and may know more.
      if (!now || now.local) putMessage(this.store, o.conversation, answer);
    } catch (error) {
      const now = this.store.threads.get(o.conversation)?.messages.find((m) => m.id === id);
      if (now && !now.local) return this.forget(id);
      putMessage(this.store, o.conversation, { ...local(o, 'unsent'), fault: asFault(error) });
      throw error;
    }
  }

  retry(id: ID): Promise<void> {
    const o = this.kept.get(id);
    return o ? this.send(o) : Promise.resolve();
  }

  /** Takes an unsent one back and returns it, so that its text can be edited. */
  take(id: ID): Outgoing | undefined {
    const o = this.kept.get(id);
    if (!o) return;
    this.forget(id);
    const thread = this.store.threads.get(o.conversation);
    if (thread) setThread(this.store, o.conversation, { messages: thread.messages.filter((m) => m.id !== id) });
    return o;
  }

  /** An entry brought this message: it is on disk. */
  arrived(id: ID): void {
    if (this.kept.has(id)) this.forget(id);
  }

  private forget(id: ID): void {
    this.kept.delete(id);
    this.save();
  }

  private save(): void {
    try {
      this.storage?.setItem(home, JSON.stringify([...this.stored().filter((o) => o.author !== this.author), ...this.kept.values()]));
    } catch {
      // A full or forbidden storage costs the survival of a reload, not the sending.
    }
  }
}

function local(o: Outgoing, state: 'sending' | 'unsent'): LocalMessage {
  return {
    id: o.id, conversation: o.conversation, clock: '', at: o.at, direction: o.note ? 'note' : 'out', channel: o.channel, author: o.author,
    text: o.text, subject: o.subject, recipient: o.to, cc: o.cc, attachments: o.attachments, mentions: o.mentions, local: state,
  };
}
