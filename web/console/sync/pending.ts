import type { Client } from '../../protocol/client';
import { byClock, emptyThread, putMessage, setThread } from './apply';
import type { Device, Packed } from './device';
import { isLocal, type Files } from './files';
import { newest, seen, standing } from './standing';
import type { Store } from './store';
import { asFault, Fault, type Conversation, type ConversationPage, type ID, type List, type Message } from './words';
import { begun, isText, localMessage, looksFirst, plainFault, textWork, withdrawal, type Outgoing, type Work } from './work';

interface Row { n: number; id: ID; operator: ID; workspace: ID; s: Packed }
type Outcome = 'done' | 'refused' | 'held' | 'later' | 'unreachable';

/** Milliseconds in which the desk must answer; one that takes longer is out of reach. */
const patience = 8000;

/**
 * The outbox of this device. What is put here is on the disk before the screen shows
 * it, goes out in order for each conversation and once, by whichever tab is there,
 * and leaves only when the desk has it or a person says so.
 *
 * It refuses to send a reply or a change of status that waited into a conversation
 * that went on meanwhile: that is held until a person has looked.
 */
export class Pending {
  /** Told that what the screen shows of a conversation is no longer what the desk has. */
  onStale: (conversation: ID) => void = () => {};
  /** In the order of writing. */
  list: Work[] = [];
  private operator: ID = '';
  private workspace: ID = '';
  private sending: ID = '';
  /** Those whose writer waits to hear how the first try went. */
  private readonly waiters = new Map<ID, (f: Fault | undefined) => void>();
  private readonly sent = new Set<ID>();
  private readonly moved = new Set<ID>();
  private running: Promise<void> | undefined;
  private again = false;
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private readonly tabs: BroadcastChannel | undefined;

  constructor(
    private readonly client: Client,
    private readonly store: Store,
    private readonly device: Device,
    /** Whether the live stream is there and has brought everything: then what is written is written knowingly. */
    private readonly current: () => boolean = () => true,
    private readonly files?: Files,
    channel: string | undefined = typeof window === 'undefined' ? undefined : 'holdfast.outbox',
  ) {
    this.tabs = channel && typeof BroadcastChannel !== 'undefined' ? new BroadcastChannel(channel) : undefined;
    if (this.tabs) this.tabs.onmessage = () => void this.reload();
  }

  /** Brings back what earlier pages left unsent by this operator; what is another's stays where it is. */
  async restore(operator: ID, workspace: ID): Promise<void> {
    this.operator = operator;
    this.workspace = workspace;
    await this.reload();
    const rows = await this.device.shelf.all<Row>('work').catch(() => []);
    // Another's work cannot be read, and so nobody knows which files it names.
    if (rows.length === this.list.length) await this.files?.tidy(new Set(this.list.flatMap((w) => w.outgoing?.attachments.map((a) => a.id) ?? [])));
  }

  /** Forgets what it knows, not what is on the disk. */
  clear(): void {
    clearTimeout(this.timer);
    this.operator = '';
    this.list = [];
    this.store.changed('work');
  }

  /** How much of somebody's is only on this device, without marks of reading. */
  get count(): number {
    return this.list.filter((w) => w.kind !== 'read' && w.kind !== 'withdraw').length;
  }

  private async reload(): Promise<void> {
    if (!this.operator) return;
    const before = new Set(this.list.map((w) => w.conversation));
    let rows: { value: Work }[];
    // What changes here while the disk is read must not be undone by what the disk said before.
    for (let turn = -1; turn !== this.turn; ) {
      turn = this.turn;
      rows = await this.device.read<Work, Row>('work', (r) => r.operator === this.operator && r.workspace === this.workspace);
    }
    this.list = rows!.map((r) => r.value);
    for (const w of this.list) before.add(w.conversation);
    for (const id of before) this.show(id);
  }

  /** What is waiting, on top of what the desk said. */
  over<C extends Conversation>(c: C): C {
    let out = c;
    for (const w of this.list) if (w.conversation === c.id && w.change && w.state !== 'refused') out = { ...out, ...w.change };
    return out;
  }

