/** The contract's words, for the rooms above that must not reach past this one. */
export type * from '../../protocol/desk';
export type * as Net from '../../protocol/continuity';
export type * as Loss from '../../protocol/costs';
export type * as Calls from '../../protocol/calls';
import type { Frame } from '../../protocol/desk';

/** The live frames by their names. */
export type LiveFrames = { [F in Frame as F['type']]: F };
export { Fault, asFault } from '../../protocol/fault';
export type { Outgoing, Beginning, Work, WorkKind } from './work';
export { uuid7 } from '../../protocol/uuid';
export type { LiveState } from '../../protocol/live';
