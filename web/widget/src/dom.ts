// Elements without innerHTML: it works under the strictest policy a site may
// have, and nothing that somebody wrote can become markup.

type Attrs = Record<string, string | boolean | undefined | ((e: never) => void)>;

/** h('button.round', {title: 'x', onclick: f}, 'text', child) */
export function h<K extends keyof HTMLElementTagNameMap>(what: K | `${K}.${string}`, attrs: Attrs = {}, ...kids: (Node | string | null | undefined)[]): HTMLElementTagNameMap[K] {
  const [tag, ...classes] = what.split('.');
  const el = document.createElement(tag!) as HTMLElementTagNameMap[K];
  if (classes.length) el.className = classes.join(' ');
  for (const [name, value] of Object.entries(attrs)) {
    if (typeof value === 'function') el.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) el.setAttribute(name, '');
    else if (value) el.setAttribute(name, value);
  }
  for (const kid of kids) if (kid) el.append(kid);
  return el;
}

const PATHS: Record<string, string> = {
  close: 'M6 6l12 12M18 6 6 18',
  more: 'M5 12v.01M12 12v.01M19 12v.01',
  down: 'M12 5v14M6 13l6 6 6-6',
  send: 'M4.5 12 20 4l-4.5 16-4-6.5zM11.5 13.5 20 4',
  clip: 'M20 11.5 12 19.5a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.8 17a1.7 1.7 0 0 1-2.4-2.4L15 7',
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3M6 11a6 6 0 0 0 12 0M12 17v4',
  file: 'M14 3H7a1.5 1.5 0 0 0-1.5 1.5v15A1.5 1.5 0 0 0 7 21h10a1.5 1.5 0 0 0 1.5-1.5V7.5zM14 3v4.5h4.5',
  clock: 'M12 7v5l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17',
  tick: 'M5 13l4 4L19 7',
  ticks: 'M2 13l4 4L15 7M11 16l1.5 1.5L22 7',
  alert: 'M12 8v5M12 16.5v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17',
};

export function icon(name: keyof typeof PATHS & string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'icon i-' + name);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', PATHS[name]!);
  svg.append(path);
  return svg;
}

/** Plain text with its web addresses as links. */
export function linked(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const m of text.matchAll(/https?:\/\/[^\s<>"'«»]+[^\s<>"'«».,:;!?)\]،؛؟]/g)) {
    out.append(text.slice(at, m.index), h('a', { href: m[0], target: '_blank', rel: 'noopener noreferrer nofollow' }, m[0]));
    at = m.index + m[0].length;
  }
  out.append(text.slice(at));
  return out;
}
