import { refetch } from '../../model/watch';

const every = 2000;

/** Asks anew while something moves and somebody looks: progress is no entry of the journal. */
export function poll(busy: boolean, ...paths: string[]): (() => void) | undefined {
  if (!busy) return undefined;
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') for (const p of paths) void refetch(p);
  }, every);
  return () => clearInterval(timer);
}
