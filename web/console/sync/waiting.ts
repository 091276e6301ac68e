import type { Client } from '../../protocol/client';
import { putMessage } from './apply';
import type { Store } from './store';
import type { ID, Message } from './words';

/** Milliseconds in which the desk must answer: what is taken back is soon gone. */
const patience = 8000;

/** The replies that the desk holds back for a while, and the desk's own clock, by which they go. */
export class Waiting {
  private skew = 0;

  constructor(
    private readonly client: Client,
    private readonly store: Store,
  ) {}

  /** The desk said just now what time it is there. */
  hear(at: string): void {
    const t = Date.parse(at);
    if (t) this.skew = Date.now() - t;
  }

  /** The time on the desk, in milliseconds: this device's clock may be wrong by a day. */
  now = (): number => Date.now() - this.skew;

  /** Takes one's own reply back and returns it. It throws a Fault when the desk cannot be reached or it has gone. */
  async withdraw(id: ID): Promise<Message> {
    const m = await this.client.post<Message>(`/messages/${id}/withdraw`, undefined, { deadline: patience });
    putMessage(this.store, m.conversation, m);
    return m;
  }

  /** Gives it another time to go at; none means now. It throws a Fault like withdraw. */
  async putOff(id: ID, until?: string): Promise<void> {
    const m = await this.client.call<Message>('PUT', `/messages/${id}/due`, { body: { not_before: until }, deadline: patience });
    putMessage(this.store, m.conversation, m);
  }
}
