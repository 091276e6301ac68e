import { channels } from './desk';
import { thread } from './inbox';
import type { ID, Message } from './words';

/** The addresses in what somebody typed or pasted: "Kim <kim@a.example>, lee@b.example". */
export function addressesIn(text: string): string[] {
  const parts = /</.test(text) ? (text.match(/[^\s<>,;"]+@[^\s<>,;"]+/g) ?? []) : text.split(/[,;\s]+/);
  return [...new Set(parts.filter(Boolean))];
}

export const isAddress = (s: string): boolean => /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(s);

/** Without what stands behind a plus: our own answers are told apart by it. */
const bare = (a: string): string => a.toLowerCase().replace(/\+[^@]*@/, '@');

/** Whom else a letter went to: neither the desk, by its own addresses, nor who wrote it. */
export function alsoTo(m: Message, own: string[]): string[] {
  const not = new Set([...own, m.from?.value ?? ''].filter(Boolean).map(bare));
  const all = [...(m.to ?? []), ...(m.cc ?? [])].flatMap(addressesIn).filter(isAddress);
  const seen = new Set<string>();
  return all.filter((a) => !not.has(bare(a)) && !seen.has(a.toLowerCase()) && seen.add(a.toLowerCase()));
}

export const ownAddresses = (): string[] => channels().flatMap((c) => (c.address ? [c.address] : []));

/** Whom else the customer's last letter by a channel went to. */
export function others(conversation: ID, channel: ID): string[] {
  const last = thread(conversation).messages.findLast((m) => m.direction === 'in' && m.channel === channel);
  return last ? alsoTo(last, ownAddresses()) : [];
}

/** Everybody whose address stands in a conversation, but the desk. */
export function participants(conversation: ID): string[] {
  const own = new Set(ownAddresses().map(bare));
  const all = thread(conversation).messages.flatMap((m) => [m.from?.value ?? '', m.recipient?.value ?? '', ...(m.to ?? []), ...(m.cc ?? [])]).flatMap(addressesIn);
  return [...new Set(all.map((a) => a.toLowerCase()))].filter((a) => isAddress(a) && !own.has(bare(a)));
}
