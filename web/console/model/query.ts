import type { Route } from './route.svelte';

/** What the inbox's address asks the desk for. */
export function inboxQuery(r: Route): Record<string, string> {
  const filter = r.query.get('filter');
  if (filter) return { filter };
  const query: Record<string, string> = { view: r.parts[0] ?? 'open' };
  for (const key of ['team', 'operator', 'channel', 'tag', 'customer']) {
    const value = r.query.get(key);
    if (value) query[key] = value;
  }
  return query;
}
