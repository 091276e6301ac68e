// What is asked before the first message. It goes with that message and is not
// asked again.
import { h } from './dom.ts';
import type { Question } from './wire.ts';

export class Form {
  readonly el: HTMLElement;
  #fields = new Map<string, HTMLInputElement | HTMLSelectElement>();

  constructor(questions: Question[]) {
    this.el = h('form.form', { novalidate: true, hidden: !questions.length }, ...questions.map((q) => this.#row(q)));
    this.el.addEventListener('submit', (e) => e.preventDefault());
  }

  #row(q: Question): HTMLElement {
    const name = q.type === 'name' ? 'name' : q.type === 'mail' ? 'email' : q.type === 'phone' ? 'tel' : 'off';
    const field = q.type === 'choice'
      ? h('select', { required: q.required }, h('option', { value: '' }), ...(q.options ?? []).map((o) => h('option', { dir: 'auto' }, o)))
      : h('input', { type: q.type === 'mail' ? 'email' : q.type === 'phone' ? 'tel' : 'text', maxlength: '500', required: q.required, autocomplete: name, dir: q.type === 'mail' || q.type === 'phone' ? 'ltr' : 'auto' });
    field.addEventListener('input', () => field.removeAttribute('aria-invalid'));
    this.#fields.set(q.key, field);
    return h('label', {}, h('span', {}, q.label + (q.required ? ' *' : '')), field);
  }

  /** The answers, or null when one is missing or none: it has the focus then. */
  take(): Record<string, string> | null {
    const out: Record<string, string> = {};
    for (const [key, field] of this.#fields) {
      if (!field.validity.valid || (field.required && !field.value.trim())) {
        field.setAttribute('aria-invalid', 'true');
        field.focus();
        return null;
      }
      if (field.value.trim()) out[key] = field.value.trim();
    }
    return out;
  }

  /** Asked once: gone with the first message. */
  done(): void {
    this.el.hidden = true;
    this.#fields.clear();
  }
}
