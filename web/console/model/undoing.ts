import type { Conversation, ID, Step } from './words';

/** What a step changes, in the words of the screen: the same fields are put back to undo it. */
export function changeOf(step: Step, c: Conversation, me: ID, now: number): Partial<Conversation> {
  switch (step.do) {
    case 'status': return { status: step.status as Conversation['status'], state: step.status as Conversation['status'], snooze_until: null };
    case 'snooze': return { status: 'snoozed', state: 'snoozed', snooze_until: step.minutes ? new Date(now + step.minutes * 60_000).toISOString() : null };
    case 'assign': {
      const operator = step.me ? me : (step.operator ?? '');
      return { operator, team: step.team || (operator ? (c.team ?? '') : '') };
    }
    case 'priority': return { priority: step.priority ?? 0 };
    case 'tag': return { tags: [...new Set([...(c.tags ?? []), step.tag!])].sort() };
    case 'untag': return { tags: (c.tags ?? []).filter((x) => x !== step.tag) };
    case 'read': return { unread: false };
  }
  return {};
}

/** Whether these steps can be taken back: what was said cannot, nor what was read. */
export const undoable = (steps: Step[]): boolean => steps.every((s) => s.do !== 'reply' && s.do !== 'note' && s.do !== 'read');

/** The steps that put a conversation back to how it was before these ones. */
export function backSteps(steps: Step[], was: Conversation, now: number): Step[] {
  const back: Step[] = [];
  const does = (...verbs: Step['do'][]) => steps.some((s) => verbs.includes(s.do));
  if (does('status', 'snooze')) {
    const status = was.state || was.status;
    const left = was.snooze_until ? Math.max(1, Math.ceil((Date.parse(was.snooze_until) - now) / 60_000)) : 0;
    back.push(status === 'snoozed' ? { do: 'snooze', minutes: left } : { do: 'status', status });
  }
  if (does('assign')) {
    // Handing something to a person alone would leave it with the team it is with by now.
    if (was.operator && !was.team) back.push({ do: 'assign' });
    back.push({ do: 'assign', ...(was.operator ? { operator: was.operator } : {}), ...(was.team ? { team: was.team } : {}) });
  }
  if (does('priority')) back.push({ do: 'priority', priority: was.priority });
  for (const s of steps) {
    const had = (was.tags ?? []).includes(s.tag ?? '');
    if (s.do === 'tag' && !had) back.push({ do: 'untag', tag: s.tag });
    if (s.do === 'untag' && had) back.push({ do: 'tag', tag: s.tag });
  }
  return back;
}

/** The same for many: those that go back in the same way go together. */
export function backGroups(steps: Step[], were: Conversation[], now: number): { ids: ID[]; steps: Step[] }[] {
  const groups = new Map<string, { ids: ID[]; steps: Step[] }>();
  for (const c of were) {
    const back = backSteps(steps, c, now);
    if (!back.length) continue;
    const key = JSON.stringify(back);
    const g = groups.get(key);
    if (g) g.ids.push(c.id);
    else groups.set(key, { ids: [c.id], steps: back });
  }
  return [...groups.values()];
}
