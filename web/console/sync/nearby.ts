import type { ClientFrame } from '../../protocol/desk';
import type { Store } from './store';
import type { ID } from './words';

/** Who else is here and what they do now. Nothing of it is kept anywhere. */
export class Nearby {
  private viewing: ID | '' = '';
  private typed = 0;

  constructor(
    private readonly store: Store,
    private readonly say: (frame: ClientFrame) => void,
  ) {}

  /** After a new connection: the desk has forgotten what is looked at here. */
  again(): void {
    this.say({ type: 'viewing', conversation: this.viewing });
  }

  present(operators: { id: ID; viewing: ID | '' }[]): void {
    this.store.viewers = operators;
    this.store.changed('viewers');
  }

  showTyping(conversation: ID, who: ID, kind: 'operator' | 'customer', text: string): void {
    if (!conversation) return;
    const until = Date.now() + 6000;
    this.store.typing.set(conversation, { who, kind, text, until });
    this.store.changed('typing:' + conversation);
    setTimeout(() => {
      if ((this.store.typing.get(conversation)?.until ?? 0) <= Date.now()) this.stopTyping(conversation);
    }, 6100);
  }

  stopTyping(conversation: ID): void {
    if (this.store.typing.delete(conversation)) this.store.changed('typing:' + conversation);
  }

  /** Tells the others what is looked at here. */
  view(conversation: ID | ''): void {
    if (this.viewing === conversation) return;
    this.viewing = conversation;
    this.again();
  }

  /** Tells the others that somebody types here; at most every two seconds. */
  type(conversation: ID): void {
    if (Date.now() - this.typed < 2000) return;
    this.typed = Date.now();
    this.say({ type: 'typing', conversation });
  }
}
