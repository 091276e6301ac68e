// Waits for the mailbox to change and shows it anew, unless somebody is writing.
(async () => {
  const version = document.body.dataset.version;
  const writing = () => [...document.querySelectorAll('textarea')].some((t) => t.value !== t.defaultValue);
  let news = false;
  const show = () => { if (news && !writing() && !document.querySelector('form')) location.reload(); };
  document.addEventListener('visibilitychange', show);
  for (let pause = 1000; !news;) {
    try {
      const answer = await fetch('/demo/mail/changed?version=' + version);
      if (!answer.ok) throw new Error(answer.statusText);
      news = (await answer.text()) !== version;
      pause = 1000;
    } catch {
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 30000);
    }
  }
  show();
})();
