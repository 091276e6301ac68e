import { Client } from '../../protocol/client';
import { Live, type LiveState } from '../../protocol/live';
import { apply, isEvent, patchConversation } from './apply';
import { Fetching } from './fetching';
import { Pending } from './pending';
import { Resources } from './resource';
import { Store } from './store';
import { asFault, type Attachment, type Conversation, type Fault, type Frame, type ID, type Me, type Start } from './words';

/** Who is here: not known yet, nobody, or somebody. */
export type Presence = 'unknown' | 'empty' | 'out' | 'in' | 'unreachable';

/**
 * The one writer. It fetches, applies what the live stream brings, moves the
 * cursor, and then tells. Screens read the store through the model and never
 * write to it.
 */
export class Sync {
  readonly store = new Store();
  readonly client: Client;
  readonly fetching: Fetching;
  readonly resources: Resources;
  readonly pending: Pending;
  me: Me | undefined;
  start: Start | undefined;
  presence: Presence = 'unknown';
  live: LiveState = 'off';
  /** When something last came over the live stream, in milliseconds. */
  heard = 0;
  fault: Fault | undefined;
  private stream: Live;
  private viewing: ID | '' = '';
  private typed = 0;

  constructor(client = new Client()) {
    this.client = client;
    this.fetching = new Fetching(client, this.store);
    this.resources = new Resources(client, this.store);
    this.pending = new Pending(client, this.store);
    client.onSignedOut = () => this.signedOut();
    this.stream = new Live({
      after: () => this.store.lsn,
      url: (transport, after) => {
        const url = new URL(client.href(transport === 'socket' ? '/live' : '/live/events', { after }), location.href);
        if (transport === 'socket') url.protocol = url.protocol.replace('http', 'ws');
        return url.href;
      },
      onFrame: (frame) => this.take(frame),
      onState: (state) => {
        this.live = state;
        this.store.changed('live');
      },
    });
  }

  /** Finds out who is here; nothing else happens before. */
  async open(): Promise<void> {
    this.fault = undefined;
    try {
      this.start = await this.client.get<Start>('/start');
      if (this.start.state === 'empty') return this.become('empty');
      await this.enter(rememberedWorkspace());
    } catch (error) {
      const fault = asFault(error);
      if (fault.status === 401) return this.become('out');
      this.fault = fault;
      this.become('unreachable');
    }
  }

  /** After a sign-in: who am I, and the live stream from there. */
  async enter(workspace = this.client.workspace): Promise<void> {
    this.client.workspace = workspace;
    try {
      this.me = await this.client.get<Me>('/me');
    } catch (error) {
      // The workspace that this browser remembers may be another person's, or gone.
      if (!workspace || asFault(error).status === 401 || asFault(error).again || asFault(error).code === 'second_factor.required') throw error;
      this.client.workspace = '';
      this.me = await this.client.get<Me>('/me');
    }
    this.stream.stop();
    this.store.clear();
    this.resources.clear();
    this.store.lsn = this.me.lsn;
    this.pending.restore(this.me.operator.id);
    this.store.changed('me');
    this.become('in');
    this.stream.start();
    void this.fetching.counts();
  }

  async refreshMe(): Promise<void> {
    this.me = await this.client.get<Me>('/me');
    this.store.changed('me');
  }

  /** Somebody took this operator out of the workspace: another of theirs is shown, or else why there is nothing. */
  private async shutOut(fault: Fault): Promise<void> {
    if (fault.status !== 403 && fault.status !== 404) return;
    try {
      await this.enter('');
    } catch (error) {
      this.signedOut();
      this.fault = asFault(error);
      this.become('unreachable');
    }
  }

  signedOut(): void {
    if (this.presence === 'out') return;
    this.stream.stop();
    this.me = undefined;
    this.store.clear();
    this.resources.clear();
    this.store.changed('me');
    this.become('out');
  }

  private become(presence: Presence): void {
    this.presence = presence;
    this.store.changed('presence');
  }

