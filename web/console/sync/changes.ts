const lists: Record<string, string> = { canned: '/canned-replies', macro: '/macros', view: '/views', field: '/fields' };

/** The lists that an entry changes, beside those that are made of entries: what is prepared for answers, and the ratings. */
export function changesOf(kind: string): string[] {
  if (kind === 'conversation.rated' || kind === 'conversation.surveyed') return ['/ratings'];
  const list = lists[kind.split('.')[0]!];
  return list ? [list] : [];
}
