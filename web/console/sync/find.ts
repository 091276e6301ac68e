import { inOrder, knowable, matches, readFilter, type Asker } from './matches';
import type { Conversation, Counts, Customer, ID, Message, SearchAnswer, ViewFilter } from './words';

const pairs: Record<string, string> = { ё: 'е', ي: 'ی', ى: 'ی', ئ: 'ی', ك: 'ک', ة: 'ه', ۀ: 'ه', أ: 'ا', إ: 'ا', آ: 'ا', ٱ: 'ا', ؤ: 'و' };

/** A text as it is compared: without case, accents, vowel marks and the differences between Arabic and Persian letters and digits. */
export function fold(text: string): string {
  let out = '';
  for (const c of text.toLowerCase().replace(/ё/g, 'е').replace(/[يىئكةۀأإآٱؤ]/g, (x) => pairs[x]!)) out += foldOne(c);
  return out;
}

function foldOne(c: string): string {
  const n = c.codePointAt(0)!;
  if (n < 0x80) return c;
  if (n >= 0x660 && n <= 0x669) return String(n - 0x660);
  if (n >= 0x6f0 && n <= 0x6f9) return String(n - 0x6f0);
  // A joiner inside a Persian word is no letter; the same word is written without it too.
  if (n === 0x200c || n === 0x200d || n === 0x640 || (n >= 0x64b && n <= 0x65f) || n === 0x670) return '';
  // й is a letter, not an и with a mark.
  return c === 'й' ? c : c.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** A word at the beginning of which a text is meant to have it. */
const words = (text: string): string[] => fold(text).split(/[^\p{L}\p{N}@._+-]+/u).filter(Boolean);

export interface KeptThread { id: ID; messages: Message[]; person?: Customer | null }

/** The places of the letters of a folded text in the text itself. */
function places(text: string): { folded: string; at: number[] } {
  let folded = '';
  const at: number[] = [];
  let i = 0;
  for (const c of text) {
    const f = fold(c);
    for (let k = 0; k < f.length; k++) at.push(i);
    folded += f;
    i += c.length;
  }
  at.push(i);
  return { folded, at };
}

const holds = (folded: string, asked: string[]): boolean => asked.every((w) => new RegExp('(^|[^\\p{L}\\p{N}])' + w.replace(/[.+]/g, '\\$&'), 'u').test(folded));

function snippet(text: string, asked: string[]): { text: string; mark?: boolean }[] {
  const { folded, at } = places(text);
  const first = Math.max(0, folded.indexOf(asked[0] ?? ''));
  const from = at[Math.max(0, first - 40)] ?? 0;
  const parts: { text: string; mark?: boolean }[] = [];
  let pos = from;
  const end = Math.min(text.length, from + 200);
  for (let i = first; i < folded.length && pos < end; ) {
    const hit = asked.map((w) => ({ w, i: folded.indexOf(w, i) })).filter((x) => x.i >= 0).sort((a, b) => a.i - b.i)[0];
    if (!hit || at[hit.i]! >= end) break;
    if (at[hit.i]! > pos) parts.push({ text: text.slice(pos, at[hit.i]) });
    pos = at[hit.i + hit.w.length]!;
    parts.push({ text: text.slice(at[hit.i], pos), mark: true });
    i = hit.i + hit.w.length;
  }
  if (pos < end) parts.push({ text: text.slice(pos, end) });
  return parts;
}

/** Looks for words in what this device has: every word must begin a word of the text. Newest first. */
export function find(question: string, conversations: Map<ID, Conversation>, threads: KeptThread[]): SearchAnswer {
  const asked = words(question);
  const messages: unknown[] = [];
  const people = new Map<ID, unknown>();
  const found: unknown[] = [];
  if (asked.length) {
    for (const c of conversations.values()) {
      if (holds(fold(`${c.subject ?? ''} ${c.customer?.name ?? ''} ${c.number}`), asked)) {
        found.push({ conversation: c.id, number: c.number, subject: c.subject, customer_name: c.customer?.name, state: c.state || c.status });
      }
    }
    for (const t of threads) {
      const c = conversations.get(t.id);
      const p = t.person;
      if (p && !people.has(p.id) && holds(fold([p.name, p.company, ...(p.addresses ?? []).map((a) => a.value)].join(' ')), asked)) {
        people.set(p.id, { customer: p.id, name: p.name, company: p.company, matched: (p.addresses ?? []).slice(0, 1) });
      }
      for (const m of t.messages) {
        if (!holds(fold(m.text + ' ' + (m.subject ?? '')), asked)) continue;
        messages.push({ message: m.id, conversation: t.id, direction: m.direction, at: m.at, subject: m.subject ?? '', customer_name: c?.customer?.name ?? '', snippet: snippet(m.text, asked) });
      }
    }
  }
  messages.sort((a, b) => ((a as Message).at < (b as Message).at ? 1 : -1));
  return { messages: messages.slice(0, 50), conversations: found.slice(0, 20), customers: [...people.values()].slice(0, 20), next: 0, loose: false } as unknown as SearchAnswer;
}

/** Whether a conversation belongs to a list of the inbox, as the desk would say. */
export function belongs(c: Conversation, query: Record<string, string>, me: ID): boolean {
  const state = c.state || c.status;
  for (const key of ['team', 'operator', 'channel'] as const) if (query[key] && c[key] !== query[key]) return false;
  if (query.customer && c.customer?.id !== query.customer) return false;
  if (query.tag && !(c.tags ?? []).includes(query.tag)) return false;
  const live = state === 'open';
  switch (query.view ?? 'open') {
    case 'all': return true;
    case 'mine': return live && c.operator === me;
    case 'unassigned': return live && !c.operator;
    case 'unread': return live && c.unread;
    default: return state === (query.view ?? 'open');
  }
}

const understood = new Set(['view', 'team', 'operator', 'channel', 'customer', 'tag']);

/** What a list needs to know besides the conversations: who asks, and what saved views are made of. */
export interface Known { asker: Asker; filterOf: (view: ID) => ViewFilter | undefined }

/** The ids of a list in its order, the newest first; undefined for a question that only the desk understands. */
export function localList(conversations: Iterable<Conversation>, query: Record<string, string>, known: Known): ID[] | undefined {
  const saved = /^[0-9a-f-]{36}$/.test(query.view ?? '');
  if (query.filter || saved) {
    const f = query.filter ? readFilter(query.filter) : known.filterOf(query.view!);
    if (!f || !knowable(f)) return undefined;
    return inOrder([...conversations].filter((c) => matches(c, f, known.asker)), f.order).map((c) => c.id);
  }
  if (Object.keys(query).some((k) => query[k] && !understood.has(k))) return undefined;
  const mine = (c: Conversation) => (query.view === 'mentions' ? known.asker.mentioned.has(c.id) && belongs(c, { ...query, view: 'all' }, known.asker.operator) : belongs(c, query, known.asker.operator));
  return inOrder([...conversations].filter(mine), 'latest').map((c) => c.id);
}

export function localCounts(conversations: Iterable<Conversation>, me: ID): Counts {
  const all = [...conversations];
  const count = (view: string) => all.filter((c) => belongs(c, { view }, me)).length;
  const counts: Record<string, number> = {};
  for (const view of ['mine', 'unassigned', 'unread', 'open', 'waiting', 'snoozed', 'resolved', 'closed']) counts[view] = count(view);
  return counts as unknown as Counts;
}