  /** Puts what is unsent into a thread. */
  show(conversation: ID): void {
    const mine = this.list.filter((w) => w.conversation === conversation && w.outgoing);
    const begins = mine.find((w) => w.kind === 'start');
    if (begins && !this.store.pages.has(conversation)) {
      const page = begun(begins);
      this.store.pages.set(conversation, page);
      this.store.conversations.set(conversation, page);
      this.store.changed('conversations');
    }
    const thread = this.store.threads.get(conversation);
    if (mine.length || thread?.messages.some((m) => m.local)) {
      const real = (thread?.messages ?? []).filter((m) => !m.local);
      const have = new Set(real.map((m) => m.id));
      const local = mine.filter((w) => !have.has(w.id)).map((w) => localMessage(w, this.stateOf(w)));
      setThread(this.store, conversation, { ...(thread ?? emptyThread), ...(begins ? { loaded: true, earlier: false } : {}), messages: [...real, ...local] });
      for (const w of mine) if (have.has(w.id)) void this.arrived(w.id);
    }
    const now = this.store.conversations.get(conversation);
    if (now) this.store.conversations.set(conversation, this.over(now));
    const page = this.store.pages.get(conversation);
    if (page) this.store.pages.set(conversation, this.over(page));
    this.store.changed('conversation:' + conversation);
    this.store.changed('conversations');
    this.store.changed('work');
  }

  private stateOf(w: Work): 'sending' | 'unsent' | 'held' | 'refused' {
    if (w.state !== 'waiting') return w.state;
    return this.sending === w.id || (this.waiters.has(w.id) && this.current()) ? 'sending' : 'unsent';
  }

  /** Sends a reply or a note. */
  send(o: Outgoing): Promise<void> {
    const seen_lsn = o.note ? undefined : seen(this.store, o.conversation);
    return this.submit(textWork({ ...o, seen_lsn }, newest(this.store, o.conversation), standing(this.store, o.conversation)));
  }

  /** Changes a conversation: on this device now, on the desk as soon as it can be. */
  change(w: Pick<Work, 'id' | 'kind' | 'conversation' | 'method' | 'path' | 'body' | 'change' | 'at'>): Promise<void> {
    return this.submit({ ...w, state: 'waiting', since: newest(this.store, w.conversation), was: standing(this.store, w.conversation) });
  }

  /**
   * Keeps the work, shows it and tries it. It resolves when the desk has it or is out
   * of reach, and throws when the work could not be kept or the desk refused it.
   */
  async submit(w: Work): Promise<void> {
    w.late = !this.current();
    // Of the marks of reading in one conversation the last one says it all.
    if (w.kind === 'read') for (const x of this.list) if (x.kind === 'read' && x.conversation === w.conversation && x.id !== this.sending) await this.forget(x.id);
    try {
      await this.put(w);
    } catch {
      throw new Fault(0, 'device.full', 'This device cannot keep what you wrote.');
    }
    this.turn++;
    this.list = [...this.list.filter((x) => x.id !== w.id), w];
    const outcome = new Promise<Fault | undefined>((resolve) => this.waiters.set(w.id, resolve));
    this.show(w.conversation);
    this.pump();
    if (w.late) this.settle(w.id);
    const fault = await outcome;
    if (fault) throw fault;
  }

  /** Takes in work that was carried here from another device; what is here already stays as it is. How many came. */
  async bring(work: Work[]): Promise<number> {
    let n = 0;
    for (const w of work) {
      if (this.list.some((x) => x.id === w.id)) continue;
      n++;
      const mine = { ...w, late: true, state: 'waiting' as const, fault: undefined, ...(w.outgoing ? { outgoing: { ...w.outgoing, author: this.operator } } : {}) };
      this.list = [...this.list, mine];
      await this.put(mine);
      this.show(w.conversation);
    }
    this.pump();
    return n;
  }

  private async put(w: Work): Promise<void> {
    const s = await this.device.pack(w);
    this.turn++;
    await this.device.shelf.change<Row>('work', w.id, (now, last) => ({ n: now?.n ?? (last?.n ?? 0) + 1, id: w.id, operator: this.operator, workspace: this.workspace, s }));
    this.tabs?.postMessage('changed');
  }

