import type { components } from './api.gen';

export type List = components['schemas']['CallsList'];
export type One = components['schemas']['CallsOne'];
export type Outcome = NonNullable<One['outcome']>;
