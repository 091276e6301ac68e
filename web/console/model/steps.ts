import { full, isolate } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { me, operatorName, team } from './desk';
import type { Step } from './words';

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
