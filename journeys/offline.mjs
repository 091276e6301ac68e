// Plays an operator whose desk comes and goes. Environment: HOLDFAST_URL (through a
// line that can be cut), LINK_CLOCK and LINK_OTHER (two
// more operators), CONTROL (/line?is=pass|refuse|hang, /newer, /link for a sign-in, and POST / takes a letter),
// DESK and TOKEN (the desk itself, past the line), PROFILE (a folder for a browser),
// CHROMIUM, OUT. Prints every step and exits with 1.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { base, clear, launch, launchFrom, play, step, until, written } from '../web/test/browser.mjs';

const words = (language) => JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url), 'utf8'));
const t = words('en');
const broken = [];
let shown;

const line = async (is) => void (await fetch(`${process.env.CONTROL}/line?is=${is}`));
const desk = async (method, path, body) => {
  const r = await fetch(`${process.env.DESK}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${process.env.TOKEN}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await r.text();
  if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text}`);
  return text ? JSON.parse(text) : null;
};
const write = async (from, subject, text) => {
  const r = await fetch(process.env.CONTROL, { method: 'POST', body: JSON.stringify({ from, subject, message_id: `<${crypto.randomUUID()}@customer.example>`, text, ...(subject.startsWith('Re: ') ? { in_reply_to: ids[subject.slice(4)] } : {}) }) });
  if (!r.ok) throw new Error('the letter was not taken: ' + (await r.text()));
};
const anotherLink = async () => (await fetch(process.env.CONTROL + '/link')).text();
const ids = {};
/** What the desk has of a conversation. */
const messages = async (id) => (await desk('GET', `/conversations/${id}/messages?limit=100`)).items;
const having = async (id, text) => (await messages(id)).filter((m) => m.text === text).length;

