import type { ID } from './words';

/** Which messages are being taken out of a conversation. Nothing of it is stored. */
class Splitting {
  conversation = $state<ID>('');
  chosen = $state.raw<ReadonlySet<ID>>(new Set());

  begin(conversation: ID): void {
    this.conversation = conversation;
    this.chosen = new Set();
  }

  toggle(message: ID): void {
    const next = new Set(this.chosen);
    if (!next.delete(message)) next.add(message);
    this.chosen = next;
  }

  end(): void {
    this.begin('');
  }
}

export const splitting = new Splitting();