  private take(frame: Frame): void {
    const { store } = this;
    this.heard = Date.now();
    switch (frame.type) {
      case 'hello':
        if (frame.operators) this.present(frame.operators);
        this.stream.send({ type: 'viewing', conversation: this.viewing });
        // A desk that was restored from a backup counts from an earlier number.
        if (frame.lsn < store.lsn) {
          store.lsn = frame.lsn;
          void this.fetching.everything();
        }
        break;
      case 'entry':
        this.entry(frame.entry);
        break;
      case 'reset':
        store.lsn = frame.lsn;
        this.resources.changed('');
        void this.fetching.everything();
        break;
      case 'presence':
        this.present(frame.operators ?? []);
        break;
      case 'typing':
        this.showTyping(frame.conversation, frame.operator ?? frame.customer ?? '', frame.operator ? 'operator' : 'customer', frame.text ?? '');
        break;
    }
  }

  private entry(entry: Parameters<typeof apply>[1]): void {
    const me = this.me?.operator.id ?? '';
    const id = apply(this.store, entry, me);
    if (id) {
      const message = typeof entry.body.message === 'string' ? entry.body.message : '';
      if (message && entry.kind !== 'message.received') this.pending.arrived(message);
      if (entry.kind === 'message.received' || entry.kind === 'message.queued') this.stopTyping(id);
      if (entry.kind !== 'draft.saved') this.fetching.refreshLists();
      if (entry.kind.startsWith('message.') && entry.kind !== 'message.received' && entry.kind !== 'message.noted') this.resources.changed('/outbox');
      if (isEvent(entry.kind) && entry.kind.endsWith('tagged')) this.resources.changed('/tags');
      return;
    }
    if (entry.kind === 'setup.changed') {
      const what = String(entry.body.what ?? '');
      this.resources.changed('/' + what + 's', '/' + what);
      if (what === 'workspace' || what === 'operator') void this.refreshMe().catch((error) => this.shutOut(asFault(error)));
    } else if (entry.kind.startsWith('customer.') || entry.kind.startsWith('address.')) {
      this.resources.changed('/customers');
      for (const [cid, page] of this.store.pages) if (page.customer?.id === entry.subject) void this.fetching.page(cid);
    } else if (entry.kind.startsWith('arrival.')) this.resources.changed('/arrivals');
  }

  private present(operators: { id: ID; viewing: ID | '' }[]): void {
    this.store.viewers = operators;
    this.store.changed('viewers');
  }

  private showTyping(conversation: ID, who: ID, kind: 'operator' | 'customer', text: string): void {
    if (!conversation || (kind === 'operator' && who === this.me?.operator.id)) return;
    const until = Date.now() + 6000;
    this.store.typing.set(conversation, { who, kind, text, until });
    this.store.changed('typing:' + conversation);
    setTimeout(() => {
      if ((this.store.typing.get(conversation)?.until ?? 0) <= Date.now()) this.stopTyping(conversation);
    }, 6100);
  }

  private stopTyping(conversation: ID): void {
    if (this.store.typing.delete(conversation)) this.store.changed('typing:' + conversation);
  }

  /** Tells the others what is looked at here. */
  view(conversation: ID | ''): void {
    if (this.viewing === conversation) return;
    this.viewing = conversation;
    this.stream.send({ type: 'viewing', conversation });
  }

  /** Tells the others that somebody types here; at most every two seconds. */
  type(conversation: ID): void {
    if (Date.now() - this.typed < 2000) return;
    this.typed = Date.now();
    this.stream.send({ type: 'typing', conversation });
  }

  hurry(): void {
    this.stream.hurry();
  }

  async openConversation(id: ID): Promise<void> {
    await Promise.all([this.fetching.page(id), this.fetching.thread(id)]);
    this.pending.show(id);
  }

  /** Changes a conversation on the screen at once and on the desk next; a refusal puts it back. */
  async change(id: ID, change: Partial<Conversation>, command: () => Promise<unknown>): Promise<void> {
    const item = this.store.conversations.get(id);
    const page = this.store.pages.get(id);
    const before: Record<string, unknown> = {};
    for (const key of Object.keys(change)) before[key] = (item ?? page)?.[key as keyof Conversation];
    patchConversation(this.store, id, change);
    try {
      await command();
      this.fetching.refreshLists();
    } catch (error) {
      patchConversation(this.store, id, before as Partial<Conversation>);
      throw error;
    }
  }

  upload(file: File): Promise<Attachment> {
    return this.client.call<Attachment>('POST', '/attachments', { query: { name: file.name }, raw: file });
  }
}

/** The workspace that this browser looked at last. */
export const rememberedWorkspace = (): string => localStorage.getItem('holdfast.workspace') ?? '';

export const sync = new Sync();
