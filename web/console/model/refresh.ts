import { sync } from '../sync/sync';

/** Asks the desk again for the lists that are looked at. */
export const refreshLists = (): void => sync.fetching.refreshLists();
