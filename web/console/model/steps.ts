import { full, isolate, join } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { me, operatorName, team } from './desk';
import { items } from './watch';
import type { Canned, Step, Verb } from './words';

/** What a step of a macro can do, in the order in which it is offered. */
export const verbs: Verb[] = ['reply', 'note', 'tag', 'untag', 'assign', 'status', 'priority', 'snooze', 'read'];
/** The statuses that a step can set; snoozing is a step of its own. */
export const settable = ['open', 'waiting', 'resolved', 'closed'] as const;
/** How long a step snoozes, in minutes; 0: until the customer writes. */
export const naps = [0, 60, 240, 1440, 4320, 10080] as const;

/** A step of a kind, with what it starts from. */
export function blank(verb: Verb): Step {
  switch (verb) {
    case 'status': return { do: verb, status: 'resolved' };
    case 'priority': return { do: verb, priority: 2 };
    case 'assign': return { do: verb, me: true };
    case 'snooze': return { do: verb, minutes: 0 };
    case 'reply': case 'note': return { do: verb, text: '' };
    case 'tag': case 'untag': return { do: verb, tag: '' };
    default: return { do: verb };
  }
}

/** Only what its verb names: what the desk would refuse or never look at is left out. */
export function tidy(s: Step): Step {
  switch (s.do) {
    case 'reply': return { do: s.do, ...(s.canned ? { canned: s.canned } : { text: s.text }), ...(s.then ? { then: s.then } : {}) };
    case 'assign': return { do: s.do, ...(s.me ? { me: true } : s.operator ? { operator: s.operator } : {}), ...(s.team ? { team: s.team } : {}) };
    case 'tag': case 'untag': return { do: s.do, tag: s.tag?.trim() };
    default: return { ...s };
  }
}

const nap = (minutes: number): string => (minutes % 1440 === 0 ? t('macros.days', { n: minutes / 1440 }) : minutes % 60 === 0 ? t('macros.hours', { n: minutes / 60 }) : t('macros.minutes', { n: minutes }));
export const napName = (minutes: number): string => (minutes ? t('macros.nap', { time: nap(minutes) }) : t('macros.nap.reply'));

/** One step as words: "tag: billing". */
export function stepName(s: Step): string {
  const what = t('macros.do.' + s.do);
  const of = (): string => {
    switch (s.do) {
      case 'reply': return s.canned ? (items<Canned>('/canned-replies').find((c) => c.id === s.canned)?.title ?? t('macros.canned.gone')) : clipped(s.text);
      case 'note': return clipped(s.text);
      case 'tag': case 'untag': return s.tag ?? '';
      case 'status': return t('status.' + (s.status ?? 'open'));
      case 'priority': return t('priority.' + (s.priority ?? 1));
      case 'snooze': return napName(s.minutes ?? 0);
      case 'assign': return join([s.me ? t('macros.me') : operatorName(s.operator), s.team ? (team(s.team)?.name ?? '') : ''].filter(Boolean)) || t('macros.nobody');
      default: return '';
    }
  };
  const it = of();
  return it ? `${what}: ${isolate(it)}` : what;
}

const clipped = (text = ''): string => (text.length > 40 ? text.slice(0, 40).trimEnd() + '…' : text);

/** A list with one of it moved to another place. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  if (from === to || from < 0 || to < 0 || from >= list.length || to >= list.length) return list;
  const out = [...list];
  out.splice(to, 0, ...out.splice(from, 1));
  return out;
}

/** One step of a macro as a sentence; what is said stands beside it. */
export function stepSentence(s: Step, now = Date.now()): string {
  switch (s.do) {
    case 'reply': return s.then ? t('step.reply.then', { status: t('status.' + s.then) }) : t('step.reply');
    case 'note': return t('step.note');
    case 'status': return t('step.status', { status: t('status.' + s.status) });
    case 'snooze': return s.minutes ? t('step.snooze', { until: full(new Date(now + s.minutes * 60_000).toISOString()) }) : t('step.snooze.message');
    case 'assign': {
      const to = [s.me ? me().operator.name : operatorName(s.operator), team(s.team ?? '')?.name ?? ''].filter(Boolean).join(' · ');
      return to ? t('step.assign', { to: isolate(to) }) : t('step.unassign');
    }
    case 'priority': return t('step.priority', { priority: t('priority.' + (s.priority ?? 0)) });
    case 'tag': return t('step.tag', { tag: isolate(s.tag ?? '') });
    case 'untag': return t('step.untag', { tag: isolate(s.tag ?? '') });
    case 'read': return t('step.read');
  }
}
