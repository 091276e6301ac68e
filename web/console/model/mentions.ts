import type { ID } from './words';

/** Somebody who can be mentioned. */
export interface Named { id: ID; name: string }

/** A word that is being written after an @: where the @ stands, and what follows it up to the cursor. */
export interface Asked { at: number; word: string }

// A name has spaces, so that what is being written ends only with the line or a second @.
const asking = /(?:^|[\s(«"'،؛])@([^\n@]{0,40})$/u;

/** What is asked for at the cursor, or nothing. */
export function asked(text: string, cursor: number): Asked | undefined {
  const m = asking.exec(text.slice(0, cursor));
  return m ? { at: cursor - m[1]!.length - 1, word: m[1]! } : undefined;
}

const folded = (s: string): string =>
  s.toLocaleLowerCase().replace(/[يى]/g, 'ی').replace(/ك/g, 'ک').replace(/ё/g, 'е').replace(/[\u200c\u064b-\u0652]/g, '').trim();

/** Those whose name, or a part of it, begins with what was written; everybody for nothing written. */
export function offered<N extends Named>(people: N[], word: string): N[] {
  const w = folded(word);
  if (!w) return /^\s/.test(word) ? [] : people;
  return people.filter((p) => {
    const name = folded(p.name);
    // A whole name with more behind it was chosen already: the sentence goes on.
    return name.startsWith(w) || name.split(/[\s-]+/).some((part) => part.startsWith(w));
  });
}

export interface MentionPart { text: string; mention?: ID }

/**
 * Splits a note at the mentions of these people. Of two names that begin alike the
 * longer one is meant, and a name that goes on into another word is none.
 */
export function mentionParts(text: string, people: Named[]): MentionPart[] {
  const byLength = people.filter((p) => p.name).sort((a, b) => b.name.length - a.name.length);
  const parts: MentionPart[] = [];
  let from = 0;
  for (let i = text.indexOf('@'); i >= 0; i = text.indexOf('@', i + 1)) {
    if (i > 0 && /[\p{L}\p{N}._-]/u.test(text[i - 1]!)) continue;
    const hit = byLength.find((p) => text.startsWith(p.name, i + 1) && !/^[\p{L}\p{N}_]/u.test(text.slice(i + 1 + p.name.length)));
    if (!hit) continue;
    const end = i + 1 + hit.name.length;
    if (i > from) parts.push({ text: text.slice(from, i) });
    parts.push({ text: text.slice(i, end), mention: hit.id });
    from = end;
    i = end - 1;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** Who is mentioned in a note, each once, in the order of the text. */
export function mentioned(text: string, people: Named[]): ID[] {
  return [...new Set(mentionParts(text, people).flatMap((p) => (p.mention ? [p.mention] : [])))];
}
