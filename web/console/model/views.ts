import { t } from '../../texts/text.svelte';
import { sync } from '../sync/sync';
import { known } from '../sync/known';
import { knowable, matches, readFilter } from '../sync/matches';
import { live, may, me, teams } from './desk';
import { views as own } from './inbox';
import type { Route } from './route.svelte';
import { items, watch } from './watch';
import type { ID, Owner, SavedView, ViewCount, ViewFilter } from './words';

export { readFilter };

/** The views that one can use: one's own first, then one's teams', then everybody's. */
export const savedViews = (): SavedView[] => items<SavedView>('/views');
export const savedView = (id: ID): SavedView | undefined => savedViews().find((v) => v.id === id);

/** Which lists the sidebar and the palette offer, the most personal first. */
export const ownViews = ['mine', 'unread', 'mentions', ...own.filter((v) => v !== 'mine')] as const;

/** The saved views under the headings of whose they are. */
export function viewGroups(): { key: string; title: string; views: SavedView[] }[] {
  const groups = new Map<string, { key: string; title: string; views: SavedView[] }>();
  for (const v of savedViews()) {
    const key = v.owner.operator ? 'me' : v.owner.team || 'all';
    const title = key === 'me' ? t('views.mine') : key === 'all' ? t('views.everybody') : (teams().find((x) => x.id === key)?.name ?? t('views.team'));
    if (!groups.has(key)) groups.set(key, { key, title, views: [] });
    groups.get(key)!.views.push(v);
  }
  return [...groups.values()];
}

/** How many conversations a view finds; without the desk, how many of those that this device keeps. */
export function viewCount(id: ID): ViewCount | undefined {
  const counted = items<ViewCount>('/views/counts').find((c) => c.id === id);
  if (live() === 'live') return counted;
  const filter = savedView(id)?.filter;
  const here = filter && countHere(filter);
  return here === undefined ? counted : { id, count: here };
}

/** How many of the conversations on this device a filter finds; undefined where only the desk can tell. */
export function countHere(filter: ViewFilter): number | undefined {
  if (!sync.device.keeps || !knowable(filter)) return undefined;
  watch('conversations');
  const who = known(sync).asker;
  let n = 0;
  for (const c of sync.store.conversations.values()) if (matches(c, filter, who)) n++;
  return n;
}

/** Whether one may change and remove what has this owner. */
export function mayKeep(owner: Owner): boolean {
  if (!may('conversations.write')) return false;
  if (owner.operator) return owner.operator === me().operator.id;
  return may('presets.manage') || (!!owner.team && teams().some((x) => x.id === owner.team && x.members?.includes(me().operator.id)));
}

/** To whom one may give a view: "me", teams, "all". */
export function possibleOwners(): { id: string; label: string }[] {
  const mine = teams().filter((x) => mayKeep({ team: x.id }));
  return [{ id: 'me', label: t('views.owner.me') }, ...mine.map((x) => ({ id: x.id, label: t('views.owner.team', { team: x.name }) })), ...(mayKeep({}) ? [{ id: 'all', label: t('views.owner.all') }] : [])];
}

export const ownerId = (owner: Owner): string => (owner.operator ? 'me' : owner.team || 'all');

/** What the list on the screen is called. */
export function listTitle(r: Route): string {
  const view = r.parts[0] ?? 'open';
  if (r.query.get('filter')) return t('view.filter');
  return (own as readonly string[]).includes(view) || view === 'unread' || view === 'mentions' ? t('view.' + view) : (savedView(view)?.name ?? t('views.gone'));
}
