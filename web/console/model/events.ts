import { full, isolate } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { operatorName, team } from './desk';
import type { TimelineItem } from './words';

/** One change of a conversation as a sentence. */
export function eventSentence(e: TimelineItem): string {
  const b = e.body as Record<string, string | number | undefined>;
  const who = isolate(e.actor.kind === 'operator' ? operatorName(e.actor.id) || t('event.somebody') : t('event.' + (e.actor.kind === 'token' ? 'program' : 'desk')));
  switch (e.kind) {
    case 'conversation.status':
      return b.status === 'snoozed' && b.until
        ? t('event.snoozed', { who, until: full(String(b.until)) })
        : t('event.status', { who, status: t('status.' + b.status) });
    case 'conversation.assigned': {
      const to = [operatorName(String(b.operator ?? '')), team(String(b.team ?? ''))?.name ?? ''].filter(Boolean).join(' · ');
      if (b.operator && b.operator === e.actor.id) return t('event.took', { who });
      return to ? t('event.assigned', { who, to: isolate(to) }) : t('event.unassigned', { who });
    }
    case 'conversation.prioritised':
      return t('event.priority', { who, priority: t('priority.' + (b.priority ?? 1)) });
    case 'conversation.tagged':
      return t('event.tagged', { who, tag: isolate(String(b.tag)) });
    case 'conversation.untagged':
      return t('event.untagged', { who, tag: isolate(String(b.tag)) });
    case 'conversation.subject':
      return t('event.subject', { who, subject: isolate(String(b.subject ?? '')) });
  }
  return e.kind;
}
