// Keeps what is shown as it is now: each part that has changed is put in the place of
// the old one, and nobody who is writing or standing on a button is disturbed.
const down = (el) => { el.scrollTop = el.scrollHeight; };
document.querySelectorAll('.thread').forEach(down);

let looking = false;
const look = async () => {
  if (looking) return;
  looking = true;
  try {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const now of page.querySelectorAll('[data-live]')) {
      const old = document.getElementById(now.id);
      if (!old || old.outerHTML === now.outerHTML) continue;
      const at = old.contains(document.activeElement) ? document.activeElement.id : '';
      old.replaceWith(now);
      if (at) document.getElementById(at)?.focus();
      if (now.classList.contains('thread')) down(now);
    }
  } catch {
    // The desk is being restarted; the next look finds it.
  } finally {
    looking = false;
  }
};
setInterval(() => { if (!document.hidden) look(); }, 1000);

// Forms are sent without leaving the page, so that what is written elsewhere stays.
document.addEventListener('submit', async (e) => {
  e.preventDefault();
  const form = e.target;
  const body = new URLSearchParams(new FormData(form));
  const text = form.elements.text;
  if (text) text.value = '';
  try {
    const answer = await fetch(form.action, { method: 'POST', body });
    if (text && (!answer.ok || new URL(answer.url).searchParams.has('failed'))) text.value = body.get('text');
  } catch {
    if (text) text.value = body.get('text');
  }
  look();
});
