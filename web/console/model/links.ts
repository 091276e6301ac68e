import { locale, t } from '../../texts/text.svelte';
import type { Net } from './words';

/** A country's name for the reader; the empty one is for all others. */
export function countryName(code: string): string {
  if (!code) return t('links.country.other');
  try {
    return new Intl.DisplayNames([locale()], { type: 'region' }).of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
}

/** What a list of targets lacks to tell one outage from another; empty when it is enough. */
export function targetsMissing(list: readonly Pick<Net.Target, 'place' | 'address'>[]): '' | 'few' | 'country' | 'abroad' {
  if (list.length < 3) return 'few';
  if (!list.some((x) => x.place === 'country')) return 'country';
  return list.some((x) => x.place === 'abroad') ? '' : 'abroad';
}
