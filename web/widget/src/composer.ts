// Where the visitor writes.
import type { Config } from './wire.ts';
import type { Speech } from './texts.ts';
import { h, icon } from './dom.ts';
import { canRecord, record, type Recording } from './voice.ts';

export interface ComposerEvents {
  /** Resolves with '' when the message is safe, and the field is cleared only then; else with what is missing. */
  send(text: string, files: File[]): Promise<string>;
  draft(text: string): void;
  typing(): void;
}

export class Composer {
  readonly el: HTMLElement;
  readonly field: HTMLTextAreaElement;
  #button: HTMLButtonElement;
  #chips: HTMLElement;
  #note: HTMLElement;
  #files: File[] = [];
  #busy = false;
  #mic: HTMLButtonElement | null;
  #recording: Recording | undefined;

  constructor(
    private readonly s: Speech,
    private readonly limits: Config['limits'],
    private readonly on: ComposerEvents,
  ) {
    const pick = h('input', { type: 'file', multiple: true, hidden: true, tabindex: '-1', onchange: () => {
      this.add([...(pick.files ?? [])]);
      pick.value = '';
    } });
    this.field = h('textarea', { rows: '1', dir: 'auto', placeholder: s.t.placeholder, 'aria-label': s.t.placeholder, autocomplete: 'off', enterkeyhint: 'send' });
    this.#button = h('button.send', { type: 'button', title: s.t.send, 'aria-label': s.t.send, onclick: () => void this.#send() }, icon('send'));
    this.#mic = canRecord() ? h('button.attach.mic', { type: 'button', title: s.t.record, 'aria-label': s.t.record, 'aria-pressed': 'false', onclick: () => void this.#voice() }, icon('mic')) : null;
    this.#chips = h('div.chips', {});
    this.#note = h('p.note', { role: 'status' });
    this.el = h('div.composer', {}, this.#note, this.#chips,
      h('div.line', {},
        h('button.attach', { type: 'button', title: s.t.attach, 'aria-label': s.t.attach, onclick: () => pick.click() }, icon('clip')),
        pick, this.#mic, this.field, this.#button));
    this.field.addEventListener('input', () => {
      this.#fit();
      this.on.draft(this.field.value);
      if (this.field.value) this.on.typing();
    });
    this.field.addEventListener('keydown', (e) => {
      // Enter of an input method ends a word, not the message.
      if (e.key === 'Enter' && !e.shiftKey && !e.isComposing && e.keyCode !== 229) {
        e.preventDefault();
        void this.#send();
      }
    });
    this.field.addEventListener('paste', (e) => {
      const files = [...(e.clipboardData?.files ?? [])];
      if (files.length) {
        e.preventDefault();
        this.add(files);
      }
    });
    this.#fit();
  }

  set text(value: string) {
    this.field.value = value;
    this.#fit();
  }

  add(files: File[]): void {
    const { attachments: max, attachment_bytes: size } = this.limits;
    const big = files.find((f) => f.size > size);
    const few = files.filter((f) => f.size <= size).slice(0, max - this.#files.length);
    this.#files.push(...few);
    this.#note.textContent =
      big ? this.s.say(this.s.t.fileTooLarge, big.name, this.s.number(Math.floor(size / (1 << 20))))
      : few.length < files.length ? this.s.say(this.s.t.tooManyFiles, this.s.number(max))
      : '';
    this.#draw();
    this.field.focus();
  }

  /** The first press records, the second one puts the note beside the other files. */
  async #voice(): Promise<void> {
    const mic = this.#mic!;
    if (this.#busy) return;
    this.#busy = true;
    const told = (on: boolean) => {
      mic.setAttribute('aria-pressed', String(on));
      mic.title = on ? this.s.t.recorded : this.s.t.record;
      mic.setAttribute('aria-label', mic.title);
    };
    try {
      if (!this.#recording) {
        this.#note.textContent = '';
        this.#recording = await record(() => void this.#voice());
        told(true);
      } else {
        const note = await this.#recording.stop();
        this.#recording = undefined;
        told(false);
        if (note) this.add([note]);
      }
    } catch {
      this.#recording = undefined;
      this.#note.textContent = this.s.t.noMic;
    } finally {
      this.#busy = false;
    }
  }

  #draw(): void {
    this.#chips.replaceChildren(
      ...this.#files.map((f) => h('span.chip', {}, h('bdi', {}, f.name), h('button', {
        type: 'button', title: this.s.say(this.s.t.remove, f.name), 'aria-label': this.s.say(this.s.t.remove, f.name),
        onclick: () => {
          this.#files = this.#files.filter((x) => x !== f);
          this.#draw();
          this.field.focus();
        },
      }, icon('close')))),
    );
    this.#fit();
  }

  #fit(): void {
    const over = [...this.field.value].length - this.limits.text;
    if (over > 0) this.#note.textContent = this.s.say(this.s.t.tooLong, this.s.number(over));
    else if (this.#note.dataset['over']) this.#note.textContent = '';
    this.#note.dataset['over'] = over > 0 ? '1' : '';
    this.#button.disabled = over > 0 || (!this.field.value.trim() && !this.#files.length);
    this.field.style.blockSize = 'auto';
    if (this.field.scrollHeight) this.field.style.blockSize = Math.min(this.field.scrollHeight, 140) + 'px';
  }

  /** Sizes itself once it is on the screen. */
  shown(): void {
    this.#fit();
  }

  /** Sends what is in the field, as its button does. */
  submit(): void {
    void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#button.disabled || this.#busy) return;
    const [text, files] = [this.field.value, this.#files];
    this.#busy = true;
    try {
      const missing = await this.on.send(text.trim(), files);
      if (missing) {
        this.#note.textContent = missing;
        return;
      }
      if (this.field.value === text) this.text = '';
      else this.text = this.field.value.slice(text.length); // typed on while it was being saved
      this.#files = this.#files.filter((f) => !files.includes(f));
      this.on.draft(this.field.value);
      this.#note.textContent = '';
      this.#draw();
    } finally {
      this.#busy = false;
    }
    this.field.focus();
  }
}
