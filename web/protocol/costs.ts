import type { components } from './api.gen';

type S = components['schemas'];

export type Assumptions = Partial<Omit<S['Assumptions'], '$schema'>>;
export type Band = S['LossesBand'];
export type Cost = S['LossesCost'];
export type Factor = S['LossesFactor'];
export type Basis = S['LossesBasis'];
export type Episode = S['LossesEpisode'];
export type Costs = S['LossesReport'];
export type AssumptionsView = S['AssumptionsView'];