  /** Tries to send what waits. One tab does it at a time; another one's turn begins with what is on the disk then. */
  pump(): void {
    if (this.running) {
      this.again = true;
      return;
    }
    this.again = false;
    const run = () => this.run();
    const locks = globalThis.navigator?.locks;
    this.running = (locks ? locks.request('holdfast.outbox', run) : run()).catch(() => {}).then(() => {
      this.running = undefined;
      if (this.again) this.pump();
    });
  }

  /** When what is being tried now has been tried, for tests. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    await this.reload();
    const stuck = new Set<ID>();
    const done = new Set<ID>();
    let later = false;
    for (let w: Work | undefined; (w = this.list.find((x) => !done.has(x.id) && !stuck.has(x.conversation))); ) {
      done.add(w.id);
      if (w.state !== 'waiting') {
        if (isText(w) || w.state === 'held') stuck.add(w.conversation);
        continue;
      }
      const outcome = await this.attempt(w);
      if (outcome !== 'done') stuck.add(w.conversation);
      if (outcome === 'later') later = true;
      if (outcome === 'unreachable') {
        later = true;
        break;
      }
    }
    for (const id of [...this.waiters.keys()]) this.settle(id);
    if (!later) this.failures = 0;
    else if (this.operator) this.timer = setTimeout(() => this.pump(), Math.min(15_000, 1500 * 2 ** Math.min(this.failures++, 4)));
  }

  private settle(id: ID, fault?: Fault): void {
    const tell = this.waiters.get(id);
    this.waiters.delete(id);
    tell?.(fault);
    const w = this.list.find((x) => x.id === id);
    if (w) this.show(w.conversation);
  }

  private async attempt(w: Work): Promise<Outcome> {
    this.sending = w.id;
    this.show(w.conversation);
    try {
      if (w.late && looksFirst(w)) {
        const news = await this.news(w);
        if (news === 'there') return await this.finish(w);
        if (news) return await this.decide(w, 'held', undefined, news);
      }
      if (this.files && w.outgoing?.attachments.some(isLocal)) w = await this.withFiles(w, this.files);
      const answer = await this.client.call<Message | null>(w.method, w.path, { body: w.method === 'DELETE' ? undefined : w.body, key: isText(w) ? undefined : w.id, deadline: patience });
      return await this.finish(w, w.kind === 'reply' || w.kind === 'note' ? answer : null);
    } catch (error) {
      const fault = asFault(error);
      const now = this.store.threads.get(w.conversation)?.messages.find((m) => m.id === w.id);
      if (now && !now.local) return await this.finish(w);
      if (fault.status === 0 || fault.status === 401 || fault.status === 429) {
        // From now on it is an old one: the conversation may go on before it is sent.
        await this.keep({ ...w, late: true });
        return 'unreachable';
      }
      if (fault.again) {
        await this.keep({ ...w, late: true });
        return 'later';
      }
      if (fault.code === 'conversation.changed') return await this.decide(w, 'held', fault, fault.since as Message[]);
      // It had never come there: so it is back.
      if (w.kind === 'withdraw' && fault.status === 404) return await this.finish(w);
      return await this.decide(w, 'refused', fault);
    } finally {
      this.sending = '';
      this.show(w.conversation);
    }
  }

  /** Gives the desk the files of a message before it; what is there stays named, however often this is cut short. */
  private async withFiles(w: Work, files: Files): Promise<Work> {
    for (const a of w.outgoing!.attachments.filter(isLocal)) {
      const there = await files.send(a);
      const attachments = w.outgoing!.attachments.map((x) => (x.id === a.id ? there : x));
      w = { ...w, outgoing: { ...w.outgoing!, attachments }, body: { ...(w.body as object), attachments } };
      await this.keep(w);
      await files.forget([a.id]);
    }
    return w;
  }

  /** What came into the conversation since this was written; "there" when this itself did. */
  private async news(w: Work): Promise<Message[] | 'there' | undefined> {
    const [page, messages] = await Promise.all([
      this.client.call<ConversationPage>('GET', '/conversations/' + w.conversation, { deadline: patience }),
      this.client.call<List<Message>>('GET', `/conversations/${w.conversation}/messages`, { query: { limit: 50 }, deadline: patience }),
    ]);
    if (messages.items.some((m) => m.id === w.id)) return 'there';
    const since = { clock: w.since, id: '~' } as Message;
    const news = messages.items.filter((m) => !this.sent.has(m.id) && (isText(w) || m.direction !== 'note') && (!w.since || byClock(m, since) > 0));
    const status = page.state || page.status;
    const turned = !this.moved.has(w.conversation) && w.was && (status !== w.was.status || (page.operator ?? '') !== w.was.operator);
    return news.length || turned ? news : undefined;
  }

