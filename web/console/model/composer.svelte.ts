import { patchConversation } from '../sync/apply';
import { sync } from '../sync/sync';
import { asFault, uuid7, type Attachment, type ID, type Outgoing, type Status } from './words';
import { colleagues, me } from './desk';
import { mentioned } from './mentions';
import { screen } from './screen.svelte';

export interface Upload {
  key: string;
  name: string;
  size: number;
  state: 'uploading' | 'done' | 'failed';
  attachment?: Attachment;
  /** Missing where the desk has it already. */
  file?: File;
}

/** What is being written in one conversation. */
export class Draft {
  text = $state('');
  note = $state(false);
  cc = $state('');
  bcc = $state('');
  channel = $state('');
  subject = $state('');
  uploads = $state.raw<Upload[]>([]);
  saved = $state<'' | 'saving' | 'saved'>('');
  /** The newest entry when the first letter was written; 0 while nothing is. */
  began = $state(0);
  /** The colleague who began it, until it is changed or sent. */
  by = $state<ID>('');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private touched = false;
  private adopted = false;
  private handed = '';
  private picked: ID[] = [];

  constructor(readonly conversation: ID) {}

  /** Takes the desk's copy, once, unless something was written here already. */
  adopt(draft: { text: string; note: boolean; at?: string; by?: ID } | null | undefined): void {
    // What was handed over later is offered once, too.
    const handed = !!draft?.by && draft.at !== this.handed;
    if (this.adopted && !handed) return;
    if (handed) this.handed = draft.at ?? '';
    // A page that this device kept does not know the draft.
    this.adopted = draft !== undefined;
    // What the desk never got is newer than what it has.
    void sync.keptDraft(this.conversation).then((kept) => {
      const d = kept ?? draft;
      if (this.touched || this.text || !d) return;
      this.text = d.text;
      this.note = d.note;
      this.by = (!kept && draft?.by) || '';
    });
  }

  /** This operator was chosen by hand: of two with one name it is this one who is meant. */
  meant(operator: ID): void {
    this.picked = [operator, ...this.picked];
  }

  /** Takes back what could not be sent, before what has been written since. */
  resume(o: Outgoing): void {
    this.text = this.text ? o.text + '\n\n' + this.text : o.text;
    this.note = o.note;
    this.channel = o.channel || this.channel;
    this.cc = o.cc?.join(', ') ?? this.cc;
    this.bcc = o.bcc?.join(', ') ?? this.bcc;
    this.uploads = [...o.attachments.map((a): Upload => ({ key: uuid7(), name: a.name, size: a.size, state: 'done', attachment: a })), ...this.uploads];
    this.edited();
  }

  /** Saves on the desk a moment after the last letter. */
  edited(): void {
    this.touched = true;
    this.by = '';
    this.began = this.text ? this.began || (sync.pending.seen(this.conversation) ?? 0) : 0;
    this.saved = 'saving';
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), 800);
  }

  async save(): Promise<void> {
    clearTimeout(this.timer);
    const { text, note } = this;
    await this.keep();
    patchConversation(sync.store, this.conversation, { drafting: text !== '' });
    try {
      await sync.client.put(`/conversations/${this.conversation}/draft`, { text, note });
      if (this.text === text) await sync.keepDraft(this.conversation, undefined);
      this.saved = this.text ? 'saved' : '';
    } catch {
      // The text is still in the field and on this device; the next letter tries again.
      this.saved = '';
    }
  }

  /** Puts the text on this device. */
  keep(): Promise<void> {
    return this.touched || !this.text ? sync.keepDraft(this.conversation, this.text ? { text: this.text, note: this.note } : undefined) : Promise.resolve();
  }

  async attach(files: Iterable<File>): Promise<void> {
    await Promise.all(
      [...files].map(async (file) => {
        const upload: Upload = { key: uuid7(), name: file.name || 'file', size: file.size, state: 'uploading', file };
        this.uploads = [...this.uploads, upload];
        await this.upload(upload);
      }),
    );
  }

  async upload(upload: Upload): Promise<void> {
    if (!upload.file) return;
    this.setUpload({ ...upload, state: 'uploading' });
    try {
      const attachment = await sync.upload(upload.file);
      this.setUpload({ ...upload, state: 'done', attachment });
    } catch (error) {
      this.setUpload({ ...upload, state: 'failed' });
      screen.blame(asFault(error));
    }
  }

  remove(key: string): void {
    this.uploads = this.uploads.filter((u) => u.key !== key);
  }

  get ready(): boolean {
    return (this.text.trim() !== '' || this.uploads.length > 0) && this.uploads.every((u) => u.state === 'done');
  }

  /** Turns what is written into something to send, and empties the field. */
  outgoing(channel: ID, then: Status): Outgoing {
    const people = (s: string) => s.split(/[,;\s]+/).filter(Boolean);
    const o: Outgoing = {
      id: uuid7(), conversation: this.conversation, note: this.note, author: me().operator.id, channel: this.note ? '' : this.channel || channel,
      text: this.text.trim(), subject: this.note ? undefined : this.subject || undefined,
      cc: this.note || !this.cc ? undefined : people(this.cc), bcc: this.note || !this.bcc ? undefined : people(this.bcc),
      attachments: this.uploads.flatMap((u) => (u.attachment ? [u.attachment] : [])),
      mentions: this.note ? mentioned(this.text, [...colleagues()].sort((a, b) => Number(this.picked.includes(b.id)) - Number(this.picked.includes(a.id)))) : undefined,
      then, at: new Date().toISOString(),
    };
    clearTimeout(this.timer);
    this.text = '';
    this.cc = this.bcc = this.subject = '';
    this.uploads = [];
    this.picked = [];
    this.saved = '';
    this.by = '';
    this.began = 0;
    this.touched = false;
    return o;
  }

  private setUpload(u: Upload): void {
    this.uploads = this.uploads.map((x) => (x.key === u.key ? u : x));
  }
}

const drafts = new Map<string, Draft>();

/** Before the page is loaded again: everything that is being written goes onto this device. */
export const keepDrafts = async (): Promise<void> => void (await Promise.all([...drafts.values()].map((d) => d.keep())));

/** One draft for each conversation, and for each person who signs in on this page. */
export function draftOf(conversation: ID): Draft {
  const key = me().operator.id + conversation;
  let d = drafts.get(key);
  if (!d) drafts.set(key, (d = new Draft(conversation)));
  return d;
}
