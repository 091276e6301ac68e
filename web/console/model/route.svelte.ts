import { painted } from './painted';

/** Where the page is: the part of the address after #. Nothing else decides what is shown. */
export interface Route {
  name: string;
  parts: string[];
  query: URLSearchParams;
}

function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decoded);
  return { name: parts[0] ?? '', parts: parts.slice(1), query: new URLSearchParams(search) };
}

/** An address that somebody cut short is still an address. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let now = $state.raw<Route>(parse(typeof location === 'undefined' ? '' : location.hash));

/** Where go led, until the browser has noted it. */
let wanted = '';

// A link is followed, or somebody steps back: over an address that go made there is no change of the hash, only a step.
if (typeof addEventListener !== 'undefined')
  for (const told of ['hashchange', 'popstate'])
    addEventListener(told, () => {
      wanted = '';
      now = parse(location.hash);
    });

export const route = (): Route => now;

/** The address of a place: link('inbox', 'open', id) → "#/inbox/open/…". */
export function link(...parts: (string | Record<string, string>)[]): string {
  const last = parts.at(-1);
  const query = typeof last === 'object' ? new URLSearchParams(Object.entries(last).filter(([, v]) => v)).toString() : '';
  const path = parts.filter((p): p is string => typeof p === 'string').map(encodeURIComponent).join('/');
  return '#/' + path + (query ? '?' + query : '');
}

/** Goes there at once. The browser takes milliseconds to note a step: it does after the screen was drawn. */
export function go(...parts: (string | Record<string, string>)[]): void {
  if (!wanted) void painted().then(note);
  wanted = link(...parts);
  now = parse(wanted);
}

function note(): void {
  if (wanted && wanted !== location.hash) history.pushState(null, '', wanted);
  wanted = '';
}

/** Changes the address without a step back to the old one. */
export function replace(...parts: (string | Record<string, string>)[]): void {
  note();
  history.replaceState(null, '', link(...parts));
  now = parse(location.hash);
}
