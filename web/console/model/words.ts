/** The desk's words for views and actions. */
export type * from '../sync/words';
export { Fault, asFault, uuid7 } from '../sync/words';
export type { Listing, LocalMessage, Thread, Typing } from '../sync/store';
export type { Resource } from '../sync/resource';