const axe = readFileSync(createRequire(new URL('../web/test/browser.mjs', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');
/** What WCAG 2.2 AA says against a page as it stands, light and dark. */
const readable = async (page, where) => {
  await page.emulateMedia({ reducedMotion: 'reduce' }); // a colour on its way to another is neither
  for (const theme of ['light', 'dark']) {
    await page.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }, resultTypes: ['violations'], iframes: false }));
    if (violations.length) throw new Error(`${where}, ${theme}: ${violations.map((v) => `${v.id} ${v.nodes[0].target}`).join(', ')}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 1) throw new Error(`${where} is ${over} px wider than its window`);
  }
};

const options = { viewport: { width: 1440, height: 900 }, locale: 'en-GB' };
function watch(page) {
  shown = page;
  page.on('pageerror', (e) => broken.push(e.message));
  page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(m.text()));
  return page;
}
/** How much lies in a room of the device. */
const kept = (page, room) =>
  page.evaluate((room) => new Promise((resolve, reject) => {
    const q = indexedDB.open('holdfast');
    q.onerror = () => reject(q.error);
    q.onsuccess = () => {
      const r = q.result.transaction(room).objectStore(room).count();
      r.onsuccess = () => { q.result.close(); resolve(r.result); };
    };
  }), room);
/** Whether something lies there whose key ends so. */
const holds = (page, room, key) =>
  page.evaluate(([room, key]) => new Promise((resolve, reject) => {
    const q = indexedDB.open('holdfast');
    q.onerror = () => reject(q.error);
    q.onsuccess = () => {
      const r = q.result.transaction(room).objectStore(room).getAllKeys();
      r.onsuccess = () => { q.result.close(); resolve(r.result.some((k) => k.endsWith(key))); };
      r.onerror = () => reject(r.error);
    };
  }), [room, key]);
const live = (page) => until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1, 20_000);
const signIn = async (page, link) => {
  await page.goto(link);
  await page.locator('nav.rail').waitFor({ timeout: 20_000 });
  await live(page);
};
const ready = (page) => until('the service worker is there', () => page.evaluate(async () => !!(await navigator.serviceWorker.getRegistration())?.active), 20_000);
const enter = async (page, subject) => {
  await page.locator('section.list li a', { hasText: subject }).first().click();
  await page.locator('article').first().waitFor();
  return page.url().match(/[0-9a-f-]{36}/)[0];
};
const reply = async (page, text) => {
  await page.locator('.composer .kind button').first().click();
  await page.locator('.composer:not(.note) .writing').fill(text);
  await page.keyboard.press('Control+Enter');
  await page.locator('article', { hasText: text }).waitFor();
};
const unsent = (page, text) => page.locator('article.unsent', { hasText: text });
const sent = (page, text) => page.locator('article.out:not(.unsent):not(.sending):not(.held)', { hasText: text }).waitFor({ timeout: 30_000 });

let browser = await launchFrom(process.env.PROFILE, options);
try {
  let page = watch(await browser.newPage());
  let id;

  await play('one visit, and this device has it', async () => {
    for (const [i, subject] of ['Parcel', 'Invoice', 'Delivery'].entries()) await write(`kim${i}@customer.example`, subject, `Hello about my ${subject.toLowerCase()}, the refund is missing`);
    await until('the desk has them', async () => (await desk('GET', '/conversations?view=open')).items.length === 3);
    await signIn(page, await anotherLink());
    await ready(page);
    await page.goto(base + '/#/inbox/open');
    id = await enter(page, 'Parcel');
    await until('everything open is kept', async () => (await kept(page, 'threads')) === 3, 20_000);
    if (!(await page.locator('.link-state .at').textContent()).match(/\d\d:\d\d/)) throw new Error('when it was synced is not shown');
  });

  await play('nothing on the disk can be read', async () => {
    const raw = await page.evaluate(() => new Promise((resolve) => {
      const q = indexedDB.open('holdfast');
      q.onsuccess = () => {
        const r = q.result.transaction('threads').objectStore('threads').getAll();
        r.onsuccess = () => { q.result.close(); resolve(r.result.map((x) => new TextDecoder().decode(x.s.sealed.data)).join('')); };
      };
    }));
    if (!raw || raw.includes('refund')) throw new Error('the words of a customer lie there for everybody');
  });

  await play('the page opens without the desk, with its conversations, and is searched', async () => {
    await line('refuse');
    await page.reload();
    await page.locator('section.list li a', { hasText: 'Invoice' }).waitFor({ timeout: 10_000 });
    await page.locator('article', { hasText: 'about my parcel' }).waitFor();
    await page.locator('.banner').waitFor({ timeout: 10_000 });
    await page.goto(base + '/#/search?q=refund');
    await until('the search finds all three', async () => (await page.locator('a.hit').count()) === 3, 10_000);
    await page.goto(`${base}/#/inbox/open/${id}`);
    await enter(page, 'Invoice');
    await page.locator('article', { hasText: 'about my invoice' }).waitFor();
  });

  await play('what is shown of being cut off can be read by everybody', () => readable(page, 'the inbox without the desk'));
  await play('what is done stays here, in order, over a reload', async () => {
    await enter(page, 'Parcel');
    await reply(page, 'First answer');
    await unsent(page, 'First answer').waitFor();
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('n');
    await page.locator('.composer.note .writing').fill('A note for us');
    await page.getByRole('button', { name: t['composer.addnote'] }).click();
    await unsent(page, 'A note for us').waitFor();
    await reply(page, 'Second answer');
    await unsent(page, 'Second answer').waitFor();
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('i');
    const other = await enter(page, 'Delivery');
    await page.locator('.composer .writing').fill('Half a sent');
    await until('what is being typed is on the disk', () => holds(page, 'drafts', other));
    await page.reload();
    await page.locator('section.list li a', { hasText: 'Delivery' }).waitFor({ timeout: 10_000 });
    await until('the text is in the field again', async () => (await written(page.locator('.composer .writing'))) === 'Half a sent');
    await clear(page.locator('.composer .writing'));
    await until('what was taken back is off the disk', async () => (await kept(page, 'drafts')) === 0);
    await page.goto(`${base}/#/inbox/all/${id}`);
    await unsent(page, 'Second answer').waitFor();
    if ((await messages(id)).length !== 1) throw new Error('the desk has something already');
  });

  await play('the browser is killed, and the work is there', async () => {
    // Killed, not closed: nothing is told and nothing is flushed.
    const pids = execFileSync('pgrep', ['-f', '--', `--user-data-dir=${process.env.PROFILE}`]).toString().trim().split('\n').map(Number);
    for (const pid of pids) if (pid !== process.pid) try { process.kill(pid, 'SIGKILL'); } catch { /* gone with its parent */ }
    await browser.close().catch(() => {});
    browser = await launchFrom(process.env.PROFILE, options);
    page = watch(await browser.newPage());
    await page.goto(`${base}/#/inbox/all/${id}`);
    for (const text of ['First answer', 'A note for us', 'Second answer']) await unsent(page, text).waitFor({ timeout: 20_000 });
  });

  await play('it goes out by itself after a sign-in, once and in order', async () => {
    // A browser that is killed may lose its session, which it writes to the disk when it likes.
    await line('pass');
    await signIn(page, await anotherLink());
    await until('the desk has it all', async () => (await messages(id)).length === 4, 20_000);
    const got = (await messages(id)).map((m) => m.text);
    if (got.slice(1).join() !== 'First answer,A note for us,Second answer') throw new Error('the desk has ' + got.join());
    await until('it was assigned', async () => (await desk('GET', '/conversations/' + id)).operator);
    await page.goto(`${base}/#/inbox/all/${id}`);
    for (const text of ['First answer', 'Second answer']) await sent(page, text);
  });

  await play('two tabs have one outbox', async () => {
    const second = watch(await browser.newPage());
    await second.goto(`${base}/#/inbox/all/${id}`);
    await live(second);
    await line('refuse');
    await until('it is noticed', async () => (await page.locator('.link-state .dot.ok').count()) + (await second.locator('.link-state .dot.ok').count()) === 0, 20_000);
    await reply(page, 'Third answer');
    await unsent(second, 'Third answer').waitFor();
    await reply(second, 'Fourth answer');
    await unsent(page, 'Fourth answer').waitFor();
    await line('pass');
    for (const p of [page, second]) for (const text of ['Third answer', 'Fourth answer']) await sent(p, text);
    for (const text of ['Third answer', 'Fourth answer']) if ((await having(id, text)) !== 1) throw new Error(`the desk has ${text} ${await having(id, text)} times`);
    await until('both tabs are empty', async () => (await second.locator('article.unsent').count()) + (await page.locator('article.unsent').count()) === 0);
    await second.close();
    shown = page;
    await live(page);
  });

  await play('a conversation that went on is shown before the reply is sent', async () => {
    await page.goto(base + '/#/inbox/open');
    const other = await enter(page, 'Invoice');
    await line('refuse');
    await until('it is noticed', async () => (await page.locator('.link-state .dot.ok').count()) === 0, 20_000);
    await reply(page, 'We shall look into it');
    await unsent(page, 'We shall look into it').waitFor();
    await desk('PUT', `/conversations/${other}/priority`, { priority: 3 });
    await desk('POST', `/conversations/${other}/notes`, { id: crypto.randomUUID(), text: 'Solved by telephone' });
    await line('pass');
    const held = page.locator('article.held', { hasText: 'We shall look into it' });
    await held.waitFor({ timeout: 30_000 });
    await page.locator('article.note', { hasText: 'Solved by telephone' }).waitFor();
    if (await having(other, 'We shall look into it')) throw new Error('it was sent blind');
    await held.getByRole('button', { name: t['unsent.anyway'] }).click();
    await sent(page, 'We shall look into it');
    if ((await having(other, 'We shall look into it')) !== 1) throw new Error('it was not sent once');
  });

  await play('a desk that takes and never answers counts as away', async () => {
    await page.goto(base + '/#/inbox/open');
    const other = await enter(page, 'Delivery');
    await live(page);
    await line('hang');
    await reply(page, 'Into the silence');
    await unsent(page, 'Into the silence').waitFor({ timeout: 12_000 });
    await page.locator('.banner').waitFor({ timeout: 20_000 });
    await page.reload();
    await unsent(page, 'Into the silence').waitFor({ timeout: 15_000 });
    await line('pass');
    await sent(page, 'Into the silence');
    if ((await having(other, 'Into the silence')) !== 1) throw new Error('it was not sent once');
  });

  await play('what the desk refuses is kept with the reason, and stops nothing else', async () => {
    await live(page);
    await line('refuse');
    await until('it is noticed', async () => (await page.locator('.link-state .dot.ok').count()) === 0, 20_000);
    await page.route('**/conversations/*/notes', (r) => r.fulfill({ status: 422, contentType: 'application/json', body: JSON.stringify({ code: 'text.too_long', message: 'too long' }) }));
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('n');
    await page.locator('.composer.note .writing').fill('Not taken');
    await page.getByRole('button', { name: t['composer.addnote'] }).click();
    const bubble = page.locator('article', { hasText: 'Not taken' });
    await page.locator('article.refused', { hasText: 'Not taken' }).or(unsent(page, 'Not taken')).waitFor();
    await page.goto(`${base}/#/inbox/all/${id}`);
    await reply(page, 'Goes past it');
    await line('pass');
    await sent(page, 'Goes past it');
    await page.unroute('**/conversations/*/notes');
    await page.goto(base + '/#/inbox/all');
    await enter(page, 'Delivery');
    await page.locator('article.refused', { hasText: 'Not taken' }).waitFor();
    await bubble.getByText('text.too_long').waitFor();
    await bubble.getByRole('button', { name: t['action.edit'] }).click();
    await until('it is back in the field', async () => (await written(page.locator('.composer .writing'))) === 'Not taken');
    await clear(page.locator('.composer .writing'));
    await until('it is gone', async () => (await bubble.count()) === 0);
  });

  await play('a newer build waits until somebody says so, and what is typed survives it', async () => {
    await live(page);
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('r');
    await page.locator('.composer .writing').fill('Unfinished thou');
    await fetch(process.env.CONTROL + '/newer');
    await page.evaluate(() => navigator.serviceWorker.getRegistration().then((r) => r.update()));
    const banner = page.locator('.banner.update');
    await banner.waitFor({ timeout: 20_000 });
    if (await page.evaluate(() => caches.keys().then((k) => k.length)) < 2) throw new Error('the build in use was thrown away');
    await Promise.all([page.waitForEvent('load', { timeout: 20_000 }), banner.getByRole('button').click()]);
    await page.locator('nav.rail').waitFor({ timeout: 20_000 });
    await until('the text is there', async () => (await written(page.locator('.composer .writing'))) === 'Unfinished thou');
    await until('the banner is gone', async () => (await banner.count()) === 0);
    await clear(page.locator('.composer .writing'));
  });

  await play('a PIN guards the device while the desk is away', async () => {
    await live(page);
    await page.goto(base + '/#/settings/account');
    await page.getByLabel(t['device.pin'], { exact: true }).fill('314159');
    await page.getByRole('button', { name: t['device.pin.set'] }).click();
    await page.locator('.chip.ok', { hasText: t['device.pin.on'] }).waitFor({ timeout: 15_000 });
    await page.goto(`${base}/#/inbox/all/${id}`);
    await line('refuse');
    await page.reload();
    await page.getByRole('heading', { name: t['lock.title'] }).waitFor({ timeout: 20_000 });
    if (await page.getByText('refund').count()) throw new Error('the lock shows what it guards');
    for (const language of ['ru', 'fa', 'en']) {
      await page.evaluate((l) => localStorage.setItem('holdfast.language', l), language);
      await page.reload();
      await page.getByRole('heading', { name: words(language)['lock.title'] }).waitFor({ timeout: 20_000 });
      for (const width of [390, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await readable(page, `the lock in ${language} at ${width}`);
      }
    }
    for (const [pin, opens] of [['314158', false], ['314159', true]]) {
      await page.locator('input[type=password]').fill(pin);
      await page.keyboard.press('Enter');
      if (opens) await page.locator('article', { hasText: 'First answer' }).waitFor({ timeout: 20_000 });
      else await page.getByText(t['lock.wrong'].other.replace('{n}', '4')).waitFor({ timeout: 20_000 });
    }
  });

  const carried = await play('work is carried to another device, and is sent once', async () => {
    await reply(page, 'From the dead machine');
    await unsent(page, 'From the dead machine').waitFor();
    await page.goto(base + '/#/settings/account');
    await page.getByLabel(t['carry.word']).first().fill('correct horse battery');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: new RegExp('^' + t['carry.out']) }).click()]);
    const path = `${process.env.PROFILE}/carried.json`;
    await file.saveAs(path);
    if (readFileSync(path, 'utf8').includes('dead machine')) throw new Error('the file can be read');
    return path;
  });
  const elsewhere = await launch();
  await play('the other device brings it in', async () => {
    await line('pass');
    // The first device must not be quicker.
    await page.goto('about:blank');
    const there = watch(await (await elsewhere.newContext({ locale: 'en-GB' })).newPage());
    await signIn(there, process.env.LINK_OTHER);
    await there.goto(base + '/#/settings/account');
    await there.locator('input[type=file]').setInputFiles(carried);
    await there.getByLabel(t['carry.word']).last().fill('correct horse battery');
    await there.getByRole('button', { name: t['carry.in'] }).click();
    await until('the desk has it', async () => (await having(id, 'From the dead machine')) === 1, 20_000);
    await there.context().close();
    await page.goto(`${base}/#/inbox/all/${id}`);
    shown = page;
    await sent(page, 'From the dead machine');
    if ((await having(id, 'From the dead machine')) !== 1) throw new Error('it was sent twice');
  });

  await play('signing out leaves nothing here', async () => {
    await live(page);
    await page.locator('.rail .person').click();
    await page.getByText(t['action.signout'], { exact: true }).click();
    await page.locator('input[name=email]').waitFor();
    for (const room of ['items', 'threads', 'resources', 'work']) await until(`nothing in ${room}`, async () => (await kept(page, room)) === 0);
    await line('refuse');
    await page.reload();
    await page.getByRole('heading', { name: t['app.unreachable'] }).waitFor({ timeout: 20_000 });
    await line('pass');
  });

  await play('a clock that is a day wrong changes nothing', async () => {
    const context = await elsewhere.newContext({ locale: 'en-GB', viewport: { width: 1440, height: 900 } });
    const there = watch(await context.newPage());
    await there.addInitScript(() => {
      const real = Date;
      const off = 86_400_000;
      globalThis.Date = class extends real {
        constructor(...a) { a.length ? super(...a) : super(real.now() + off); }
        static now() { return real.now() + off; }
      };
    });
    await signIn(there, process.env.LINK_CLOCK);
    await ready(there);
    await there.goto(`${base}/#/inbox/all/${id}`);
    await there.locator('article', { hasText: 'First answer' }).waitFor();
    for (const [room, key] of [['threads', id], ['items', id], ['resources', '/channels']]) await until(`${room} keeps ${key}`, () => holds(there, room, key), 20_000);
    await line('refuse');
    await there.reload();
    await reply(there, 'From tomorrow');
    await unsent(there, 'From tomorrow').waitFor();
    await line('pass');
    await sent(there, 'From tomorrow');
    if ((await having(id, 'From tomorrow')) !== 1) throw new Error('it was not sent once');
    await context.close();
  });
  await elsewhere.close();

  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('the console works without its desk');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await shown?.screenshot({ path: `${process.env.OUT}/offline.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close().catch(() => {});
process.exit();
