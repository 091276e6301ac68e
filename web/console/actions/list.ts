import { toggleTheme } from './account';
import type { Action } from './action';
import { comeBack, leave } from './away';
import { assign, take, unassign } from './assign';
import { goCalls } from './calls';
import { goArrivals, goBroadcasts, goContinuity, goCost, goCustomers, goDesign, goInbox, goOutbox, goPlans, goSearch, goSections, goSettings, goViews, goWall, newBroadcast, newChannel, newImport } from './go';
import { select, selectAll, selectMode, selectNone, undoMany } from './bulk';
import { markUnread } from './mark-read';
import { askCsat, askNps } from './rate';
import { chooseMacro } from './macro';
import { merge, split } from './merge';
import { note } from './note';
import { goDrills, newPlan } from './plans';
import { newCanned, newField, newMacro } from './presets';
import { compose, customerPanel, help, palette } from './open';
import { prioritise } from './prioritise';
import { rename } from './rename';
import { quote } from './quote';
import { reply } from './reply';
import { replyAll } from './reply-all';
import { sendLater } from './send-later';
import { close, reopen, resolve, wait } from './set-status';
import { signOut } from './sign';
import { snooze } from './snooze';
import { next, previous } from './step';
import { tag } from './tag';
import { transcript } from './transcript';
import { buildFilter, goSaved } from './views';
import { canned } from './canned';
import { forward } from './forward';
import { keyRows, newBanner, newIncident } from './incidents';
import { undoSend } from './undo-send';
import { insertEmoji, recordVoice, toggleFormatting } from './writing';

/** Every action that can be asked for without saying more, in the order of the palette and of the help page. */
export const actions: Action[] = [
  reply as Action, replyAll, sendLater, undoSend as Action, note, canned, quote as Action, forward as Action, toggleFormatting, insertEmoji, recordVoice,
  resolve, wait, snooze, reopen, close,
  take, assign as Action, unassign, tag as Action, prioritise as Action, rename as Action, markUnread,
  chooseMacro as Action, merge as Action, split as Action, askCsat, askNps,
  transcript,
  next, previous,
  select as Action, selectMode, selectAll, selectNone, undoMany,
  goInbox, goSearch, goCustomers, goOutbox, goBroadcasts, goArrivals, goContinuity, goCost, goCalls, goWall, goPlans, goSettings, ...goViews, ...goSaved, buildFilter,
  compose, customerPanel, palette, help,
  leave, comeBack, toggleTheme, signOut,
  ...goSections, goDesign, newBroadcast, newChannel, newImport, newCanned, newMacro, newField, newPlan, goDrills, newIncident, newBanner, keyRows,
];
