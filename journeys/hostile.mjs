// Opens hostile mails as an operator does, in the console's sandboxed frame on a page
// of the console's origin, and says what ran, what was fetched and what went elsewhere.
// Environment: HOLDFAST_URL, HOLDFAST_LINK, MAILS (a JSON file: [{title, payload,
// message}]), CHROMIUM. The control shows the payloads as they came, with no cleaning,
// frame or policy: it proves that this script notices what it looks for. Prints what
// is wrong and exits with 1.
import { readFileSync } from 'node:fs';
import { base, launch } from '../web/test/browser.mjs';

const mails = JSON.parse(readFileSync(process.env.MAILS, 'utf8'));
const browser = await launch();
const wrong = [];
const batch = 45;

// Whatever a payload does when it runs, it meets one of these.
const trap = () => {
  const tell = (what) => { try { console.log('RAN ' + what + ' ' + location.href); } catch { /* there is no console */ } };
  for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) {
    try { Object.defineProperty(window, name, { value: (...a) => tell(name + ' ' + a.join(' ')), configurable: false }); } catch { /* it stays */ }
  }
};

// What a mail can hope for: that somebody moves over it, gives it the focus and clicks.
const hands = () => (window.poke = (doc) => {
  for (const el of [...doc.querySelectorAll('*')].slice(0, 400)) {
    for (const type of ['mouseover', 'mouseenter', 'focus', 'blur', 'click', 'submit', 'toggle', 'animationstart', 'error', 'load']) {
      if ((type === 'click' || type === 'submit') && el.closest('a, area, form')) continue; // following a link is a person's own act
      try { el.dispatchEvent(new Event(type, { bubbles: true, cancelable: true })); } catch { /* it cannot */ }
    }
  }
});

/** A browser window that notes all that happens in it; only our own origin answers. */
async function watched(storageState) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState });
  const seen = { ran: [], fetched: [], moved: [] };
  await context.addInitScript(trap);
  await context.addInitScript(hands);
  await context.route('**/*', (route) => {
    const url = route.request().url();
    if (/^(data|blob|about):/.test(url) || new URL(url).origin === base) return route.fallback();
    seen.fetched.push(`${route.request().resourceType()} ${url.slice(0, 200)}`);
    return route.abort();
  });
  const page = await context.newPage();
  const watch = (p) => {
    p.on('console', (m) => m.text().startsWith('RAN ') && seen.ran.push(m.text()));
    p.on('dialog', (d) => { seen.ran.push('dialog ' + d.message()); d.dismiss().catch(() => {}); });
    p.on('framenavigated', (f) => { seen.moved.push(f.url()); });
  };
  watch(page);
  context.on('page', (p) => { if (p !== page) { seen.moved.push('a new window: ' + p.url()); watch(p); } });
  return { context, page, seen };
}

// The link lets somebody in once; the session is then everybody's.
const door = await browser.newContext();
const first = await door.newPage();
await first.goto(process.env.HOLDFAST_LINK);
await first.locator('nav.rail').waitFor({ timeout: 20000 });
const session = await door.storageState();
await door.close();

