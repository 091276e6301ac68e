import { t } from '../../texts/text.svelte';
import { live, me } from '../model/desk';
import { conversationsOf, listing } from '../model/inbox';
import { inboxQuery } from '../model/query';
import { route } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';
import { selection, type Outcome } from '../model/selection.svelte';
import { backGroups, changeOf, undoable } from '../model/undoing';
import { asFault, Fault, uuid7, type BulkResult, type Conversation, type ID, type Macro, type Step } from '../model/words';
import { sync } from '../sync/sync';
import type { Action, Place } from './action';

const inList = (p: Place): boolean => p.route === 'inbox' && p.may('conversations.write');
const chosen = (p: Place): boolean => inList(p) && selection.chosen.size > 0;

/** Chooses the row under the cursor or the open conversation, or lets go of it. */
export const select: Action<ID | void> = {
  id: 'select',
  titleKey: 'action.select',
  keys: 'x',
  group: 'conversation',
  available: inList,
  run(id) {
    const list = listing(inboxQuery(route())).ids;
    const which = id || [selection.pointed, route().parts[1] ?? ''].find((x) => list.includes(x));
    if (which) selection.toggle(which);
  },
};

/** For screens that are touched: taps choose from now on. */
export const selectMode: Action = {
  id: 'select-mode', titleKey: 'action.select.mode', group: 'conversation', available: (p) => inList(p) && !selection.active,
  run() {
    selection.editing = true;
  },
};

export const selectAll: Action = {
  id: 'select-all', titleKey: 'action.select.all', group: 'conversation', available: (p) => inList(p) && conversationsOf(listing(inboxQuery(route()))).length > 0, run: () => selection.all(),
};

export const selectNone: Action = {
  id: 'select-none', titleKey: 'action.select.none', keys: 'escape', group: 'conversation', available: (p) => p.route === 'inbox' && (selection.active || !!selection.outcome),
  run() {
    if (!selection.active) selection.outcome = undefined;
    selection.clear();
  },
};

/** How many the desk takes at once. */
const most = 200;

interface Batch { id: ID; ids: ID[] }

/** The requests that it takes. Their ids are made once, so that trying again does nothing twice. */
function batches(ids: ID[]): Batch[] {
  const list: Batch[] = [];
  for (let i = 0; i < ids.length; i += most) list.push({ id: uuid7(), ids: ids.slice(i, i + most) });
  return list;
}

async function ask(requests: Batch[], what: { actions?: Step[]; macro?: ID }): Promise<BulkResult[]> {
  const results: BulkResult[] = [];
  for (const b of requests) {
    const page = await sync.client.post<{ items: BulkResult[] }>('/conversations/bulk', { ...b, ...what }, { deadline: 60_000 });
    results.push(...(page?.items ?? []));
  }
  return results;
}

/** Keeps every change on this device and sends it when the desk is there again. */
async function keep(list: Conversation[], steps: Step[]): Promise<void> {
  const now = Date.now();
  for (const c of list) {
    let at = c;
    for (const s of steps) {
      const change = changeOf(s, at, me().operator.id, now);
      at = { ...at, ...change };
      const { operator, team, snooze_until: until } = at;
      if (s.do === 'status' || s.do === 'snooze') await sync.act('status', c.id, change, 'PUT', 'status', { status: at.status, ...(until ? { until } : {}) });
      else if (s.do === 'assign') await sync.act('assignment', c.id, change, 'PUT', 'assignment', { operator, team });
      else if (s.do === 'priority') await sync.act('priority', c.id, change, 'PUT', 'priority', { priority: at.priority });
      else if (s.do === 'tag' || s.do === 'untag') await sync.act('tag', c.id, change, s.do === 'tag' ? 'PUT' : 'DELETE', 'tags/' + encodeURIComponent(s.tag!), {});
    }
  }
}

/** What this device can keep until the desk is there. */
const keepable = (steps: Step[]): boolean => steps.every((s) => ['status', 'snooze', 'assign', 'priority', 'tag', 'untag'].includes(s.do));

export interface Deed {
  title: string;
  steps: Step[];
  macro?: Macro;
  /** Filled in by the first try. */
  on?: Conversation[];
  requests?: Batch[];
}

/** Does the same to all that are chosen. What cannot be done to one is said and stops nothing else. */
export const doToMany: Action<Deed> = {
  id: 'do-to-many',
  titleKey: 'bulk.do',
  group: 'conversation',
  available: chosen,
  async run(deed) {
    const { title, steps, macro } = deed;
    const list = (deed.on ??= selection.conversations());
    if (!list.length || selection.busy) return;
    const requests = (deed.requests ??= batches(list.map((c) => c.id)));
    selection.busy = true;
    const outcome: Outcome = { title, done: list.length, failed: [], back: [], waiting: false };
    let done = list;
    try {
      if (live() === 'live') {
        try {
          const results = new Map((await ask(requests, macro ? { macro: macro.id } : { actions: steps })).map((r) => [r.id, r]));
          done = list.filter((c) => results.get(c.id)?.done);
          for (const c of list) {
            const p = results.get(c.id);
            if (p && !p.done) outcome.failed.push({ id: c.id, number: c.number, name: c.customer?.name ?? '', fault: new Fault(p.error?.status ?? 500, p.error?.code ?? 'internal', p.error?.message ?? '', p.error?.next ?? '') });
          }
        } catch (error) {
          if (asFault(error).status !== 0 || !keepable(steps)) throw error;
          outcome.waiting = true;
        }
      } else if (keepable(steps)) outcome.waiting = true;
      else throw new Fault(0, 'network.offline', 'The desk cannot be reached.');
      if (outcome.waiting) await keep(list, steps);
      outcome.done = done.length;
      if (undoable(steps)) outcome.back = backGroups(steps, done, Date.now());
      selection.clear();
      selection.outcome = outcome;
      refresh(list);
    } finally {
      selection.busy = false;
    }
  },
};

/** Brings what was changed up to date: the lists, and the conversation that is open. */
function refresh(list: Conversation[]): void {
  sync.fetching.refreshLists();
  sync.resources.changed('/tags');
  const open = route().parts[1];
  if (open && list.some((c) => c.id === open)) void sync.fetching.page(open);
}

/** Takes the last thing that was done to many back. */
export const undoMany: Action = {
  id: 'undo-many',
  titleKey: 'bulk.undo',
  keys: 'y',
  group: 'conversation',
  available: (p) => p.route === 'inbox' && !!selection.outcome?.back.length && !selection.busy,
  async run() {
    const outcome = selection.outcome;
    if (!outcome) return;
    selection.busy = true;
    try {
      let n = 0;
      for (const g of outcome.back) {
        const list = g.ids.map((id) => sync.store.conversations.get(id)).filter((c): c is Conversation => !!c);
        let there = live() === 'live';
        if (there) {
          try {
            n += (await ask(batches(g.ids), { actions: g.steps })).filter((r) => r.done).length;
          } catch (error) {
            if (asFault(error).status !== 0) throw error;
            there = false;
          }
        }
        if (!there) {
          await keep(list, g.steps);
          n += list.length;
        }
        refresh(list);
      }
      selection.outcome = undefined;
      screen.say(t('bulk.undone', { n }));
    } finally {
      selection.busy = false;
    }
  },
};
