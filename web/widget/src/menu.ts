// What a visitor can do beside writing: have the conversation mailed, and mute it.
import { Refused } from './api.ts';
import { h } from './dom.ts';
import type { Speech } from './texts.ts';

export interface MenuEvents {
  /** Mails the conversation and says where to; '' asks for the address that is known. */
  mail(address: string): Promise<string>;
  muted(yes?: boolean): boolean;
}

export function menu(s: Speech, on: MenuEvents): HTMLElement {
  const note = h('p.note', { role: 'status' });
  const field = h('input', { type: 'email', required: true, autocomplete: 'email', dir: 'ltr', 'aria-label': s.t.mailTo, placeholder: s.t.mailTo });
  const form = h('form.line', { hidden: true, onsubmit: (e: Event) => (e.preventDefault(), void mail()) }, field, h('button', {}, s.t.send));
  const ask = h('button', { type: 'button', onclick: () => void mail() }, s.t.mail);
  const sound = h('button', { type: 'button', onclick: () => show(on.muted(!on.muted())) }, s.t.sound);
  const show = (mute: boolean) => sound.setAttribute('aria-pressed', String(!mute));

  async function mail(): Promise<void> {
    ask.disabled = true;
    try {
      note.textContent = s.say(s.t.mailed, await on.mail(field.value));
      form.hidden = true;
    } catch (e) {
      const code = e instanceof Refused ? e.code : '';
      const needed = code === 'transcript.address_needed';
      note.textContent = needed ? '' : (s.t.refused[code] ?? s.t.notMailed);
      if (needed) {
        form.hidden = false;
        field.focus();
      }
    }
    ask.disabled = false;
  }
  show(on.muted());
  return h('div.menu', { id: 'menu', hidden: true }, ask, form, note, sound);
}
