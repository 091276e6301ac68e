'use strict';
// Hands out the board that was seen last when the desk cannot be reached, and says so.
const shelf = 'board-1';
const patience = 6_000;

self.addEventListener('install', (e) => {
  e.waitUntil(caches.open(shelf).then((c) => c.add('/board/board.js')));
  void self.skipWaiting();
});
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));

async function serve(request) {
  const key = request.url;
  const shelved = await caches.open(shelf);
  try {
    const answer = await fetch(key, { cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(patience) });
    if (answer.ok) await shelved.put(key, answer.clone());
    else if (answer.status === 404) await shelved.delete(key); // taken back
    if (answer.status < 500) return answer;
    throw new Error(String(answer.status));
  } catch (error) {
    const kept = await shelved.match(key);
    if (!kept) throw error;
    const headers = new Headers(kept.headers);
    headers.set('Holdfast-Kept', '1');
    return new Response(kept.body, { status: 200, headers });
  }
}

self.addEventListener('fetch', (e) => {
  if (e.request.method === 'GET' && new URL(e.request.url).pathname.startsWith('/board/')) e.respondWith(serve(e.request));
});
