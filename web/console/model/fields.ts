/** A label in the reader's language, else in the first there is, else its key. */
export const labelIn = (labels: Record<string, string>, language: string, other: string): string => labels[language] || Object.values(labels).find(Boolean) || other;

/** A key for programs out of a label: small Latin letters, digits and _; empty where there are none of them. */
export const keyFrom = (label: string): string =>
  label.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 50);
