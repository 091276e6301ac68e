// The service worker: keeps one whole build of the console on this device, so that
// the page opens when the desk cannot be reached. It never mixes two builds, never
// takes over from an older one by itself, and leaves everything that is not a file
// of the console (the API above all) to the network.
//
// BUILD comes from build.mjs: { version, files: { path: sha256 or "" } }. A name that
// carries its content's hash needs no other; the rest must be the bytes that were built.
import './push.js';

const { version, files } = BUILD;
const prefix = 'holdfast-console-';
const own = prefix + version;
const at = (path) => new URL(path, self.registration.scope).href;
const home = at('./');

self.addEventListener('install', (e) => e.waitUntil(fill()));
self.addEventListener('activate', (e) => e.waitUntil(tidy().then(() => self.clients.claim())));
self.addEventListener('message', (e) => {
  if (e.data === 'take-over') void self.skipWaiting();
});

async function fill() {
  const cache = await caches.open(own);
  await Promise.all(
    Object.entries(files).map(async ([path, hash]) => {
      const kept = hash ? undefined : await caches.match(at(path));
      const answer = kept ?? (await fetch(at(path), { cache: hash ? 'reload' : 'default', credentials: 'same-origin' }));
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      // The desk may have been replaced between two of these: then this build is not whole.
      if (hash && (await digest(await answer.clone().arrayBuffer())) !== hash) throw new Error(`${path} is of another build`);
      await cache.put(at(path), answer);
    }),
  );
}

async function digest(bytes) {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** The build before this one stays: another tab may still run it and ask for a part of it. */
async function tidy() {
  const names = (await caches.keys()).filter((n) => n.startsWith(prefix) && n !== own);
  await Promise.all(names.slice(0, -1).map((n) => caches.delete(n)));
}

self.addEventListener('fetch', (e) => {
  const { request } = e;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  url.hash = url.search = '';
  if (request.mode === 'navigate') {
    if (url.href === home || url.href === at('index.html')) e.respondWith(from(own, home, request));
    return;
  }
  if (!url.href.startsWith(home)) return;
  const path = url.href.slice(home.length);
  if (path in files) e.respondWith(from(own, url.href, request));
  else if (path.startsWith('assets/')) e.respondWith(caches.match(url.href).then((kept) => kept ?? fetch(request)));
});

async function from(name, href, request) {
  const cache = await caches.open(name);
  return (await cache.match(href)) ?? fetch(request);
}
