// Shows the panel anew when a plug, a link or the reach has changed.


const look = async () => {
  try {
    const answer = await fetch('/demo/plug/state');
    if (!answer.ok) return;
    const now = await answer.json();
    const state = now.plugs.map((p) => `${p.pulled} ${p.state} `).join('') + now.reach;
    if (state === document.body.dataset.state) return;
    // Whoever is on a button stays on it.
    const at = [...document.querySelectorAll('button')].indexOf(document.activeElement);
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
    if (page.body.dataset.state === document.body.dataset.state) return;
    document.querySelector('main').replaceWith(page.querySelector('main'));
    document.body.dataset.state = page.body.dataset.state;
    if (at >= 0) document.querySelectorAll('button')[at]?.focus();
  } catch {
    // The desk is being restarted; the next look finds it.
  }
};
setInterval(() => { if (!document.hidden) look(); }, 1000);
