import { counts } from './inbox';

/** How many of the operator's own conversations wait: shown in the title and on the app's icon. */
export const waitingForMe = (): number => counts()?.mine ?? 0;

export function showBadge(n: number): void {
  const place = navigator as Navigator & { setAppBadge?: (n: number) => Promise<void>; clearAppBadge?: () => Promise<void> };
  void (n ? place.setAppBadge?.(n) : place.clearAppBadge?.())?.catch(() => {});
}
