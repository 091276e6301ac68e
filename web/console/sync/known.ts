import type { Device } from './device';
import type { Fetching } from './fetching';
import { localCounts, localList, type Known } from './find';
import type { Keeper } from './keeper';
import type { Resources } from './resource';
import type { Store } from './store';
import type { LiveState, Me, SavedView, Team } from './words';

/** What this device knows of the desk without asking it. */
export interface Here { readonly me: Me | undefined; readonly live: LiveState; store: Store; device: Device; resources: Resources; keeper: Keeper }

/** Who looks at views here, and what the views are made of. */
export function known({ me, resources, keeper }: Pick<Here, 'me' | 'resources' | 'keeper'>): Known {
  const operator = me?.operator.id ?? '';
  const teams = resources.peek<Team>('/teams').filter((x) => x.members?.includes(operator)).map((x) => x.id);
  return {
    asker: { operator, teams, mentioned: keeper.mentioned, now: Date.now() },
    filterOf: (view) => resources.peek<SavedView>('/views').find((v) => v.id === view)?.filter,
  };
}

/** Lists, counts and threads out of what is kept here, for when the desk is slow or away. */
export function keptHere(here: Here): Fetching['kept'] {
  const { store, device, keeper } = here;
  return {
    list: (query) => (device.keeps && here.me ? localList(store.conversations.values(), query, known(here)) : undefined),
    order: (query) => known(here).filterOf(query.view ?? '')?.order,
    counts: () => (device.keeps && here.me ? localCounts(store.conversations.values(), here.me.operator.id) : undefined),
    thread: (id) => keeper.thread(id),
    gone: (id) => keeper.gone(id),
    away: () => here.live !== 'live' && device.keeps,
  };
}
