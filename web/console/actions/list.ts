import { toggleTheme } from './account';
import type { Action } from './action';
import { assign, take, unassign } from './assign';
import { goArrivals, goCustomers, goInbox, goOutbox, goSearch, goSections, goSettings, goViews, newChannel, newImport } from './go';
import { markUnread } from './mark-read';
import { note } from './note';
import { newCanned, newField, newMacro } from './presets';
import { compose, customerPanel, help, palette } from './open';
import { prioritise } from './prioritise';
import { rename } from './rename';
import { reply } from './reply';
import { close, reopen, resolve, wait } from './set-status';
import { signOut } from './sign';
import { snooze } from './snooze';
import { next, previous } from './step';
import { tag } from './tag';

/** Every action that can be asked for without saying more, in the order of the palette and of the help page. */
export const actions: Action[] = [
  reply as Action, note, resolve, wait, snooze, reopen, close, take, assign as Action, unassign, tag as Action, prioritise as Action, rename as Action,
  markUnread, next, previous, goInbox, goSearch, goCustomers, goOutbox, goArrivals, goSettings, ...goViews, compose, customerPanel, palette, help, toggleTheme, signOut,
  ...goSections, newChannel, newImport, newCanned, newMacro, newField,
];
