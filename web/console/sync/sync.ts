import { Client } from '../../protocol/client';
import { Live, type LiveState } from '../../protocol/live';
import { apply } from './apply';
import { Device } from './device';
import { Fetching, throttled } from './fetching';
import { Files } from './files';
import { outdated, rearranged } from './heed';
import { Keeper } from './keeper';
import { keptHere } from './known';
import { Nearby } from './nearby';
import { Pending } from './pending';
import { Resources } from './resource';
import { Store } from './store';
import { Update } from './update';
import { Waiting } from './waiting';
import { startWork, type Beginning, type Work } from './work';
import { asFault, uuid7, type Attachment, type Conversation, type Fault, type Frame, type ID, type Me, type Start } from './words';

/** Who is here: not known yet, nobody, somebody, or somebody whose things a PIN guards while the desk is away. */
export type Presence = 'unknown' | 'empty' | 'out' | 'in' | 'unreachable' | 'locked';

/** Set from a sign-out until the desk knows of it. */
const leaving = 'holdfast.leaving';
/** Milliseconds that a desk has to answer when this device could go on without it. */
const patience = 6000;

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
  readonly files: Files;
  readonly pending: Pending;
  readonly device: Device;
  readonly keeper: Keeper;
  readonly update: Update;
  readonly nearby: Nearby;
  readonly waiting: Waiting;
  me: Me | undefined;
  start: Start | undefined;
  presence: Presence = 'unknown';
  live: LiveState = 'off';
  /** When something last came over the live stream, in milliseconds. */
  heard = 0;
  fault: Fault | undefined;
  /** Whether the desk itself said who is here; until then this device says so. */
  private verified = false;
  /** Whether the live stream has brought everything that was missed. */
  private caughtUp = false;
  /** Whose things are on the screen. */
  private shown = '';
  private opening: Promise<void> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private noted = 0;
  private stream: Live;

  constructor(client = new Client(), device = new Device()) {
    this.client = client;
    this.device = device;
    this.fetching = new Fetching(client, this.store);
    this.resources = new Resources(client, this.store);
    this.files = new Files(client, device);
    this.pending = new Pending(client, this.store, device, () => this.caughtUp, this.files);
    this.keeper = new Keeper(client, this.store, device);
    this.update = new Update(() => this.store.changed('update'));
    this.nearby = new Nearby(this.store, (frame) => this.stream.send(frame));
    this.waiting = new Waiting(client, this.store);
    this.fetching.over = (c) => this.pending.over(c);
    this.fetching.kept = keptHere(this);
    this.fetching.onLists = throttled(2500, async () => this.resources.changed('/views/counts'));
    this.resources.onFetched = (path, data) => this.keeper.resource(path, data);
    this.resources.offline = (path) => this.keeper.answer(path);
    this.pending.onStale = (id) => {
      void this.fetching.page(id);
      if (this.store.threads.has(id)) void this.fetching.thread(id, true);
    };
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
        // The desk ends the stream of whoever may look no more before it says why.
        if (this.live === 'live' && state !== 'live') void this.refreshMe().catch((error) => this.shutOut(asFault(error)));
        this.live = state;
        if (state !== 'live') {
          this.caughtUp = false;
          this.keeper.upto = 0;
        }
        this.store.changed('live');
      },
    });
  }

  /** Finds out who is here: from this device at once, and from the desk as soon as it answers. */
  open(): Promise<void> {
    return (this.opening ??= this.find().finally(() => (this.opening = undefined)));
  }

  private async find(): Promise<void> {
    clearTimeout(this.retry);
    this.fault = undefined;
    if (this.presence === 'unknown' && (await this.device.open()) === 'ready') await this.fromDevice();
    const known = this.device.state !== 'none';
    try {
      if (localStorage.getItem(leaving)) await this.finishLeaving();
      this.start = await this.client.call<Start>('GET', '/start', known ? { deadline: patience } : {});
      if (this.start.state === 'empty') return this.become('empty');
      await this.enter(rememberedWorkspace());
    } catch (error) {
      const fault = asFault(error);
      if (fault.status === 401) return this.signedOut();
      if (known && fault.again) return this.cutOff(fault);
      this.fault = fault;
      this.become('unreachable');
    }
  }

  /** The desk does not answer: this device goes on with what it has, and asks again and again. */
  private cutOff(fault: Fault): void {
    this.live = 'lost';
    this.store.changed('live');
    if (this.presence !== 'in') {
      this.fault = fault;
      this.become(this.device.state === 'locked' ? 'locked' : 'unreachable');
    }
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.open(), 4000);
  }

  private async fromDevice(): Promise<void> {
    this.me = await this.device.me();
    if (!this.me) return;
    this.client.workspace = rememberedWorkspace();
    await this.restore(this.me);
    this.heard = this.device.person?.contact ?? 0;
    this.live = 'connecting';
    this.become('in');
  }

  private async restore(me: Me): Promise<void> {
    this.shown = me.operator.id + me.workspace.id;
    this.keeper.me = me.operator.id;
    const { resources } = await this.keeper.restore();
    for (const [path, data] of resources) this.resources.restore(path, data);
    this.store.lsn = this.device.person?.lsn ?? 0;
    await this.pending.restore(me.operator.id, me.workspace.id);
    this.fetching.localCounts();
    this.store.changed('me');
  }

  /** Opens what this device keeps while the desk is away; how many tries are left, or true. */
  async unlock(pin: string): Promise<true | number> {
    const answer = await this.device.unlock(pin);
    if (answer === true) {
      await this.fromDevice();
      void this.open();
    } else if (answer === 0) this.become('unreachable');
    return answer;
  }

  /** After a sign-in: who am I, and the live stream from there. */
  async enter(workspace = this.client.workspace): Promise<void> {
    this.client.workspace = workspace;
    const deadline = this.device.state === 'none' ? {} : { deadline: patience };
    let me: Me;
    try {
      me = await this.client.call<Me>('GET', '/me', deadline);
    } catch (error) {
      // The workspace that this browser remembers may be another person's, or gone.
      if (!workspace || asFault(error).status === 401 || asFault(error).again || asFault(error).code === 'second_factor.required') throw error;
      this.client.workspace = '';
      me = await this.client.call<Me>('GET', '/me', deadline);
    }
    const mine = await this.device.welcome(me, await this.deskKey()).catch(() => false);
    this.stream.stop();
    this.me = me;
    const who = me.operator.id + me.workspace.id;
    if (!mine || this.shown !== who) {
      this.forget();
      await this.restore(me);
    }
    if (!this.store.lsn) {
      this.store.lsn = me.lsn;
      // What is looked at already was made from who knows when.
      if (this.store.threads.size || this.store.listings.size) void this.fetching.everything();
    }
    this.verified = true;
    this.store.changed('me');
    this.become('in');
    this.stream.start();
    void this.fetching.counts();
  }

  /** What the desk locks this operator's things with; without one they are kept for this device alone. */
  async deskKey(): Promise<string | undefined> {
    try {
      return await this.device.ask(this.client, patience);
    } catch (error) {
      if (asFault(error).again) throw error;
      return undefined;
    }
  }

  async refreshMe(): Promise<void> {
    this.me = await this.client.get<Me>('/me');
    this.store.changed('me');
  }

  /** Somebody took this operator out of the workspace: another of theirs is shown, or else why there is nothing. */
  private async shutOut(fault: Fault): Promise<void> {
    if (this.presence !== 'in' || (fault.status !== 403 && fault.status !== 404)) return;
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
    clearTimeout(this.retry);
    this.forget();
    this.me = undefined;
    this.store.changed('me');
    this.become('out');
    void this.device.leave();
  }

  /** Takes everything off the screen. */
  private forget(): void {
    this.stream.stop();
    this.verified = false;
    this.shown = '';
    for (const x of [this.keeper, this.pending, this.store, this.resources]) x.clear();
  }

  /** Signs out: here at once, and on the desk as soon as it answers. */
  async leave(): Promise<void> {
    localStorage.setItem(leaving, '1');
    const told = this.finishLeaving().catch(() => {});
    this.signedOut();
    await told;
  }

  private async finishLeaving(): Promise<void> {
    await this.client.call('DELETE', '/session', { deadline: patience }).catch((error) => {
      if (asFault(error).again) throw error;
    });
    localStorage.removeItem(leaving);
  }

  /** Closes this device when the desk has been away for too long. */
  expire(): void {
    if (this.presence !== 'in' || this.live === 'live' || this.device.state !== 'ready' || !this.device.tooLong()) return;
    this.device.lock();
    this.forget();
    this.become('unreachable');
    void this.open();
  }

  private become(presence: Presence): void {
    this.presence = presence;
    this.store.changed('presence');
  }

  private take(frame: Frame): void {
    const { store } = this;
    this.heard = Date.now();
    this.noteHeard();
    switch (frame.type) {
      case 'hello':
        if (frame.operators) this.nearby.present(frame.operators);
        this.nearby.again();
        // A desk that was restored from a backup counts from an earlier number.
        if (frame.lsn < store.lsn) {
          store.lsn = frame.lsn;
          void this.keeper.anew().catch(() => {}).then(() => this.fetching.everything());
        }
        break;
      case 'entry':
        if (this.caughtUp) this.waiting.hear(frame.entry.at);
        this.entry(frame.entry);
        break;
      case 'ping':
        this.waiting.hear(frame.at);
        break;
      case 'caught_up':
        this.caughtUp = true;
        this.noteHeard();
        this.pending.pump();
        this.resources.reached();
        this.fetching.refreshLists();
        this.update.check();
        setTimeout(() => this.caughtUp && void this.keeper.fill((items) => this.fetching.keep(items)), 1500);
        break;
      case 'reset':
        store.lsn = frame.lsn;
        this.resources.changed('');
        void this.fetching.everything();
        break;
      case 'presence':
        this.nearby.present(frame.operators ?? []);
        break;
      case 'typing':
        if (!frame.operator || frame.operator !== this.me?.operator.id) this.nearby.showTyping(frame.conversation, frame.operator ?? frame.customer ?? '', frame.operator ? 'operator' : 'customer', frame.text ?? '');
        break;
    }
  }

  /** What is on the screen is whole up to its number, and the desk was there just now. */
  private noteHeard(): void {
    if (!this.caughtUp) return;
    this.keeper.upto = this.store.lsn;
    if (Date.now() - this.noted < 20_000) return;
    this.noted = Date.now();
    this.store.changed('heard');
    if (this.device.stale) void this.deskKey().catch(() => {});
    void this.keeper.write().catch(() => {});
  }

  private entry(entry: Parameters<typeof apply>[1]): void {
    const me = this.me?.operator.id ?? '';
    const id = apply(this.store, entry, me);
    this.resources.changed(...outdated(entry));
    if (id) {
      const message = typeof entry.body.message === 'string' ? entry.body.message : '';
      if (message && entry.kind !== 'message.received') void this.pending.arrived(message);
      if (entry.kind === 'message.received' || entry.kind === 'message.queued') this.nearby.stopTyping(id);
      if (entry.kind === 'message.noted') this.keeper.noted(id, entry.body.mentions);
      if (entry.kind !== 'draft.saved') this.fetching.refreshLists();
      for (const other of rearranged(entry)) void this.fetching.anew(other);
      return;
    }
    if (entry.kind === 'setup.changed') {
      const what = String(entry.body.what ?? '');
      if (what === 'workspace' || what === 'operator') void this.refreshMe().catch((error) => this.shutOut(asFault(error)));
    } else if (entry.kind.startsWith('customer.') || entry.kind.startsWith('address.')) {
      for (const [cid, page] of this.store.pages) if (page.customer?.id === entry.subject) void this.fetching.page(cid);
    } else if (entry.kind.startsWith('view.')) this.fetching.refreshLists();
  }

  hurry(): void {
    if (this.verified) this.stream.hurry();
    else if (this.presence !== 'out') void this.open();
    this.pending.pump();
  }

  async openConversation(id: ID): Promise<void> {
    await Promise.all([this.fetching.page(id), this.fetching.thread(id)]);
    this.pending.show(id);
  }

  /** Changes a conversation on this device now and on the desk as soon as it can be; it throws what the desk refused. */
  act(kind: Work['kind'], id: ID, change: Partial<Conversation>, method: Work['method'], path: string, body?: unknown): Promise<void> {
    return this.pending.change({
      id: uuid7(), kind, conversation: id, method, path: `/conversations/${id}/${path}`, body, change, at: new Date().toISOString(),
    }).then(() => this.fetching.refreshLists());
  }

  /** Begins a conversation, with its first message. */
  begin(b: Beginning): Promise<void> {
    return this.pending.submit(startWork(b, this.me?.operator.id ?? '', new Date().toISOString()));
  }

  /** Keeps what is being written, for a desk that cannot be reached; without a draft it is forgotten. */
  keepDraft(id: ID, draft: { text: string; note: boolean } | undefined): Promise<void> {
    return this.device.hold('drafts', (this.me?.operator.id ?? '') + id, draft);
  }

  keptDraft(id: ID): Promise<{ text: string; note: boolean } | undefined> {
    return this.device.held('drafts', (this.me?.operator.id ?? '') + id);
  }

  upload(file: File): Promise<Attachment> {
    return this.files.upload(file, this.live === 'live');
  }
}

/** The workspace that this browser looked at last. */
export const rememberedWorkspace = (): string => localStorage.getItem('holdfast.workspace') ?? '';
export const sync = new Sync();
