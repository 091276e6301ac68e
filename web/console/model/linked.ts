/** Splits a plain text into parts, so that addresses in it can be followed. Only http, https and mailto become links. */
export interface Part { text: string; href?: string }

const address = /\bhttps?:\/\/[^\s<>"'«»]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/gi;

export function linked(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const m of text.matchAll(address)) {
    // A full stop or a bracket after an address belongs to the sentence.
    const hit = m[0].replace(/[.,;:!?)\]}…؟،؛]+$/, '');
    if (m.index > from) parts.push({ text: text.slice(from, m.index) });
    parts.push({ text: hit, href: hit.includes('://') ? hit : 'mailto:' + hit });
    from = m.index + hit.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** A subject without what mail programs put before it when they answer or forward. */
export function bareSubject(subject: string): string {
  return subject.replace(/^(?:\s*(?:re|fwd?|aw|wg|sv|tr|ответ|отв|пересл|پاسخ|ارجاع)(?:\[\d+\])?\s*:)+/i, '').trim();
}
