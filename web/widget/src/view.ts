// The chat's window: header, messages, what is going on, and the composer.
import type { Config } from './wire.ts';
import type { Speech } from './texts.ts';
import { bubble, day, restate, type Row, type RowActions } from './bubble.ts';
import { Composer, type ComposerEvents } from './composer.ts';
import { h, icon } from './dom.ts';
import { Form } from './form.ts';
import { menu, type MenuEvents } from './menu.ts';

export interface ViewEvents extends RowActions, ComposerEvents, MenuEvents {
  closed(): void;
}

export class View {
  readonly panel: HTMLElement;
  readonly composer: Composer;
  readonly form: Form;
  #log: HTMLElement;
  #scroll: HTMLElement;
  #typing: HTMLElement;
  #banner: HTMLElement;
  #jump: HTMLButtonElement;
  #drawn = new Map<string, { el: HTMLElement; look: string; state: string }>();
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #stick = true; // at the end of the list, and meant to be
  #narrow = matchMedia('(max-width: 480px)');

  constructor(
    private readonly s: Speech,
    config: Config,
    private readonly on: ViewEvents,
  ) {
    this.form = new Form(config.form ?? []);
    this.composer = new Composer(s, config.limits, on);
    this.#log = h('div.log', { role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': s.t.log });
    this.#typing = h('p.typing', { 'aria-live': 'polite' });
    this.#jump = h('button.jump', { type: 'button', hidden: true, title: s.t.latest, 'aria-label': s.t.latest, onclick: () => this.#toEnd(true) }, icon('down'));
    this.#banner = h('p.banner', { role: 'status' });
    this.#scroll = h('div.scroll', { tabindex: '0', role: 'group', 'aria-label': s.t.log },
      h('div.hello', {}, h('p', { dir: 'auto' }, config.greeting), config.on_duty ? null : h('p.away', { dir: 'auto' }, config.offline),
        s.away(config) ? h('p.away.back', { dir: 'auto' }, s.away(config)) : null),
      this.form.el, this.#log, this.#typing);
    this.#scroll.addEventListener('scroll', () => (this.#jump.hidden = this.#stick = this.#atEnd()), { passive: true });
    // A banner, a picture that has loaded or a growing field moves the end; who was there stays there.
    const grown = new ResizeObserver(() => this.#stick && this.#toEnd());
    grown.observe(this.#scroll);
    grown.observe(this.#log);
    grown.observe(this.#typing);
    const list = menu(s, on);
    const more = h('button.close', {
      type: 'button', title: s.t.menu, 'aria-label': s.t.menu, 'aria-expanded': 'false', 'aria-controls': 'menu',
      onclick: () => more.setAttribute('aria-expanded', String(!(list.hidden = !list.hidden))),
    }, icon('more'));
    const head = h('div.head', {},
      h('div.titles', {}, h('h2', { id: 'title', dir: 'auto' }, config.title), h('span.duty', { 'data-on': config.on_duty ? '1' : '' })),
      more, h('button.close', { type: 'button', title: s.t.close, 'aria-label': s.t.close, onclick: () => on.closed() }, icon('close')));
    this.panel = h('section.panel', { role: 'dialog', id: 'panel', 'aria-labelledby': 'title', lang: s.lang, dir: s.dir, hidden: true },
      head, list, this.#banner, h('div.middle', {}, this.#scroll, this.#jump),
      config.identity_required ? h('p.signin', { hidden: true }, s.t.signIn) : null,
      this.composer.el, h('div.dropzone', { 'aria-hidden': 'true' }, s.t.drop));
    this.panel.addEventListener('keydown', (e) => this.#key(e));
    this.#drops();
    // A phone's keyboard covers the page without changing its size.
    visualViewport?.addEventListener('resize', () => this.panel.style.setProperty('--seen', visualViewport!.height + 'px'));
  }

  get isOpen(): boolean {
    return !this.panel.hidden;
  }

  open(): void {
    this.panel.hidden = false;
    this.panel.setAttribute('aria-modal', String(this.#narrow.matches));
    this.composer.shown();
    this.#toEnd();
    this.composer.field.focus({ preventScroll: true });
  }

  close(): void {
    this.panel.hidden = true;
  }

  banner(text: string, links: HTMLElement[] = []): void {
    const whole = [text, ...links.map((a) => a.textContent)].join(' ');
    if (this.#banner.dataset['said'] === whole) return; // a reader must not hear it again
    this.#banner.dataset['said'] = whole;
    this.#banner.replaceChildren(text, ...links.flatMap((a) => [' ', a]));
  }

  /** Shows that somebody types, for as long as one hint of it is worth. */
  typing(name: string | null): void {
    clearTimeout(this.#typingTimer);
    this.#typing.replaceChildren(
      ...(name === null ? [] : [h('span.dots', { 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('bdi', {}, name && name !== '…' ? this.s.say(this.s.t.typing, name) : this.s.t.typingNobody)]),
    );
    if (name !== null) this.#typingTimer = setTimeout(() => this.typing(null), 6000);
    if (this.#stick) this.#toEnd();
  }

  /** Brings the list to rows; what has not changed is not touched, so that nothing jumps or is read out twice. */
  render(rows: Row[]): void {
    if (rows[rows.length - 1]?.progress === 'waiting') this.#stick = true; // he has just written it
    const keep = new Set<string>();
    let before: ChildNode | null = this.#log.firstChild;
    let lastDay = '';
    let last: Row | undefined;
    const place = (key: string, look: string, state: string, make: () => HTMLElement, change?: (el: HTMLElement) => void) => {
      keep.add(key);
      let drawn = this.#drawn.get(key);
      if (drawn?.look !== look) {
        const el = make();
        if (drawn) {
          if (before === drawn.el) before = drawn.el.nextSibling;
          drawn.el.remove();
        }
        this.#drawn.set(key, (drawn = { el, look, state }));
      } else if (drawn.state !== state) {
        change?.(drawn.el);
        drawn.state = state;
      }
      if (drawn.el === before) before = drawn.el.nextSibling;
      else this.#log.insertBefore(drawn.el, before);
    };
    for (const row of rows) {
      const name = this.s.day(row.at);
      if (name !== lastDay) {
        lastDay = name;
        last = undefined;
        place('day:' + name, name, '', () => day(name));
      }
      const joined = last !== undefined && last.mine === row.mine && last.author === row.author && +row.at - +last.at < 5 * 60_000;
      place(
        row.key,
        JSON.stringify([row.text, joined, row.files.map((f) => [f.name, !!f.url])]),
        JSON.stringify([row.progress, row.refused, row.at]),
        () => bubble(row, this.s, this.on, joined),
        (el) => restate(el, row, this.s, this.on),
      );
      last = row;
    }
    for (const [key, { el }] of this.#drawn) {
      if (!keep.has(key)) {
        el.remove();
        this.#drawn.delete(key);
      }
    }
    if (this.#stick) this.#toEnd();
  }

  #atEnd(): boolean {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 60;
  }

  #toEnd(smooth = false): void {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#scroll.scrollTo({ top: this.#scroll.scrollHeight, behavior: smooth && !calm ? 'smooth' : 'instant' });
    this.#jump.hidden = this.#stick = true;
  }

  #key(e: KeyboardEvent): void {
    e.stopPropagation(); // the site's own shortcuts are not meant for what is typed here
    if (e.key === 'Escape') {
      this.on.closed();
    } else if (e.key === 'Tab' && this.#narrow.matches) {
      const all = [...this.panel.querySelectorAll<HTMLElement>('button:not([disabled]),textarea,input:not([type=file]),select,a[href],[tabindex="0"]')].filter((el) => el.offsetParent);
      const [first, final] = [all[0], all[all.length - 1]];
      const now = (this.panel.getRootNode() as ShadowRoot).activeElement;
      if (first && final && now === (e.shiftKey ? first : final)) {
        e.preventDefault();
        (e.shiftKey ? final : first).focus();
      }
    }
  }

  #drops(): void {
    const carries = (e: DragEvent) => e.dataTransfer?.types.includes('Files');
    this.panel.addEventListener('dragover', (e) => {
      if (!carries(e)) return;
      e.preventDefault();
      this.panel.classList.add('over');
    });
    this.panel.addEventListener('dragleave', (e) => {
      if (!this.panel.contains(e.relatedTarget as Node | null)) this.panel.classList.remove('over');
    });
    this.panel.addEventListener('drop', (e) => {
      this.panel.classList.remove('over');
      if (!carries(e)) return;
      e.preventDefault();
      this.composer.add([...(e.dataTransfer?.files ?? [])]);
    });
  }
}
