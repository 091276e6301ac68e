// People are told of an outage: an administrator writes, strangers read without a
// script, a shop's screen keeps showing. Environment: HOLDFAST_URL (through a line that
// can be cut), HOLDFAST_LINK and OTHER (an administrator's and an observer's sign-in),
// CONTROL (?is=pass|refuse), DESK (past the line), SITE (the chat's account), CHROMIUM, OUT.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const browser = await launch();
const pages = {};
const broken = [];
const t = JSON.parse(readFileSync(new URL('../web/texts/en.json', import.meta.url), 'utf8'));
const fa = JSON.parse(readFileSync(new URL('../web/texts/fa.json', import.meta.url), 'utf8'));
const axe = readFileSync(createRequire(new URL('../web/test/browser.mjs', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');
const line = async (is) => void (await fetch(`${process.env.CONTROL}/?is=${is}`));
const moved = (link) => link.replace(/^https?:\/\/[^/]+/, base);

async function window_(name, options = {}) {
  const context = await browser.newContext({ locale: 'en', ...options });
  const page = (pages[name] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(`${name}: ${m.text()}`));
  return page;
}
async function clean(page, where) {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const { violations } = await page.evaluate(`${axe};axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }, resultTypes: ['violations'] })`);
  if (violations.length) throw new Error(`${where}: ${violations.map((v) => `${v.id} ${v.nodes[0].html.slice(0, 120)}`).join('; ')}`);
}
const fits = async (page, where) => {
  const [wide, has] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > has) throw new Error(`${where} is ${wide} wide in ${has}`);
};

try {
  const desk = await window_('console');
  await play('an administrator opens the page and the board', async () => {
    await desk.goto(moved(process.env.HOLDFAST_LINK));
    await desk.locator('nav.rail').waitFor({ timeout: 20000 });
    if ((await fetch(base + '/status')).status !== 404) throw new Error('the page is there before it was opened');
    await desk.goto(base + '/#/settings/status/page');
    await desk.getByLabel(t['statuspage.open']).check();
    await desk.getByLabel(t['statuspage.slug']).fill('lamp');
    await desk.getByLabel(t['statuspage.phone']).fill('+98 21 555');
    await desk.getByLabel(t['statuspage.board.on']).check();
    await desk.getByRole('button', { name: t['action.save'] }).click();
    await desk.locator('a.url').nth(1).waitFor();
    await clean(desk, 'the settings of the page');
  });
  const board = moved(await desk.locator('a.url').nth(1).getAttribute('href'));

  await play('and writes what went wrong, in two of three languages', async () => {
    await desk.goto(base + '/#/settings/status/incident/new');
    const titles = desk.locator('fieldset').filter({ hasText: t['incidents.title'] });
    await titles.locator('input[lang=en]').fill('Fibre is cut');
    await titles.locator('input[lang=fa]').fill('فیبر قطع شد');
    await titles.locator('.chip.warn').waitFor(); // Russian is missing, and marked
    if ((await titles.locator('.chip.warn').count()) !== 1) throw new Error('what is missing is not marked');
    await desk.getByLabel('Website').check();
    await desk.getByLabel(t['incidents.state.identified']).check();
    const said = desk.locator('fieldset').filter({ hasText: t['incidents.text'] });
    await said.locator('textarea[lang=en]').fill('A digger was here.');
    await clean(desk, 'a new incident');
    await desk.getByRole('button', { name: t['incidents.publish'] }).click();
    await desk.getByText('A digger was here.').waitFor();
  });
  const other = await window_('observer', { viewport: { width: 390, height: 844 } });
  await other.goto(moved(process.env.OTHER));
  await other.locator('nav.rail').waitFor({ timeout: 20000 });
  await play('and raises a banner, that a colleague sees at once and puts aside', async () => {
    await desk.goto(base + '/#/settings/status/banner/new');
    await desk.locator('input[lang=en]').fill('Please call us.');
    await desk.locator('input[lang=fa]').fill('لطفاً تماس بگیرید.');
    await desk.getByRole('button', { name: t['banners.raise'] }).click();
    await desk.locator('.card').getByText('Please call us.').waitFor();
    await desk.locator('.raised').getByText('Please call us.').waitFor();
    await clean(desk, 'the list');
    await other.locator('.raised').getByText('Please call us.').waitFor();
    await fits(other, 'the colleague’s console');
    if (await other.getByRole('link', { name: t['settings.status'] }).count()) throw new Error('an observer may write incidents');
    await line('refuse');
    await other.reload().catch(() => other.reload()); // a browser under load may drop its line once
    await other.locator('.raised').getByText('Please call us.').waitFor({ timeout: 20000 }); // kept on the device
    await other.getByRole('button', { name: t['banners.hide'] }).click();
    await until('the banner goes', async () => (await other.locator('.raised').count()) === 0);
    await line('pass');
    await other.reload().catch(() => other.reload()); // a browser under load may drop its line once
    await other.locator('nav.rail').waitFor();
    await until('the desk is heard', async () => (await other.locator('.link-state .dot.ok').count()) === 1);
    if (await other.locator('.raised').count()) throw new Error('it is there again after it was put aside');
  });

  for (const [lang, dir, words, width] of [['en', 'ltr', ['Fibre is cut', 'A digger was here.', 'Please call us.', 'Website', '+98 21 555', 'The cause is known'], 1440], ['fa', 'rtl', ['فیبر قطع شد', 'لطفاً تماس بگیرید.', 'علت پیدا شد', 'A digger was here.'], 390], ['ru', 'ltr', ['Fibre is cut', 'Причина известна'], 390]])
    await play(`a stranger reads it without a script, in ${lang}`, async () => {
      const page = await window_('page', { locale: lang, javaScriptEnabled: false, viewport: { width, height: 844 } });
      await page.goto(base + '/status');
      for (const w of words) await page.getByText(w, { exact: false }).first().waitFor();
      if ((await page.locator('html').getAttribute('dir')) !== dir) throw new Error('it runs the wrong way');
      await page.context().close();
      for (const colorScheme of ['light', 'dark']) {
        const seen = await window_('page', { locale: lang, bypassCSP: true, colorScheme, viewport: { width, height: 844 } });
        await seen.goto(base + '/status/lamp');
        await fits(seen, 'the page');
        await clean(seen, `the page in ${lang}, ${colorScheme}`);
        await seen.context().close();
      }
    });

  await play('a visitor is told in the chat’s own words', async () => {
    const config = await (await fetch(`${process.env.DESK}/chat/v1/${process.env.SITE}/config?lang=fa`)).json();
    if (config.notice !== 'لطفاً تماس بگیرید.') throw new Error(`the chat says ${JSON.stringify(config.notice)}`);
  });

  const shop = await window_('board', { viewport: { width: 1280, height: 720 } });
  const shown = () => shop.locator('section:not([hidden])');
  await play('the shop’s screen shows it', async () => {
    await shop.goto(board + '?lang=fa');
    for (const w of ['لطفاً تماس بگیرید.', 'فیبر قطع شد', '+98 21 555']) await shown().getByText(w).waitFor();
    await shop.evaluate(() => navigator.serviceWorker.ready);
    await until('the screen is kept', () => shop.evaluate(async (u) => !!(await caches.match(u)), board + '?lang=fa'));
    if (await shop.locator('.stale:not([hidden])').count()) throw new Error('it says that it is cut off');
    const low = await shop.evaluate(() => Math.max(...[...document.querySelectorAll('footer')].map((f) => f.getBoundingClientRect().bottom)));
    if (low > 720) throw new Error('the numbers are below the edge');
  });
  await play('and keeps showing while the desk is away, through a reload, and says since when', async () => {
    await line('refuse');
    await shop.reload();
    for (const w of ['لطفاً تماس بگیرید.', 'فیبر قطع شد']) await shown().getByText(w).waitFor();
    await shown().locator('.stale:not([hidden])').waitFor({ timeout: 20000 });
    if (!/[۰-۹]{2}:[۰-۹]{2}/.test(await shown().locator('.stale').innerText())) throw new Error('it does not say since when');
  });
  await play('and shows what is new once it can be reached', async () => {
    await line('pass');
    const i = (await api(desk, 'GET', '/incidents')).items[0];
    await api(desk, 'PUT', `/incidents/${i.id}/updates/${crypto.randomUUID()}`, { state: 'resolved', texts: { fa: 'وصل شد' } });
    await shop.evaluate(() => dispatchEvent(new Event('online')));
    await until('the incident is over', async () => (await shown().getByText('فیبر قطع شد').count()) === 0);
    await until('it is not cut off', async () => (await shop.locator('.stale:not([hidden])').count()) === 0);
  });
  await play('until its link is taken back', async () => {
    await desk.goto(base + '/#/settings/status/page');
    await desk.getByRole('button', { name: t['statuspage.board.renew'] }).click();
    await desk.locator('dialog').getByRole('button', { name: t['statuspage.board.renew'] }).click();
    await until('another link', async () => moved((await desk.locator('a.url').nth(1).getAttribute('href')) ?? board) !== board);
    await shop.evaluate(() => dispatchEvent(new Event('online')));
    await until('the screen is dark', async () => (await shop.locator('section').count()) === 0);
    await line('refuse');
    await shop.reload().catch(() => {});
    if (await shop.locator('section').count()) throw new Error('the screen was kept beyond its link');
    await line('pass');
  });
  await play('the same in Persian', async () => {
    await api(desk, 'PATCH', '/me', { language: 'fa' });
    await desk.goto(base + '/#/settings/status');
    await desk.reload();
    await desk.getByRole('heading', { name: fa['settings.status'] }).waitFor();
    await clean(desk, 'the list in Persian');
    await desk.getByRole('button', { name: fa['banners.lower'] }).click();
    await desk.getByText(fa['banners.empty']).waitFor();
    await until('the line goes', async () => (await desk.locator('.raised').count()) === 0);
  });
  await play('a sheet is made, downloaded, and what was written on it is keyed in once', async () => {
    const p = fa;
    await desk.goto(base + '/#/settings/paper');
    await desk.getByRole('button', { name: p['paper.make'] }).click();
    await desk.getByText(p['fault.paper.nobody']).waitFor();
    await desk.locator('input[type=password]').fill('correct horse battery');
    await desk.getByRole('button', { name: p['action.save'] }).click();
    await desk.getByText(p['paper.passphrase.set']).waitFor();
    await desk.getByRole('button', { name: p['paper.make'] }).click();
    const link = desk.locator('a[download]').first();
    await link.waitFor();
    const head = await desk.evaluate(async (u) => (await (await fetch(u)).text()).slice(0, 21), await link.getAttribute('href'));
    if (head !== 'age-encryption.org/v1') throw new Error(`what is downloaded begins with ${head}`);
    await clean(desk, 'the sheets in Persian');
    const row = (await (await fetch(process.env.CONTROL + '/?is=row')).text()).trim();
    await desk.goto(base + '/#/settings/paper/rows');
    for (const again of [false, true]) {
      await desk.getByLabel(p['paper.code']).fill(row.toLowerCase());
      await desk.getByLabel(p['paper.text']).fill(again ? 'چیز دیگری' : 'زنگ زدم، وصل شد');
      await desk.getByRole('button', { name: p['paper.record'] }).click();
      await desk.getByText(p[again ? 'paper.done.again' : 'paper.done'], { exact: true }).waitFor();
    }
    if (await desk.getByText('چیز دیگری').count()) throw new Error('the second words were taken');
    await clean(desk, 'keying in, in Persian');
  });
  if (broken.length) throw new Error(broken.join('; '));
  console.log('people are told');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}\n${broken.join('\n')}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/status-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
