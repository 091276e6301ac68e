import { t } from '../../texts/text.svelte';
import { me } from './desk';

/** The names that a text may have in double braces, in the order in which they are offered. */
export const placeholders = [
  'customer.first_name', 'customer.name', 'operator.first_name', 'operator.name', 'conversation.number', 'conversation.subject', 'workspace.name',
] as const;

/** What placeholders stand for in an example: the reader, their workspace, and a customer who does not exist. */
export function sample(): Record<string, string> {
  const { operator, workspace } = me();
  const customer = t('sample.customer');
  return {
    'customer.name': customer, 'customer.first_name': first(customer), 'operator.name': operator.name, 'operator.first_name': first(operator.name),
    'conversation.number': '1042', 'conversation.subject': t('sample.subject'), 'workspace.name': workspace.settings?.public_name || workspace.name,
  };
}

const first = (name: string): string => name.trim().split(' ')[0]!.replace(/,$/, '');

/** Fills a text as the desk does: without a fact stands what is after the bar; what is no placeholder stays. */
export function filled(text: string, facts: Record<string, string>): string {
  return text.replace(/\{\{\s*([A-Za-z0-9_.]+)\s*(?:\|([^{}]*))?\}\}/g, (all, name: string, other?: string) => (name in facts ? facts[name] || (other ?? '').trim() : all));
}

/** The names in a text that nothing fills. */
export function unfilled(text: string): string[] {
  const names = [...text.matchAll(/\{\{\s*([A-Za-z0-9_.]+)\s*(?:\|[^{}]*)?\}\}/g)].map((m) => m[1]!);
  return [...new Set(names)].filter((n) => !(placeholders as readonly string[]).includes(n));
}
