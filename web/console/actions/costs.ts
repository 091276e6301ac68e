import type { Loss } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export interface Thought { hours: number; cut: number; customers?: number; assumptions: Loss.Assumptions }

/** Works out what an outage would cost; nothing is kept. */
export const calculateCost: Action<{ of: Thought; done: (e: Loss.Episode) => void }> = {
  id: 'calculate-cost',
  titleKey: 'continuity.cost.calculator',
  group: 'desk',
  available: always,
  async run({ of, done }) {
    done(await sync.client.post<Loss.Episode>('/continuity/costs/calculate', of));
  },
};

/** Keeps what costs are worked out from. */
export const saveAssumptions: Action<Loss.Assumptions> = {
  id: 'save-assumptions',
  titleKey: 'continuity.cost.keep',
  group: 'setup',
  available: (p) => p.may('workspace.manage'),
  async run(said) {
    await sync.client.put('/continuity/assumptions', said);
    sync.resources.changed('/continuity');
  },
};
