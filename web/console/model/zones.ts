/** The time zones that this browser knows, with the one in use among them. */
export function zones(used: string): string[] {
  const all = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
  return [...new Set([...all, 'UTC', used].filter(Boolean))].sort();
}
