import { screen } from '../model/screen.svelte';
import { perform, place, type Action } from './action';
import { actions } from './list';

/** The name of a pressed key: by its place on the keyboard for letters, so that Russian and Persian layouts work too. */
export function keyName(e: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
  if (e.altKey) return '';
  const ctrl = e.ctrlKey || e.metaKey ? 'ctrl+' : '';
  if (e.key === '?' || e.key === '؟' || (e.code === 'Slash' && e.shiftKey)) return ctrl + '?';
  if (e.key === '/' || e.code === 'Slash') return ctrl + '/';
  if (e.code === 'Period') return ctrl + '.';
  if (e.key === 'Escape' && !ctrl && !e.shiftKey) return 'escape';
  if (/^Digit\d$/.test(e.code) && !ctrl && !e.shiftKey) return e.code.slice(5);
  if (e.code === 'Semicolon' && ctrl) return ctrl + ';';
  if (/^Key[A-Z]$/.test(e.code)) return e.shiftKey ? '' : ctrl + e.code.slice(3).toLowerCase();
  return '';
}

/** Whether a key belongs to what has the keyboard now. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

// Those that are fetched when they are asked for: what is typed meanwhile is meant for them.
const dialogs = new Set<string>(['help', 'compose', 'filter', 'run-macro', 'merge']);

/** Reads keys one after another: a first "g" waits a second for the next. */
export class Shortcuts {
  private first = '';
  private at = 0;

  constructor(private readonly all: Action[] = actions) {}

  find(name: string, now = Date.now()): Action | undefined {
    if (!name) return undefined;
    const chord = this.first && now - this.at < 1200 ? `${this.first} ${name}` : name;
    this.first = '';
    const hit = this.all.find((a) => a.keys === chord);
    if (!hit && this.all.some((a) => a.keys?.startsWith(name + ' '))) {
      this.first = name;
      this.at = now;
    }
    return hit;
  }

  press(e: KeyboardEvent): void {
    if (e.defaultPrevented || e.repeat) return;
    const name = keyName(e);
    if (!name.startsWith('ctrl+') && (typing(e.target) || document.querySelector('dialog[open]') || dialogs.has(screen.opened))) return;
    const action = this.find(name);
    if (!action || !action.available(place())) return;
    e.preventDefault();
    void perform(action, undefined);
  }
}
