import { sync } from '../sync/sync';

/** The network or the window came back: try the connection now. */
export const hurry = (): void => sync.hurry();
