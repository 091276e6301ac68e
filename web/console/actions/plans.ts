import { go } from '../model/route.svelte';
import type { ID, PlanRun, RunAction } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const newPlan: Action = { id: 'new-plan', titleKey: 'plans.new', group: 'setup', available: (p) => p.may('plans.manage'), run: () => go('plans', 'new') };
export const goDrills: Action = { id: 'go-drills', titleKey: 'plans.drills', group: 'go', available: (p) => p.may('plans.manage'), run: () => go('plans', 'drills') };

/** Carries a plan out, or rehearses it, and shows how it goes. */
export const startPlan: Action<{ plan: ID; run: ID; drill: boolean }> = {
  id: 'start-plan',
  titleKey: 'plans.start',
  group: 'desk',
  available: always,
  async run({ plan, run, drill }) {
    await sync.client.post<PlanRun>(`/plans/${plan}/start`, { id: run, drill });
    sync.resources.changed('/plans');
    go('plans', 'run', run);
  },
};

export const answerStep: Action<{ run: ID; step: string; recovery: boolean; answer: string }> = {
  id: 'answer-step',
  titleKey: 'plans.answer.done',
  group: 'desk',
  available: always,
  async run({ run, ...said }) {
    await sync.client.post(`/plans/runs/${run}/answer`, said);
    sync.resources.changed('/plans');
  },
};

/** Ends a run, begins its recovery, or says that one has seen what it told. */
export const steerRun: Action<{ run: ID; to: 'stop' | 'recover' | 'heard' }> = {
  id: 'steer-run',
  titleKey: 'plans.stop',
  group: 'desk',
  available: always,
  async run({ run, to }) {
    await sync.client.post(`/plans/runs/${run}/${to}`, {});
    sync.resources.changed('/plans');
  },
};

export const keepAction: Action<{ run: ID; action: RunAction }> = {
  id: 'keep-run-action',
  titleKey: 'action.save',
  group: 'desk',
  available: always,
  async run({ run, action: { id, text, owner, due, done } }) {
    await sync.client.put(`/plans/runs/${run}/actions/${id}`, { text, done, ...(owner ? { owner } : {}), ...(due ? { due } : {}) });
    sync.resources.changed('/plans');
  },
};
