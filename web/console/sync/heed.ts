import type { Entry } from './words';

/** What is fetched as a whole and is no longer so after an entry, by the beginnings of its paths. */
export function outdated(entry: Entry): string[] {
  const { kind, subject, body } = entry;
  switch (kind) {
    case 'conversation.tagged':
    case 'conversation.untagged':
      return ['/tags'];
    case 'conversation.surveyed':
    case 'conversation.rated':
      return [`/conversations/${subject}/ratings`, '/ratings'];
    case 'fields.set':
      return [`/${String(body.of)}s/${subject}/fields`];
    case 'setup.changed':
      return [`/${String(body.what ?? '')}s`, `/${String(body.what ?? '')}`];
    case 'conversation.merged':
    case 'conversation.unmerged':
    case 'message.moved':
      return ['/customers'];
    case 'message.received':
    case 'message.noted':
      return [];
  }
  const noun = kind.slice(0, kind.indexOf('.'));
  return prefixes[noun] ?? [];
}

const prefixes: Record<string, string[]> = {
  message: ['/outbox'], customer: ['/customers'], address: ['/customers'], arrival: ['/arrivals'], view: ['/views'], macro: ['/macros'], canned: ['/canned-replies'], field: ['/fields'],
  link: ['/continuity'], reach: ['/continuity', '/ways', '/customers'], channel: ['/continuity', '/channels', '/ways', '/customers'],
  chain: ['/chains', '/customers'], consent: ['/customers'], way: ['/customers'], lane: ['/channels'], plan: ['/plans'], broadcast: ['/broadcasts'], incident: ['/incidents'], banner: ['/banners'], calls: ['/call-lists'],
};

/** The conversations between which an entry moved messages; they are read anew. */
export function rearranged(entry: Entry): string[] {
  const other = entry.kind === 'message.moved' ? entry.body.from : entry.kind === 'conversation.merged' || entry.kind === 'conversation.unmerged' ? entry.body.with : undefined;
  return typeof other === 'string' ? [entry.subject, other] : [];
}
