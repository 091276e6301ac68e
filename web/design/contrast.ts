/** The relative luminance of a colour, 0 to 1 (WCAG 2.2, "relative luminance"). Colours are #rgb, #rrggbb or rgb(r g b). */
export function luminance(color: string): number {
  const hex = /^#([0-9a-f]{6})$/i.exec(color.trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3'));
  const parts = hex ? [0, 2, 4].map((i) => parseInt(hex[1]!.slice(i, i + 2), 16)) : (color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  const [r, g, b] = parts.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const grounds = ['bg', 'surface', 'sunken', 'raised', 'hover', 'selected'];
/** Which colour of words stands on which ground, as the screens put them. */
export const pairs: [words: string, ground: string][] = [
  ...['text', 'muted', 'accent-text', 'danger', 'warn', 'ok', 'info', 'violet'].flatMap((w) => grounds.map((g): [string, string] => [w, g])),
  ...['text', 'muted', 'accent-text'].flatMap((w) => ['bubble-in', 'bubble-out'].map((g): [string, string] => [w, g])),
  ['on-accent', 'accent'], ['on-accent', 'accent-hover'], ['accent-text', 'accent-soft'], ['text', 'accent-soft'],
  ['text', 'note'], ['note-text', 'note'], ['note-text', 'note-line'], ['text', 'mark'],
  ['danger', 'danger-soft'], ['warn', 'warn-soft'], ['ok', 'ok-soft'], ['info', 'info-soft'], ['violet', 'violet-soft'],
  ['rail-text', 'rail'], ['rail-on', 'rail'], ['rail-on', 'rail-hover'], ['rail-text', 'rail-hover'],
];
/** What is no word but must be seen: the ring of the keyboard, the edges of fields. */
export const edges: [edge: string, ground: string][] = ['surface', 'bg', 'raised', 'sunken'].map((g): [string, string] => ['focus', g]);