for (const remote of [false, true]) {
  const { context, page, seen } = await watched(session);
  await page.goto(base + '/#/settings/account');
  await page.locator('nav.rail').waitFor();
  let opened = 0;
  for (let from = 0; from < mails.length; from += batch) {
    seen.moved.length = 0;
    const part = mails.slice(from, from + batch).map((m) => m.message);
    const states = await page.evaluate(async ([ids, remote]) => {
      document.querySelectorAll('iframe.probe').forEach((f) => f.remove());
      return Promise.all(ids.map((id) => new Promise((done) => {
        const f = document.createElement('iframe');
        f.className = 'probe';
        f.setAttribute('sandbox', 'allow-same-origin allow-popups allow-popups-to-escape-sandbox');
        f.referrerPolicy = 'no-referrer';
        f.src = `/api/v1/messages/${id}/html${remote ? '?remote=1' : ''}`;
        f.onload = () => {
          const w = f.contentWindow;
          const d = f.contentDocument;
          if (!d || d.contentType !== 'text/html') return done({ id, lost: true });
          window.poke(d);
          setTimeout(() => done({ id, url: w.location.href, active: d.querySelectorAll('script, object, embed, iframe, frame, form, input, button, meta[http-equiv], link, base:not([target])').length,
            handlers: [...d.querySelectorAll('*')].flatMap((e) => [...e.attributes].filter((a) => /^on|^(xlink:)?href$|^src|^formaction$|^action$/i.test(a.name) && (/^on/i.test(a.name) || /^[\s\0-\x20]*(javascript|vbscript|data:text)/i.test(a.value))).map((a) => e.tagName + ' ' + a.name + '=' + a.value)) }), 120);
        };
        document.body.append(f);
      })));
    }, [part, remote]).catch((e) => { wrong.push('the console broke: ' + e.message.split('\n')[0]); return []; });
    opened += states.length;
    for (const s of states) {
      const m = mails.find((x) => x.message === s.id);
      if (s.lost) wrong.push(`${m.title}: it was not shown`);
      else if (!s.url.startsWith(`${base}/api/v1/messages/${s.id}/html`)) wrong.push(`${m.title}: the frame went to ${s.url}`);
      if (s.active) wrong.push(`${m.title}: ${s.active} active elements are left`);
      if (s.handlers?.length) wrong.push(`${m.title}: ${s.handlers.join(' · ')}`);
    }
    for (const url of seen.moved) if (!url.startsWith(`${base}/api/v1/messages/`) && url !== 'about:blank') wrong.push(`with remote images ${remote}: something went to ${url}`);
  }
  if (opened !== mails.length) wrong.push(`${opened} of ${mails.length} mails were opened`);
  for (const what of seen.ran) wrong.push(`with remote images ${remote}: ${what}`);
  // asked for, pictures may come from elsewhere, and nothing but pictures
  for (const what of seen.fetched) if (!remote || !what.startsWith('image ')) wrong.push(`with remote images ${remote}: fetched ${what}`);
  console.log(`remote ${remote}: ${opened} mails, ${seen.fetched.length} pictures of elsewhere asked for`);
  await context.close();
}

// The cleaning alone, with nothing behind it: the same HTML on a page without a policy.
for (const [name, html] of [['cleaned', (m) => m.cleaned], ['control', (m) => m.payload]]) {
  const { context, page, seen } = await watched();
  await page.route('**/bare/*', (route) => {
    const m = mails[Number(new URL(route.request().url()).pathname.split('/').pop())];
    return route.fulfill({ contentType: 'text/html; charset=utf-8', body: '<!doctype html><meta charset="utf-8"><body>' + (m ? html(m) : '') }); // a payload may ask for a page of its own
  });
  await page.route('**/frame', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>' }));
  await page.goto(base + '/frame');
  let live = 0;
  for (let from = 0; from < mails.length; from += batch) {
    const ids = mails.slice(from, from + batch).map((_, i) => from + i);
    await page.evaluate(async (ids) => {
      document.querySelectorAll('iframe').forEach((f) => f.remove());
      await Promise.all(ids.map((id) => new Promise((done) => {
        const f = document.createElement('iframe');
        f.onload = () => { try { window.poke(f.contentDocument); } catch { /* it went elsewhere */ } setTimeout(done, 120); };
        setTimeout(done, 4000);
        f.src = '/bare/' + id;
        document.body.append(f);
      })));
    }, ids).catch(async () => { live++; await page.goto(base + '/frame'); });
  }
  live += new Set(seen.ran).size;
  if (name === 'cleaned') {
    for (const what of seen.ran) wrong.push(`cleaned HTML alone: ${what}`);
    for (const what of seen.fetched) wrong.push(`cleaned HTML alone fetched ${what}`);
  } else if (live < 30 || seen.fetched.length < 3) wrong.push(`the payloads as they came did only ${live} things and fetched ${seen.fetched.length}: this script does not see`);
  console.log(`${name}: ${live} ran, ${seen.fetched.length} fetched`);
  await context.close();
}
await browser.close();
for (const w of [...new Set(wrong)].slice(0, 60)) console.error('WRONG ' + w);
process.exit(wrong.length ? 1 : 0);
