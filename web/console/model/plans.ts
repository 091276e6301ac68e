import { join, number, relative } from '../../texts/format';
import { orElse, t } from '../../texts/text.svelte';
import { channel, operator } from './desk';
import type { PlanForm, PlanGap, PlanRun, PlanStepPart, PlanText, RunStep } from './words';

export const languagesOf = ['en', 'ru', 'fa'] as const;
export const causes = ['hand', 'reach', 'channel', 'link'] as const;
export const reaches = ['domestic', 'local', 'none'] as const;
export const modes = ['automatic', 'confirm', 'hand'] as const;
export const failings = ['go_on', 'ask', 'stop'] as const;
export const placesOf = ['console', 'widget', 'status', 'board'] as const;
export const placeholders = ['affected', 'works', 'next', 'since', 'opt_out', 'workspace.name', 'plan.name', 'step.name'] as const;

/** A plan that says nothing yet. */
export const blankPlan = (): PlanForm => ({
  name: '', enabled: false, trigger: { on: 'hand' }, roles: [{ key: 'lead', name: '', deputies: [] }], steps: [], recovery: [], texts: [], every: 60, settle: 60, stop_late: 0, drills: { every: 'off', day: 1, at: '10:00' },
});

/** A key that nothing in the list has: "tell", "tell-2", … */
export function freeKey(base: string, taken: string[]): string {
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base}-${n}`)) return `${base}-${n}`;
}

export const blankStep = (deed: string, name: string, taken: string[]): PlanStepPart => ({
  key: freeKey(deed, taken), name, do: deed, mode: deed === 'task' || deed === 'ask' ? 'hand' : 'automatic', on_failure: 'go_on', ...(deed === 'wait' ? { seconds: 600 } : {}), ...(deed === 'banner' ? { places: [...placesOf] } : {}),
});

/** What is sent: empty choices are left out. */
export function tidyPlan(p: PlanForm): PlanForm {
  const step = (s: PlanStepPart): PlanStepPart => ({
    key: s.key, name: s.name.trim(), do: s.do, mode: s.mode, on_failure: s.on_failure,
    ...(s.timeout ? { timeout: s.timeout } : {}), ...(s.seconds ? { seconds: s.seconds } : {}), ...(s.text ? { text: s.text } : {}), ...(s.webhook ? { webhook: s.webhook } : {}),
    ...(s.roles?.length ? { roles: s.roles } : {}), ...(s.places?.length ? { places: s.places } : {}), ...(s.channels?.length ? { channels: s.channels } : {}), ...(s.at_night ? { at_night: true } : {}),
  });
  const { on, reach, channel: c, link, seconds } = p.trigger;
  return {
    name: p.name.trim(), enabled: p.enabled, every: p.every, settle: p.settle, stop_late: p.stop_late, drills: p.drills,
    trigger: { on, ...(on === 'reach' ? { reach: reach || 'local' } : {}), ...(on === 'channel' && c ? { channel: c } : {}), ...(on === 'link' && link ? { link } : {}), ...(on !== 'hand' && seconds ? { seconds } : {}) },
    roles: p.roles.map((r) => ({ key: r.key, name: r.name.trim(), ...(r.operator ? { operator: r.operator } : {}), deputies: r.deputies })),
    steps: p.steps.map(step), recovery: p.recovery.map(step),
    texts: p.texts.map((x) => ({ key: x.key, ...(x.channel ? { channel: x.channel } : {}), texts: x.texts })),
  };
}

/** "When the reach falls to this office for 2 minutes" */
export function triggerName(trigger: PlanForm['trigger']): string {
  const after = trigger.seconds ? t('plans.after', { time: lasting(trigger.seconds) }) : '';
  const what = (): string => {
    switch (trigger.on) {
      case 'reach': return t('plans.on.reach', { reach: orElse('plans.reach.' + trigger.reach, trigger.reach ?? '') });
      case 'channel': return trigger.channel ? t('plans.on.channel.one', { name: channel(trigger.channel)?.name ?? '' }) : t('plans.on.channel');
      case 'link': return t('plans.on.link');
    }
    return t('plans.on.hand');
  };
  return trigger.on === 'hand' || !after ? what() : `${what()} ${after}`;
}

/** "40 s", "2 min", "1 h 5 min" */
export function lasting(seconds: number): string {
  if (seconds < 60) return t('plans.seconds', { n: seconds });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t('plans.minutes', { n: minutes });
  return minutes % 60 ? join([t('plans.hours', { n: Math.floor(minutes / 60) }), t('plans.minutes', { n: minutes % 60 })]) : t('plans.hours', { n: minutes / 60 });
}

/** What a plan lacks, in words. */
export function gapName(g: PlanGap, p: PlanForm): string {
  const step = (g.recovery ? p.recovery : p.steps).find((s) => s.key === g.step)?.name ?? g.step ?? '';
  const name = g.code === 'offered' ? orElse('plans.do.' + g.name, g.name ?? '') : (p.roles.find((r) => r.key === g.name)?.name ?? g.name ?? '');
  const said = g.code === 'role' && !g.name ? t('plans.gap.norole', { step }) : orElse('plans.gap.' + g.code, g.code, { step, name: g.code === 'placeholder' ? `{{${name}}}` : name });
  return g.language ? t('plans.gap.in', { gap: said, language: t('plans.language.' + g.language) }) : said;
}

/** A text as somebody would read it, with made-up facts. */
export function previewText(text: string, language: string): string {
  const facts: Record<string, string> = {
    affected: t('plans.sample.affected'), works: t('plans.sample.works'), next: new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(new Date(2026, 0, 1, 15, 30)),
    since: new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(new Date(2026, 0, 1, 14, 30)), opt_out: t('plans.sample.opt_out'), 'workspace.name': t('plans.sample.workspace'), 'plan.name': t('plans.sample.plan'), 'step.name': t('plans.sample.step'),
  };
  return text.replace(/\{\{\s*([\w.]+)\s*(?:\|([^{}]*))?\}\}/g, (all, name: string, other?: string) => facts[name] ?? other ?? all);
}

/** The placeholders that a text has and nothing fills. */
export const strangers = (text: string): string[] => [...text.matchAll(/\{\{\s*([\w.]+)\s*(?:\|[^{}]*)?\}\}/g)].map((m) => m[1]!).filter((n) => !(placeholders as readonly string[]).includes(n));

export const textOf = (list: PlanText[], key: string, kind: string): PlanText | undefined => list.find((x) => x.key === key && (x.channel ?? '') === kind);

export const who = (ids: string[]): string => join([...new Set(ids)].map((id) => operator(id)?.name ?? '').filter(Boolean));

/** What a reader of a run can say of a step now. */
export function answersTo(s: RunStep, ended: boolean): string[] {
  if (ended) return [];
  switch (s.state) {
    case 'asked': return [s.mode === 'hand' ? 'done' : 'confirm', 'skip'];
    case 'blocking': return ['retry', 'skip'];
    case 'began': return s.kind === 'wait' ? ['skip'] : [];
    case 'done': return s.undo ? ['undo'] : [];
  }
  return [];
}

export const toneOf = (state: string): string => ({ done: 'ok', failed: 'bad', blocking: 'bad', asked: 'warn', began: 'info', undoing: 'info' })[state] ?? '';
export const runTone = (r: PlanRun): string => (r.state === 'ended' ? (r.outcome === 'finished' ? 'ok' : 'bad') : 'warn');
export const runName = (r: PlanRun): string => (r.state === 'ended' ? orElse('plans.outcome.' + r.outcome, r.outcome ?? '') : orElse('plans.state.' + r.state, r.state));

/** Minutes as a short number, or a dash where nothing was measured. */
export const took = (seconds: number | null | undefined): string => (seconds === null || seconds === undefined ? '—' : lasting(seconds));
export const share = (of: number, all: number): string => t('plans.of', { a: number(of), b: number(all) });
export const ago = (at: string): string => relative(at);

