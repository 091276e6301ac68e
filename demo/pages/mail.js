// Shows the mailbox anew when it has changed, unless somebody is writing.
const shown = document.body.dataset.version;
const fields = [...document.querySelectorAll('textarea, input')];
const writing = () => fields.some((f) => f.value !== f.defaultValue);

const look = async () => {
  try {
    const answer = await fetch('/demo/mail/version');
    if (answer.ok && (await answer.text()) !== shown && !writing()) {
      location.replace(location.pathname + location.search.replace('done=1', ''));
    }
  } catch {
    // The desk is being restarted; the next look finds it.
  }
};
setInterval(() => { if (!document.hidden) look(); }, 1500);
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