  /** The desk has it. */
  private async finish(w: Work, answer: Message | null = null): Promise<Outcome> {
    this.sent.add(w.id);
    this.moved.add(w.conversation);
    await this.forget(w.id);
    const now = this.store.threads.get(w.conversation)?.messages.find((m) => m.id === w.id);
    // The live stream may have been quicker, and may know more.
    if (answer && (!now || now.local)) putMessage(this.store, w.conversation, answer);
    if (w.kind === 'start') this.onStale(w.conversation);
    this.settle(w.id);
    return 'done';
  }

  private async decide(w: Work, state: 'held' | 'refused', fault?: Fault, news?: Message[]): Promise<Outcome> {
    const asked = this.waiters.has(w.id);
    // A mark of reading is worth nobody's time; a change whose maker stands before the screen is told to them.
    if (state === 'refused' && (w.kind === 'read' || (asked && (!isText(w) || w.kind === 'start')))) {
      await this.forget(w.id);
      if (w.kind === 'start') for (const kept of [this.store.pages, this.store.conversations, this.store.threads]) kept.delete(w.conversation);
      else this.onStale(w.conversation);
      this.settle(w.id, w.kind === 'read' ? undefined : fault);
      return 'done';
    }
    if (news && this.store.threads.has(w.conversation)) for (const m of news) putMessage(this.store, w.conversation, m);
    const met = news?.filter((m) => m.direction !== 'note' && !(m.direction === 'out' && m.author === this.operator));
    await this.keep({ ...w, state, fault: fault && plainFault(fault), news: news?.length, met });
    this.settle(w.id, state === 'refused' ? fault : undefined);
    return state;
  }

  private async keep(w: Work): Promise<void> {
    if (!this.list.some((x) => x.id === w.id)) return;
    this.list = this.list.map((x) => (x.id === w.id ? w : x));
    await this.put(w);
  }

  /** Sends what waits, was refused or is held: somebody looked at it. */
  async retry(id: ID): Promise<void> {
    const w = this.list.find((x) => x.id === id);
    if (!w) return;
    // Who was shown what came and sends it all the same need not be asked twice.
    const body = w.state === 'held' && w.kind === 'reply' ? { ...(w.body as object), anyway: true } : w.body;
    if (w.state !== 'waiting') await this.keep({ ...w, body, state: 'waiting', late: w.state === 'held' ? false : w.late, fault: undefined, news: undefined, met: undefined });
    this.failures = 0;
    const outcome = new Promise<Fault | undefined>((resolve) => this.waiters.set(id, resolve));
    this.pump();
    const fault = await outcome;
    if (fault) throw fault;
  }

  /** Takes an unsent text back and returns it, so that it can be edited. */
  async take(id: ID): Promise<Outgoing | undefined> {
    const w = this.list.find((x) => x.id === id);
    if (!w) return;
    await this.drop(id);
    return w.outgoing;
  }

  /** Gives work up. */
  async drop(id: ID): Promise<void> {
    const w = this.list.find((x) => x.id === id);
    if (!w) return;
    if (w.kind === 'reply' && w.state === 'waiting') {
      // It may be on its way, or its answer was lost: the desk is told, whatever it has.
      const back = withdrawal(w);
      await this.put(back);
      this.list = [...this.list, back];
    }
    await this.forget(id);
    this.show(w.conversation);
    this.onStale(w.conversation);
    this.pump();
  }

  /** An entry brought this message: it is on the desk's disk. */
  async arrived(id: ID): Promise<void> {
    if (!this.list.some((w) => w.id === id)) return;
    this.sent.add(id);
    await this.forget(id);
    this.settle(id);
  }

  private async forget(id: ID): Promise<void> {
    const w = this.list.find((x) => x.id === id);
    this.list = this.list.filter((x) => x.id !== id);
    this.turn++;
    await this.device.shelf.remove('work', id);
    this.turn++;
    this.tabs?.postMessage('changed');
    if (w) this.show(w.conversation);
  }
}
