import { dateName, plain } from '../../texts/format';
import { language, t } from '../../texts/text.svelte';
import { items, resource } from './watch';
import type { CustomField, ID } from './words';

export type FieldOf = 'customer' | 'conversation';

export const customFields = (of: FieldOf): CustomField[] => items<CustomField>('/fields').filter((f) => f.of === of);
export const customField = (id: ID): CustomField | undefined => items<CustomField>('/fields').find((f) => f.id === id);
export const fieldValues = (of: FieldOf, id: ID) => resource<{ values: Record<string, string> }>(`/${of}s/${id}/fields`);

/** A text of several languages for this reader. */
export const inLanguage = (labels: Record<string, string> | undefined, other: string): string => labels?.[language()] || labels?.en || Object.values(labels ?? {})[0] || other;

export const labelOf = (f: CustomField): string => inLanguage(f.labels, f.key);

/** A value as the reader writes it. */
export function valueText(f: Pick<CustomField, 'type' | 'choices'>, value: string): string {
  switch (f.type) {
    case 'bool': return t(value === 'yes' ? 'field.yes' : 'field.no');
    case 'number': return Number.isFinite(Number(value)) ? plain(Number(value)) : value;
    case 'date': return dateName(value) || value;
    case 'choice': return inLanguage(f.choices.find((c) => c.value === value)?.labels, value);
  }
  return value;
}

/** Whether the desk will take a value; an empty one takes what was there away. */
export function fits(f: Pick<CustomField, 'type' | 'choices'>, value: string): boolean {
  const v = value.trim();
  if (!v) return true;
  switch (f.type) {
    case 'bool': return v === 'yes' || v === 'no';
    case 'number': return /^-?[0-9۰-۹٠-٩]{1,15}([.,٫][0-9۰-۹٠-٩]{1,9})?$/.test(v);
    case 'date': return /^\d{4}-\d{2}-\d{2}$/.test(v) && !Number.isNaN(Date.parse(v));
    case 'choice': return f.choices.some((c) => c.value === v);
  }
  return new TextEncoder().encode(v).length <= 4000;
}

/** A key for programs out of a label: small Latin letters, digits and _; empty where there are none of them. */
export const keyFrom = (label: string): string =>
  label.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 50);
