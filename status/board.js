'use strict';
// Keeps the board as the desk last said it, asks for news, and turns the languages.
const every = 15_000; // between two questions
const turn = 12_000; // that a language stands
const patience = 8_000;
const main = document.querySelector('main');
let shown = 0;

function show() {
  const sections = [...main.querySelectorAll('section')];
  shown %= sections.length;
  sections.forEach((s, i) => (s.hidden = i !== shown));
  document.documentElement.lang = sections[shown].lang;
}

function kept(is) {
  document.documentElement.classList.toggle('kept', is);
  for (const s of document.querySelectorAll('.stale')) s.hidden = !is;
}

async function ask() {
  try {
    const answer = await fetch(location.pathname + location.search, { cache: 'no-store', signal: AbortSignal.timeout(patience) });
    // A link that was taken back shows nothing any more; anything else that goes wrong is waited out.
    if (answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const next = page.querySelector('main');
    if (!next) throw new Error('no board');
    main.replaceChildren(...[...next.children].map((n) => document.adoptNode(n)));
    show();
    kept(answer.headers.get('Holdfast-Kept') === '1');
  } catch {
    kept(true);
  }
}

show();
if ('serviceWorker' in navigator) navigator.serviceWorker.register('/board/worker.js', { scope: '/board/' }).then(ask, ask);
else void ask();
setInterval(ask, every);
setInterval(() => {
  shown++;
  show();
}, turn);
addEventListener('online', ask);
if ('wakeLock' in navigator) navigator.wakeLock.request('screen').catch(() => {});
