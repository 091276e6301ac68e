import { route } from './route.svelte';

const prefix = 'holdfast.looks.';

/** The conversation that this tab shows to somebody: it is in front and has the keyboard. "" is none. */
function looksAt(): string {
  const { name, parts } = route(); // asked first, so that an effect follows it while the tab is behind, too
  return name === 'inbox' && document.visibilityState === 'visible' && document.hasFocus() ? (parts[1] ?? '') : '';
}

let leave: (() => void) | undefined;
let held = '';

/**
 * Says to every tab what this one looks at, from now on. It holds a lock of that name: others need no
 * answer from a tab that is busy, and the browser frees it when a tab dies.
 */
export function sayWhatIsLookedAt(): void {
  if (!navigator.locks) return;
  $effect.root(() => {
    $effect(hold);
  });
  for (const told of ['focus', 'blur']) addEventListener(told, hold);
  document.addEventListener('visibilitychange', hold);
}

function hold(): void {
  const at = looksAt();
  if (at === held) return;
  leave?.();
  leave = undefined;
  held = at;
  if (at) void navigator.locks.request(prefix + at, { mode: 'shared' }, () => (held === at ? new Promise<void>((done) => (leave = done)) : undefined));
}

/** Whether somebody looks at a conversation in any tab: then nothing has to be said of it. */
export async function seenAnywhere(conversation: string): Promise<boolean> {
  if (looksAt() === conversation) return true;
  const locks = await navigator.locks?.query();
  return !!locks?.held?.some((l) => l.name === prefix + conversation);
}
