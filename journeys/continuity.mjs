// Watches links and reach while plugs are pulled. Environment: HOLDFAST_URL (a desk
// with virtual uplinks), HOLDFAST_LINK (an administrator's sign-in), STOP (asked, the
// desk stops), CHROMIUM, OUT. Prints every step and exits with 1 when one fails.
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const browser = await launch();
const broken = [];
let page;

const pull = async (plug, pulled) => {
  const r = await fetch(`${base}/demo/plug`, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ plug, pulled }) });
  if (!r.ok) throw new Error(`the panel: ${r.status}`);
};
const card = (name) => page.locator('article', { has: page.getByRole('link', { name, exact: true }) });
const place = () => page.locator('nav.rail a[href="#/continuity"]');
const fits = async (what) => {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 1) throw new Error(`${what} is ${over} px wider than its window`);
};

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' });
  page = await context.newPage();
  page.on('pageerror', (e) => broken.push(e.message));
  page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(m.text()));

  await play('all is well, and the frame says so', async () => {
    await page.goto(process.env.HOLDFAST_LINK);
    await place().filter({ hasText: 'Worldwide' }).waitFor({ timeout: 20000 });
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.getByRole('heading', { name: 'Services in the country and abroad answer' }).waitFor();
    for (const name of ['Fibre', 'LTE']) await card(name).getByText('Up', { exact: true }).waitFor();
    if (await place().locator('.mark').count()) throw new Error('the frame warns of something');
    if (await page.getByRole('heading', { name: /^Outage/ }).count()) throw new Error('there is an outage');
  });

  await play('the fibre is cut: every screen says so, and LTE takes over', async () => {
    await pull('fibre', '1');
    await card('Fibre').getByText('Down', { exact: true }).waitFor();
    await card('Fibre').getByText('Internet: no answer').waitFor();
    await place().locator('.mark').waitFor();
    await page.getByRole('heading', { name: /Outage: .?Fibre/ }).waitFor();
    if (!(await place().innerText()).includes('Worldwide')) throw new Error('the reach fell although LTE is there');
    if (await card('LTE').getByText('Down', { exact: true }).count()) throw new Error('LTE is down, too');
  });

  await play('the link’s page, by the keyboard: its figures and its fall', async () => {
    await card('Fibre').getByRole('link', { name: 'Fibre' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.chart svg').first().waitFor();
    await page.getByText('1 fall in 90 days').waitFor();
    await page.getByRole('slider').focus();
    await page.keyboard.press('ArrowLeft');
    await until('the figures of a moment', async () => /Round trip/.test(await page.locator('.readout').innerText()));
  });

  await play('by hand LTE is down, with a reason and not before it is confirmed', async () => {
    await page.goto(base + '/#/continuity');
    await card('LTE').getByRole('link', { name: 'LTE' }).click();
    await page.getByRole('button', { name: 'Set by hand…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Treat it as down').check();
    await dialog.getByLabel('Reason').fill('the SIM card is empty');
    await dialog.getByRole('button', { name: 'Save' }).click();
    if (!(await dialog.count())) throw new Error('it was saved without a confirmation');
    await dialog.getByRole('checkbox').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await place().filter({ hasText: 'Office only' }).waitFor();
    await page.getByText('A person has set the state of this link').waitFor();
  });

  await play('the channels say what they lack, in Persian and on a telephone', async () => {
    await page.goto(base + '/#/continuity');
    await page.getByRole('heading', { name: 'No internet: only the office network is left' }).waitFor();
    const mail = page.getByRole('row', { name: /support@northline\.example/ });
    await mail.getByText('Down', { exact: true }).waitFor();
    await mail.getByText('Needs services abroad').waitFor();
    if (await page.getByRole('row', { name: /^Northline/ }).getByText('Down', { exact: true }).count()) throw new Error('the chat needs no internet and is cut');
    await api(page, 'PATCH', '/me', { language: 'fa' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.reload();
    await page.getByRole('heading', { name: 'اینترنت نیست' }).waitFor();
    await fits('the overview');
    await page.goto(base + '/#/continuity/timeline');
    await page.locator('.lines ul a').first().waitFor();
    await fits('the timeline');
    // The picture and the table say the same.
    const bars = await page.locator('.lines ul a').count();
    const rows = await page.locator('table tbody tr').count();
    if (bars !== rows || bars < 2) throw new Error(`${bars} bars and ${rows} rows`);
    await api(page, 'PATCH', '/me', { language: 'en' });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.reload();
  });

  await play('left to itself LTE is up again', async () => {
    await page.goto(base + '/#/continuity');
    await card('LTE').getByRole('link', { name: 'LTE' }).click();
    await page.getByRole('button', { name: 'Set by hand…' }).click();
    await page.getByRole('dialog').getByLabel('Let the desk judge again').check();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await place().filter({ hasText: 'Worldwide' }).waitFor({ timeout: 60_000 });
  });

  await play('which link carries what: shown as a dry run, saved, ordered and never done unasked', async () => {
    await page.goto(base + '/#/settings/links');
    const box = page.getByRole('region', { name: 'Which link carries what' });
    await box.getByText('Not saved yet').waitFor();
    if (!(await box.getByLabel('Only say what it would do').isChecked())) throw new Error('it does not begin as a dry run');
    if ((await api(page, 'GET', '/continuity/traffic')).setting.mode !== 'off') throw new Error('it was not off before');
    await box.getByLabel(/Fibre.* sends/).fill('20');
    await box.getByLabel('Telephony: share').fill('90');
    await box.getByRole('button', { name: 'Save' }).click();
    await box.getByText('leave 1 % for the rest').waitFor();
    if ((await api(page, 'GET', '/continuity/traffic')).saved) throw new Error('what cannot be was saved');
    await box.getByLabel('Telephony: share').fill('75');
    await box.getByRole('button', { name: 'Save' }).click();
    await box.getByText('room for 187 calls').waitFor();
    await box.getByText('The commands', { exact: true }).click();
    const commands = () => box.getByRole('region', { name: 'The commands', exact: true }).innerText();
    const first = async () => /via \S+ dev (\S+) onlink table 18460 metric 10 /.exec(await commands())?.[1];
    if (!(await commands()).includes('htb rate 14250kbit')) throw new Error('no guarantee for calls: ' + (await commands()));
    const fibre = await first();
    await box.getByRole('button', { name: /Earlier: .*LTE/ }).focus();
    await page.keyboard.press('Enter');
    await box.getByRole('button', { name: 'Save' }).click();
    await until('LTE comes first', async () => { const now = await first(); return now && now !== fibre; });
    const v = await api(page, 'GET', '/continuity/traffic');
    if (v.setting.mode !== 'dry_run' || v.applied.length) throw new Error('something was done: ' + JSON.stringify(v.applied));
    await page.goto(base + '/#/settings/audit');
    await page.getByText('Which link carries what was set').first().waitFor();
    await api(page, 'PATCH', '/me', { language: 'fa' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(base + '/#/settings/links');
    await page.reload();
    await page.getByRole('region', { name: 'چه چیزی از کدام اتصال برود' }).getByText('فرمان‌ها', { exact: true }).click();
    await fits('the settings of links');
    await api(page, 'PATCH', '/me', { language: 'en' });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.reload();
  });

  await play('the wall goes on when the desk is gone, and says so', async () => {
    await page.goto(base + '/#/continuity/wall');
    await page.getByText('Services in the country and abroad answer').waitFor();
    if (await page.locator('nav.rail').count()) throw new Error('the wall has a menu');
    await fetch(process.env.STOP);
    await page.getByText(/No answer from the desk since/).waitFor();
    await page.getByText('Fibre', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText(/These figures are from/).waitFor();
    await place().filter({ hasText: /Worldwide\s*\d\d:\d\d/ }).waitFor();
  });
  if (broken.length) throw new Error(broken.join('; '));
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await page?.screenshot({ path: `${process.env.OUT}/continuity.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
