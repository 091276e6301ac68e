import type { Fault, LocalMessage } from './words';

/** What is open on this screen right now, and what it says. Nothing of it is stored. */
export interface Notice {
  id: number;
  text: string;
  kind: 'ok' | 'bad';
  fault?: Fault;
  again?: () => void;
}

export type Opened = '' | 'palette' | 'help' | 'assign' | 'tag' | 'snooze' | 'status' | 'priority' | 'subject' | 'compose' | 'canned' | 'later' | 'leaving' | 'filter' | 'macro' | 'run-macro' | 'merge';

class Screen {
  opened = $state<Opened>('');
  /** Of the macro that is about to be run. */
  macro = $state('');
  notices = $state.raw<Notice[]>([]);
  customerPanel = $state(typeof matchMedia === 'undefined' || matchMedia('(min-width: 80em)').matches);
  /** Asks the composer to take the keyboard, as a reply or as a note. */
  composeAs = $state<{ note: boolean; at: number }>({ note: false, at: 0 });
  /** What is about to be passed on to somebody else. */
  forwarding = $state.raw<LocalMessage | undefined>();
  private count = 0;

  say(text: string): void {
    this.add({ text, kind: 'ok' }, 3500);
  }

  blame(fault: Fault, again?: () => void): void {
    this.add({ text: '', kind: 'bad', fault, again }, 12_000);
  }

  drop(id: number): void {
    this.notices = this.notices.filter((n) => n.id !== id);
  }

  private add(n: Omit<Notice, 'id'>, ms: number): void {
    const id = ++this.count;
    this.notices = [...this.notices.slice(-3), { ...n, id }];
    setTimeout(() => this.drop(id), ms);
  }
}

export const screen = new Screen();
