// Walks through a plan and a drill in a real browser, in two languages, on a wide and a
// narrow screen. Environment: HOLDFAST_URL, LEAD (a sign-in link), CHROMIUM, OUT (a
// folder for pictures). Prints every step and exits with 1 when one fails.
import { readFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const browser = await launch();
let page;
const shot = async (name) => process.env.SHOTS && (await page.screenshot({ path: `${process.env.SHOTS}/plans-${name}.png` }));

try {
  const door = await browser.newContext();
  const first = await door.newPage();
  await first.goto(process.env.LEAD);
  await first.locator('nav.rail').waitFor({ timeout: 20000 });
  const session = await door.storageState();
  await door.close();
  for (const [language, width] of [['en', 1440], ['fa', 390]]) await walk(language, width, session);
  console.log('plans work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.stack}`);
  if (process.env.OUT && page) await page.screenshot({ path: `${process.env.OUT}/plans.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language, width, storageState) {
  const texts = JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url)));
  const said = (key) => texts[key];
  const say = (name, run) => play(`[${language} ${width}] ${name}`, run);
  const context = await browser.newContext({ viewport: { width, height: width < 700 ? 844 : 900 }, storageState, locale: language });
  page = await context.newPage();
  const broken = [];
  page.on('pageerror', (e) => broken.push(e.message));
  const fits = async (what) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) throw new Error(`${what} is ${wide} wide in a window of ${width}`);
  };
  const button = (key, inside = page) => inside.getByRole('button', { name: said(key), exact: true });
  const main = page.locator('main#content');

  await say('sit down', async () => {
    await page.goto(base + '/#/plans');
    await api(page, 'PATCH', '/me', { language });
    await page.reload();
    await until('the direction', async () => (await page.evaluate(() => document.documentElement.dir)) === (language === 'fa' ? 'rtl' : 'ltr'));
  });

  await say('take a ready plan', async () => {
    await main.getByRole('heading', { level: 1, name: said('nav.plans') }).waitFor();
    await button('plans.ready').click();
    const dialog = page.locator('dialog[open]');
    await until('six ready plans', async () => (await dialog.locator('li').count()) === 6);
    await shot(`ready-${language}`);
    await button('plans.ready.use', dialog.locator('li').nth(4)).click();
    await main.locator('form').waitFor();
    await fits('the editor');
  });

  await say('save it, and hear what it lacks', async () => {
    await button('action.save').click();
    await main.locator('.notice.warn li').first().waitFor();
    await shot(`lacks-${language}`);
    for (const role of await main.locator('.role').all()) await role.locator('select').first().selectOption({ index: 1 });
    // A person decides before the technician is called; and by the keyboard it goes first but one.
    await button('plans.step.add').first().click();
    await page.locator('[popover] [role=option]', { hasText: said('plans.do.ask') }).click();
    const list = main.locator('form ol').first();
    const grip = list.locator('li').last().locator('.grip');
    await list.locator('li').last().getByRole('checkbox').first().check();
    await grip.press('ArrowUp');
    await until('it moved', async () => (await list.locator('li').nth(-2).textContent()).includes(said('plans.do.ask')));
    await button('plans.language.fa').click();
    await until('a preview', async () => (await main.locator('.preview p').textContent()).includes(said('plans.sample.works')));
    await fits('the editor, filled in');
    await shot(`editor-${language}`);
    await button('action.save').click();
    await main.locator('table').waitFor();
    await fits('the list');
    await shot(`list-${language}`);
  });

  const answerAll = async (name, last) => {
    for (let n = 0; n < 24; n++) {
      const next = main.locator('li[aria-current=step]').getByRole('button', { name: new RegExp(`^(${said('plans.answer.done')}|${said('plans.answer.confirm')}):`) });
      const ended = async () => [last, 'ended'].includes((await state()).state);
      await until(`a step of ${name}, or its end`, async () => (await next.count()) > 0 || (await ended()));
      if (await ended()) return;
      // A broadcast of a desk without channels fails, and the plan goes on.
      const over = async () => (await state()).steps.filter((s) => ['done', 'failed'].includes(s.state)).length;
      const before = await over();
      // What is seen may be the step before, which is over and about to go: then it is looked at again.
      await next.first().click({ timeout: 2000 }).then(() => until('it is done', async () => (await over()) > before, 5000)).catch(() => {});
    }
  };
  const state = async () => api(page, 'GET', '/plans/runs/' + page.url().match(/run\/([0-9a-f-]{36})/)[1]);

  await say('start it by hand', async () => {
    await main.getByRole('button', { name: new RegExp('^' + said('plans.start.name').split('{')[0].trim()) }).first().click();
    await button('plans.start', page.locator('dialog[open]')).click();
    await main.locator('li[aria-current=step]').first().waitFor();
    await page.locator('.alert').first().waitFor(); // and the console says so
    await shot(`run-${language}`);
    await fits('the run');
    await page.locator('.alert').first().getByRole('button', { name: said('plans.alert.seen') }).click();
    await answerAll('the plan', 'holding');
    await button('plans.recover').click();
    await page.locator('dialog[open] .btn.danger').click();
    await answerAll('the recovery');
    await until('the end', async () => (await state()).state === 'ended');
    await main.locator('dl dd').first().waitFor();
    const run = await state();
    if (run.outcome !== 'finished' || run.report.first_notice > 60 || run.report.told !== 1) throw new Error(JSON.stringify(run.report));
    await shot(`report-${language}`);
  });

  await say('what is to be done after it', async () => {
    await main.locator('form input').first().fill('Buy a second modem');
    await main.locator('form select').first().selectOption({ index: 1 });
    await button('plans.action.add').click();
    await main.getByRole('checkbox', { name: 'Buy a second modem' }).check();
    await until('it is done', async () => (await state()).actions[0]?.done === true);
  });

  await say('rehearse it', async () => {
    await page.goto(base + '/#/plans');
    await main.getByRole('button', { name: new RegExp('^' + said('plans.drill.name').split('{')[0].trim()) }).first().click();
    await button('plans.rehearse', page.locator('dialog[open]')).click();
    await main.locator('.notice', { hasText: said('plans.drill.fence') }).waitFor();
    await answerAll('the drill');
    await until('its end', async () => (await state()).state === 'ended');
    await until('its score', async () => (await main.locator('section', { hasText: said('plans.score') }).locator('dd').count()) > 5);
    await page.goto(base + '/#/plans/drills');
    await main.locator('table tr td a').first().waitFor();
    await fits('the history');
    await shot(`drills-${language}`);
  });

  await say('see all that was told', async () => {
    await until('nothing is left unseen', async () => {
      const seen = page.locator('.alert').first().getByRole('button', { name: said('plans.alert.seen') });
      // It may go while it is pressed: the one before was seen.
      if ((await page.locator('.alert').count()) > 0) await seen.click({ timeout: 2000 });
      return (await page.locator('.alert').count()) === 0 && (await api(page, 'GET', '/plans/alerts')).items.length === 0;
    });
  });

  if (broken.length) throw new Error(broken.join('\n'));
  // The other language makes its own.
  for (const p of (await api(page, 'GET', '/plans')).items) await api(page, 'DELETE', '/plans/' + p.id);
  await context.close();
}
