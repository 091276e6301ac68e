import { known, setLanguage, type Language } from '../../texts/text.svelte';
import type { Preferences } from './words';

/** How the page looks to this person: theme, density, language. Kept in the browser too, so that the next page starts right. */
const dark = typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-color-scheme: dark)');

let theme = $state<'' | 'light' | 'dark'>('');
let density = $state<'' | 'cosy' | 'compact'>('');

export const themeChosen = () => theme;
export const densityChosen = () => density;
// Rows grow with the letters that the reader has asked the browser for; ours are 15 pixels high.
const scale = (): number => (typeof document === 'undefined' ? 1 : parseFloat(getComputedStyle(document.documentElement).fontSize) / 15 || 1);
export const rowHeight = (): number => Math.round((density === 'compact' ? 62 : 76) * scale());

function paint(): void {
  document.documentElement.dataset.theme = theme || (dark?.matches ? 'dark' : 'light');
  document.documentElement.dataset.density = density || 'cosy';
}

export function setLooks(p: Preferences): void {
  theme = p.theme ?? '';
  density = p.density ?? '';
  localStorage.setItem('holdfast.theme', theme);
  localStorage.setItem('holdfast.density', density);
  paint();
}

/** Before anybody is signed in: what this browser used last, else what it asks for. */
export async function firstLooks(): Promise<void> {
  theme = (localStorage.getItem('holdfast.theme') ?? '') as typeof theme;
  density = (localStorage.getItem('holdfast.density') ?? '') as typeof density;
  paint();
  dark?.addEventListener('change', paint);
  const wanted: Language = known(localStorage.getItem('holdfast.language')) ?? navigator.languages.map(known).find(Boolean) ?? 'en';
  await setLanguage(wanted);
}
