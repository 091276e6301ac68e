import { asFault, type Conversation, type Fault } from '../model/words';
import { conversation } from '../model/inbox';
import { may } from '../model/desk';
import { route } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';

/** Where an action is asked for: what is on the screen, and what this person may do. */
export interface Place {
  conversation: Conversation | undefined;
  route: string;
  may: (permission: string) => boolean;
}

/**
 * One thing that a person can do. The palette, the shortcuts and the help page
 * are made from these, so that none of them can know less than the others.
 */
export interface Action<A = void> {
  id: string;
  titleKey: string;
  /** Physical keys by their Latin letter, so that they work under any layout: "e", "g i", "ctrl+k". */
  keys?: string;
  group: 'conversation' | 'go' | 'desk' | 'setup';
  available: (place: Place) => boolean;
  run: (argument: A) => void | Promise<unknown>;
}

export function place(): Place {
  const r = route();
  return { conversation: r.name === 'inbox' && r.parts[1] ? conversation(r.parts[1]) : undefined, route: r.name, may };
}

/** The conversation that is on the screen, for actions that were asked for by a key. */
export function current(): Conversation {
  const c = place().conversation;
  if (!c) throw new Error('no conversation is open');
  return c;
}

export const inConversation = (p: Place): boolean => p.conversation !== undefined && p.may('conversations.write');
export const always = (): boolean => true;

/** Does it, and shows what went wrong. The result says whether it was done. */
export async function perform<A>(action: Action<A>, argument: A): Promise<boolean> {
  try {
    await action.run(argument);
    return true;
  } catch (error) {
    const fault = asFault(error);
    screen.blame(fault, fault.again ? () => void perform(action, argument) : undefined);
    return false;
  }
}

/** Does it for a form, which shows the fault beside its field. */
export async function attempt<A>(action: Action<A>, argument: A): Promise<Fault | undefined> {
  try {
    await action.run(argument);
    return undefined;
  } catch (error) {
    return asFault(error);
  }
}
