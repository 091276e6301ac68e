import { live } from '../model/desk';
import { go, replace, route } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';
import { countHere, savedView, savedViews } from '../model/views';
import { asFault, type ID, type SavedView, type ViewCount, type ViewFilter } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

/** Opens the filter builder, from the list that is on the screen. */
export const buildFilter: Action = {
  id: 'build-filter',
  titleKey: 'action.filter',
  keys: 'v',
  group: 'go',
  available: (p) => p.route === 'inbox',
  run() {
    screen.opened = 'filter';
  },
};

/** Shows what a filter finds, without keeping it. */
export const filterNow: Action<ViewFilter> = {
  id: 'filter-now', titleKey: 'filter.now', group: 'go', available: always, run: (filter) => go('inbox', 'filter', { filter: JSON.stringify(filter) }),
};

/** An owner as possibleOwners calls it: "me", a team's id or "all". */
const ownerOf = (id: string): Record<string, string> | undefined => (id === 'me' ? { operator: 'me' } : id === 'all' ? undefined : { team: id });

export interface NewView { id: ID; name: string; owner: string; filter: ViewFilter; position?: number }

export const saveView: Action<NewView> = {
  id: 'save-view',
  titleKey: 'action.save',
  group: 'setup',
  available: always,
  async run({ id, owner, ...view }) {
    await sync.client.put('/views/' + id, { ...view, owner: ownerOf(owner) });
    await sync.resources.fetch('/views');
    sync.resources.changed('/views/counts');
    sync.fetching.refreshLists();
    go('inbox', id);
  },
};

export const removeView: Action<ID> = {
  id: 'remove-view',
  titleKey: 'views.remove',
  group: 'setup',
  available: always,
  async run(id) {
    await sync.client.delete('/views/' + id);
    if (route().parts[0] === id) replace('inbox', 'open');
    sync.resources.changed('/views');
  },
};

const same = (a: SavedView, b: SavedView): boolean => a.owner.operator === b.owner.operator && a.owner.team === b.owner.team;

/** Where a view stands among those of its owner. */
export function placeOf(id: ID): { at: number; of: number } {
  const view = savedView(id);
  const list = view ? savedViews().filter((v) => same(v, view)) : [];
  return { at: list.findIndex((v) => v.id === id), of: list.length };
}

/** Moves a view among those of its owner: -1 up, 1 down. */
export const moveView: Action<{ id: ID; by: -1 | 1 }> = {
  id: 'move-view',
  titleKey: 'views.up',
  group: 'setup',
  available: always,
  async run({ id, by }) {
    const view = savedView(id);
    if (!view) return;
    const list = savedViews().filter((v) => same(v, view));
    const at = list.findIndex((v) => v.id === id);
    if (!list[at + by]) return;
    [list[at], list[at + by]] = [list[at + by]!, list[at]!];
    for (const [i, v] of list.entries()) {
      const owner = v.owner.operator ? { operator: 'me' } : v.owner.team ? { team: v.owner.team } : undefined;
      if (v.position !== i + 1) await sync.client.put('/views/' + v.id, { name: v.name, filter: v.filter, owner, position: i + 1 });
    }
    sync.resources.changed('/views');
  },
};

/** Counts what a filter finds, by the desk, or without it by what is here. */
export const countMatches: Action<{ filter: ViewFilter; done: (found: ViewCount | undefined, here: boolean) => void }> = {
  id: 'count-matches',
  titleKey: 'action.ask',
  group: 'setup',
  available: always,
  async run({ filter, done }) {
    const here = () => {
      const count = countHere(filter);
      done(count === undefined ? undefined : { id: '', count }, true);
    };
    // What is here is said at once when the desk is slow to come; its own word counts.
    if (live() !== 'live') here();
    try {
      const page = await sync.client.get<{ items: ViewCount[] }>('/views/counts', { filter: JSON.stringify(filter) });
      done(page.items[0], false);
    } catch (error) {
      if (asFault(error).status !== 0) throw error;
      here();
    }
  },
};

/** The first nine saved views by their place in the sidebar. */
export const goSaved = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n): Action => ({
  id: 'go-saved-' + n,
  titleKey: 'action.go.saved',
  keys: 'g ' + n,
  group: 'go',
  available: () => savedViews().length >= n,
  run: () => go('inbox', savedViews()[n - 1]!.id),
}));
