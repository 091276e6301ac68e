import { full, isolate, join, number, plain } from '../../texts/format';
import { t } from '../../texts/text.svelte';
import { channel, operatorName, team } from './desk';
import { customField, labelOf, valueText } from './fields';
import { whyText } from './ways';
import type { ID, Part, TimelineItem } from './words';

/** What is known of conversations by their ids: those that are parts of the one on the screen, and the others. */
export type Naming = (id: ID) => Pick<Part, 'number' | 'subject'> | undefined;

/** One change of a conversation as a sentence. */
export function eventSentence(e: TimelineItem, naming: Naming = () => undefined): string {
  const b = e.body as Record<string, string | number | undefined>;
  const who = isolate(e.actor.kind === 'operator' ? operatorName(e.actor.id) || t('event.somebody') : t('event.' + (e.actor.kind === 'token' ? 'program' : e.actor.kind === 'customer' ? 'customer' : 'desk')));
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
    case 'conversation.merged':
      return t('event.merged', { who, what: called(naming(String(b.with))) });
    case 'conversation.unmerged':
      return t('event.unmerged', { who, what: called(naming(String(b.with))) });
    case 'message.moved':
      return t('event.moved', { who, n: Number(b.count ?? 1), from: called(naming(String(b.from))) });
    case 'conversation.surveyed':
      return t('event.surveyed.' + (b.kind === 'nps' ? 'nps' : 'csat'), { who });
    case 'conversation.rated':
      return t('event.rated', { who, score: t('rating.score', { score: number(Number(b.score)), top: number(b.kind === 'nps' ? 10 : 5) }) });
    case 'message.rerouted':
      return t('event.rerouted', { who, to: isolate(channel(String(b.to))?.name ?? '…'), why: whyText(String(b.why), String(b.from)) });
    case 'message.stayed':
      return t('event.stayed', { who });
    case 'fields.set':
      return t('event.fields', { who, what: join(Object.entries((e.body.values ?? {}) as Record<ID, string>).map(([id, v]) => set(id, v))) });
  }
  return e.kind;
}

/** A conversation as people call it. */
function called(c: ReturnType<Naming>): string {
  if (!c?.number) return t('event.another');
  return isolate(t('conversation.number', { number: plain(c.number) }) + (c.subject ? ` “${c.subject}”` : ''));
}

function set(id: ID, value: string): string {
  const f = customField(id);
  const label = isolate(f ? labelOf(f) : t('event.field'));
  return value ? t('event.field.set', { label, value: isolate(f ? valueText(f, value) : value) }) : t('event.field.empty', { label });
}

/** Events as lines: messages that came together from one conversation are one line. */
export function eventLines(events: TimelineItem[]): TimelineItem[] {
  const lines: TimelineItem[] = [];
  for (const e of events) {
    const last = lines.at(-1);
    if (e.kind === 'message.moved' && last?.kind === e.kind && last.body.from === e.body.from && last.actor.id === e.actor.id && Date.parse(e.at) - Date.parse(last.at) < 2000) {
      lines[lines.length - 1] = { ...last, body: { ...last.body, count: Number(last.body.count ?? 1) + 1 } };
    } else lines.push(e);
  }
  return lines;
}
