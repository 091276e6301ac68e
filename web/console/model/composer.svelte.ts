import { patchConversation } from '../sync/apply';
import { seen } from '../sync/standing';
import { sync } from '../sync/sync';
import { asFault, uuid7, type Attachment, type ID, type Outgoing, type Status } from './words';
import { colleagues, kindOf, me } from './desk';
import { say, withoutPictures, type Said } from './markup/outgoing';
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
  /** Of a picture that stands in the text: its Content-ID there, its width in pixels and where this page has it. */
  cid?: string;
  width?: number;
  url?: string;
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
    const said = o.source ?? o.text;
    this.text = this.text ? said + '\n\n' + this.text : said;
    this.note = o.note;
    this.channel = o.channel || this.channel;
    this.cc = o.cc?.join(', ') ?? this.cc;
    this.bcc = o.bcc?.join(', ') ?? this.bcc;
    this.uploads = [...o.attachments.map((a): Upload => ({ key: uuid7(), name: a.name, size: a.size, state: 'done', attachment: a, cid: a.cid })), ...this.uploads];
    this.edited();
  }

  /** Saves on the desk a moment after the last letter. */
  edited(): void {
    this.touched = true;
    this.by = '';
    this.began = this.text ? this.began || (seen(sync.store, this.conversation) ?? 0) : 0;
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

  /** Uploads a picture that will stand in the text, and says under which Content-ID. */
  place(file: File): string {
    const key = uuid7();
    const upload: Upload = { key, name: file.name || 'picture.png', size: file.size, state: 'uploading', file, cid: key + '@desk', url: URL.createObjectURL(file) };
    this.uploads = [...this.uploads, upload];
    void this.upload(upload);
    void createImageBitmap(file).then(({ width }) => this.change(key, { width }), () => {});
    return upload.cid!;
  }

  /** The picture with this Content-ID, if its file is here. */
  picture(cid: string): Upload | undefined {
    return this.uploads.find((u) => u.cid === cid);
  }

  /** Without the pictures that were taken out of the text. */
  private get used(): Upload[] {
    return this.uploads.filter((u) => !u.cid || this.text.includes('cid:' + u.cid));
  }

  /** Those to be listed as files: a picture in the text is seen there. */
  get listed(): Upload[] {
    return this.used.filter((u) => !u.cid || u.state === 'failed');
  }

  async upload(upload: Upload): Promise<void> {
    if (!upload.file) return;
    this.change(upload.key, { state: 'uploading' });
    try {
      const attachment = await sync.upload(upload.file);
      this.change(upload.key, { state: 'done', attachment });
    } catch (error) {
      this.change(upload.key, { state: 'failed' });
      screen.blame(asFault(error));
    }
  }

  remove(key: string): void {
    this.uploads = this.uploads.filter((u) => u.key !== key);
  }

  get ready(): boolean {
    const used = this.used;
    return (this.text.trim() !== '' || used.length > 0) && used.every((u) => u.state === 'done');
  }

  /** What is written, the way a channel can say it; a note keeps its Markdown, which the console shows. */
  said(html: boolean): Said {
    const text = this.text.trim();
    const files = this.used.flatMap((u) => (u.attachment ? [u.cid ? { ...u.attachment, cid: u.cid } : u.attachment] : []));
    return this.note ? { text: withoutPictures(text), attachments: files.map(({ cid: _, ...f }) => f) } : say(text, files, html, new Map(this.uploads.map((u) => [u.cid ?? '', u.width])));
  }

  /** Turns what is written into something to send, and empties the field. */
  outgoing(channel: ID, then: Status): Outgoing {
    const people = (s: string) => s.split(/[,;\s]+/).filter(Boolean);
    const used = this.note ? '' : this.channel || channel;
    const said = this.said(kindOf(used)?.limits.html === true);
    const o: Outgoing = {
      id: uuid7(), conversation: this.conversation, note: this.note, author: me().operator.id, channel: used,
      ...said, source: said.text === this.text.trim() ? undefined : this.text.trim(), subject: this.note ? undefined : this.subject || undefined,
      cc: this.note || !this.cc ? undefined : people(this.cc), bcc: this.note || !this.bcc ? undefined : people(this.bcc),
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

  private change(key: string, change: Partial<Upload>): void {
    this.uploads = this.uploads.map((u) => (u.key === key ? { ...u, ...change } : u));
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
