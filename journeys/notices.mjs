// An operator with two tabs is told once of what asks for them: by a window of the
// system and a sound, not when they look at it, not in their quiet hours, not of what
// is others'. A push that the worker gets is shown; the settings say and keep it all.
// Environment: HOLDFAST_URL, HOLDFAST_TOKEN, LINKS (sign-in links, one a language),
// CHROMIUM, OUT (a folder for pictures of what failed).
import { readFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const browser = await launch();
const links = process.env.LINKS.trim().split(' ');
let page;
const desk = async (method, path, body) => {
  const r = await fetch(base + '/api/v1' + path, { method, headers: { Authorization: 'Bearer ' + process.env.HOLDFAST_TOKEN, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  if (r.status >= 400) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
  return r.status === 204 ? null : r.json();
};

try {
  for (const [i, language] of ['en', 'ru', 'fa'].entries()) await walk(language, links[i]);
  console.log('all is told once');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await page?.screenshot({ path: `${process.env.OUT}/notices.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language, link) {
  const texts = JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url)));
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const context = await browser.newContext({ locale: language });
  await context.grantPermissions(['notifications'], { origin: base });
  // Windows of the system and tones are noted instead of shown and played.
  await context.addInitScript(() => {
    window.told = [];
    window.tones = 0;
    ServiceWorkerRegistration.prototype.showNotification = async (title, options) => { window.told.push({ title, ...options }); };
    window.Notification = class extends window.Notification { constructor(title, options) { super(title, options); window.told.push({ title, ...options }); } };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...a) { window.tones++; return start.apply(this, a); };
  });
  const broken = [];
  const tab = async (address) => {
    const p = await context.newPage();
    p.on('pageerror', (e) => broken.push(e.message));
    await p.goto(address);
    await p.locator('nav.rail').waitFor({ timeout: 20000 });
    return p;
  };
  page = await tab(link);
  const second = await tab(base + '/#/inbox/open');
  const tabs = [page, second];
  const told = async () => (await Promise.all(tabs.map((p) => p.evaluate(() => window.told.map((n) => n.body))))).flat();
  const tones = async () => (await Promise.all(tabs.map((p) => p.evaluate(() => window.tones)))).reduce((a, b) => a + b, 0);
  const me = (await api(page, 'GET', '/me')).operator.id;
  const [one, other] = (await desk('GET', '/conversations?view=all')).items;
  const says = (key, c) => texts['notice.' + key].replace('{number}', new Intl.NumberFormat({ en: 'en-GB', ru: 'ru-RU', fa: 'fa-IR-u-nu-arabext' }[language], { useGrouping: false }).format(c.number));
  const assign = (c, operator) => desk('PUT', `/conversations/${c.id}/assignment`, { operator, team: '' });
  const settings = (await api(page, 'GET', '/me/notices')).settings;
  await second.waitForTimeout(800); // both tabs listen

  await say('one of two tabs tells of an assignment, with a sound and a count', async () => {
    await assign(one, me);
    await until('a notice', async () => (await told()).length > 0);
    await second.waitForTimeout(500);
    const all = await told();
    if (all.length !== 1 || all[0] !== says('assigned', one)) throw new Error(JSON.stringify(all));
    if ((await tones()) !== 2) throw new Error(`${await tones()} tones`);
    const count = new Intl.NumberFormat({ en: 'en-GB', ru: 'ru-RU', fa: 'fa-IR-u-nu-arabext' }[language]).format(1);
    for (const p of tabs) await until('the title counts', async () => (await p.title()).startsWith(`(${count}) `));
  });
  await say('not of what is another’s', async () => {
    await desk('POST', `/conversations/${other.id}/notes`, { id: crypto.randomUUID(), text: 'nobody is meant' });
    await desk('PUT', `/conversations/${other.id}/priority`, { priority: 2 });
    await second.waitForTimeout(500);
    if ((await told()).length !== 1) throw new Error(JSON.stringify(await told()));
  });
  await say('of a mention, but not while it is looked at in either tab', async () => {
    const note = (c) => desk('POST', `/conversations/${c.id}/notes`, { id: crypto.randomUUID(), text: 'look', mentions: [me] });
    await note(other);
    await until('a second notice', async () => (await told()).includes(says('mention', other)));
    await second.evaluate((id) => (location.hash = '#/inbox/open/' + id), other.id);
    await second.bringToFront();
    await second.locator('.thread').waitFor();
    const before = (await told()).length;
    await note(other);
    await second.waitForTimeout(700);
    if ((await told()).length !== before) throw new Error(JSON.stringify(await told()));
    await second.evaluate(() => (location.hash = '#/inbox/open'));
  });
  await say('the settings are kept, and quiet hours are quiet', async () => {
    await page.bringToFront();
    await page.goto(base + '/#/settings/notices');
    await page.getByLabel(texts['notices.quiet']).check();
    const at = (minutes) => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(Date.now() + minutes * 60000);
    await page.getByLabel(texts['notices.quiet.from'], { exact: true }).fill(at(-60));
    await page.getByLabel(texts['notices.quiet.to'], { exact: true }).fill(at(60));
    await page.getByRole('button', { name: texts['action.save'], exact: true }).click();
    await until('saved', async () => (await api(page, 'GET', '/me/notices')).settings.quiet.on);
    await second.evaluate(() => location.reload()); // both know it
    await second.locator('nav.rail').waitFor();
    await page.waitForTimeout(600);
    const before = (await told()).length;
    await assign(one, '');
    await assign(one, me);
    await page.waitForTimeout(700);
    if ((await told()).length !== before) throw new Error(JSON.stringify(await told()));
    await page.getByRole('button', { name: texts['notices.test'], exact: true }).click();
    await until('the test', async () => (await told()).includes(texts['notice.test']));
    if (language === 'fa' && (await page.evaluate(() => document.documentElement.dir)) !== 'rtl') throw new Error('not mirrored');
  });
  await say('a push is shown by the worker', async () => {
    await api(page, 'PUT', '/me/notices', settings);
    const devtools = await context.newCDPSession(page);
    const registrations = [];
    devtools.on('ServiceWorker.workerRegistrationUpdated', (e) => registrations.push(...e.registrations));
    await devtools.send('ServiceWorker.enable');
    await until('a worker', () => page.evaluate(async () => !!(await navigator.serviceWorker.getRegistration())?.active));
    await until('the browser names it', async () => registrations.length > 0);
    // A push to a worker that the browser has just put to sleep is lost; a real one is kept by its service.
    let tried = 0;
    await until('the push is shown', async () => {
      if (tried++ % 20 === 0)
        await devtools.send('ServiceWorker.deliverPushMessage', { origin: base, registrationId: registrations.findLast((r) => !r.isDeleted).registrationId,
          data: JSON.stringify({ kind: 'test', title: 'Sky', body: texts['notice.test'], language }) });
      return page.evaluate(async (body) => (await (await navigator.serviceWorker.getRegistration()).getNotifications()).some((n) => n.body === body), texts['notice.test']);
    });
  });
  if (broken.length) throw new Error(broken.join('; '));
  await assign(one, '');
  await context.close();
}
