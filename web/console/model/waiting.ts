import { sync } from '../sync/sync';
import { kindOf, me } from './desk';
import { watch } from './watch';
import type { ID, LocalMessage, Message, Outgoing } from './words';

/** Seconds in which a reply can be taken back after it was sent. */
export const undoTimes = [0, 5, 10, 20, 30];
export const undoLetter = (): number => me().operator.preferences?.undo ?? 10;
/** In a chat somebody sits and waits: less is held back there. */
export const undoChat = (): number => me().operator.preferences?.undo_chat ?? 5;
export const undoSeconds = (channel: ID): number => (kindOf(channel)?.limits.subject === false ? undoChat() : undoLetter());

/** Below this many milliseconds a message is being sent; above it, it was put off. */
export const soon = 61_000;

/** The time on the desk, in milliseconds. */
export const deskNow = (): number => sync.waiting.now();

/** For how many milliseconds the desk still holds a message back; 0 when it does not. */
export function heldFor(m: LocalMessage): number {
  if (m.local || m.direction !== 'out' || m.delivery?.state !== 'queued' || !m.delivery.due_at) return 0;
  return Math.max(0, Date.parse(m.delivery.due_at) - deskNow());
}

/** The last reply of one's own in a conversation that is still to be had back. */
export function undoable(conversation: ID): LocalMessage | undefined {
  watch('thread:' + conversation);
  const messages = sync.store.threads.get(conversation)?.messages ?? [];
  return messages.findLast((m) => m.author === me().operator.id && m.direction === 'out' && (m.local === 'sending' || m.local === 'unsent' || (heldFor(m) > 0 && heldFor(m) < soon)));
}

const sent = new Map<ID, Outgoing>();

/** Keeps what was written for a while: the desk knows a reply only as its customer gets it. */
export function remember(o: Outgoing): void {
  sent.set(o.id, o);
  for (const id of sent.keys()) if (sent.size > 20) sent.delete(id);
}

/** A reply as its author wrote it, for writing on. */
export function written(m: Message | Outgoing): Outgoing {
  const kept = sent.get(m.id);
  if (kept || 'note' in m) return kept ?? (m as Outgoing);
  const { id, conversation, author, channel, text, cc, bcc, attachments, at } = m;
  return { id, conversation, note: false, author, channel, text, cc, bcc, attachments: attachments ?? [], at };
}
