// Plays two supervisors and an operator of one desk with three customers who have
// written mail. Environment: HOLDFAST_URL, BOSS, SECOND, JOE (sign-in links), CUSTOMER
// (GET: the letters that customers got; POST: a letter of theirs), CHROMIUM, OUT (a
// folder for pictures of what failed). Prints every step and exits with 1 when one fails.
import { readFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const words = (lang) => JSON.parse(readFileSync(new URL(`../web/texts/${lang}.json`, import.meta.url), 'utf8'));
const t = words('en');
const fa = words('fa');
const browser = await launch();
const pages = {};
const broken = [];
const sit = async (name, viewport = { width: 1440, height: 900 }) => {
  const context = await browser.newContext({ viewport });
  const page = (pages[name.toLowerCase()] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  await page.goto(process.env[name]);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  return page;
};
const letters = async () => (await (await fetch(process.env.CUSTOMER)).json()) ?? [];
const dialog = (page) => page.locator('dialog[open]');
const press = (page, name, scope = page) => scope.getByRole('button', { name, exact: true }).click();
const told = async (text) => (await letters()).filter((l) => l.text.includes(text));
const fits = async (page, width) => {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) throw new Error(`the page is ${wide} wide in a window of ${width}`);
};

try {
  const boss = await play('the first supervisor sits down', () => sit('BOSS'));
  const second = await play('the second one does', () => sit('SECOND', { width: 390, height: 844 }));
  const joe = await play('an operator does, who has no broadcasts', async () => {
    const page = await sit('JOE');
    await page.goto(base + '/#/broadcasts');
    await until('the inbox instead', async () => page.url().includes('#/inbox'));
    if (await page.locator(`nav.rail a[title="${t['nav.broadcasts']}"]`).count()) throw new Error('an operator is offered broadcasts');
    return page;
  });
  await joe.context().close();

  await play('an empty list says what it is for', async () => {
    await boss.goto(base + '/#/broadcasts');
    await boss.getByText(t['broadcasts.empty']).waitFor();
    await boss.getByRole('link', { name: t['broadcasts.new'] }).click();
  });
  await play('while one writes, it counts', async () => {
    await boss.getByLabel(t['broadcasts.name']).first().fill('Fibre cut');
    await boss.getByLabel(t['broadcasts.text'].replace('{language}', 'English')).fill('{{customer.first_name|Dear customer}}, the fibre is cut.');
    await boss.getByLabel(t['broadcasts.incident']).fill('fibre-1');
    await boss.locator('aside .big', { hasText: '3' }).waitFor();
    const quiet = boss.getByLabel(t['broadcasts.quiet']);
    if (!(await quiet.isChecked())) throw new Error('people would be woken at night');
    await quiet.uncheck(); // the test may run at night
    await boss.getByText(t['broadcasts.quiet.none']).waitFor();
    await boss.getByRole('spinbutton').first().fill('6000');
    await boss.getByText(t['broadcasts.sum.second'].replace('{n}', '2')).waitFor();
  });
  await play('a word that nothing fills is refused beside the count', async () => {
    const text = boss.getByLabel(t['broadcasts.text'].replace('{language}', 'English'));
    const before = await text.inputValue();
    await text.fill('{{customer.shoe}}');
    await boss.locator('aside').getByText(t['fault.placeholder.unknown']).waitFor();
    await text.fill(before);
    await boss.locator('aside').getByText(t['fault.placeholder.unknown']).waitFor({ state: 'detached' });
  });
  const id = await play('one person alone cannot start it', async () => {
    await until('it can be asked for', () => boss.locator('aside .btn.primary').isEnabled());
    await boss.locator('aside .btn.primary').click();
    await dialog(boss).getByText(t['broadcasts.begin.second']).waitFor();
    await press(boss, t['broadcasts.ask.title'], dialog(boss));
    await boss.getByText(t['broadcasts.asked.mine']).waitFor();
    if (await boss.getByRole('button', { name: t['broadcasts.confirm'], exact: true }).count()) throw new Error('one may agree to what one has asked for');
    if ((await told('the fibre is cut')).length) throw new Error('somebody was told before anybody agreed');
    return boss.url().match(/[0-9a-f-]{36}/)[0];
  });
  await play('the second reads it on a telephone and agrees', async () => {
    await second.goto(base + '/#/broadcasts');
    await second.getByRole('link', { name: 'Fibre cut' }).click();
    await second.getByText(t['broadcasts.words'], { exact: true }).click();
    await second.getByText('the fibre is cut.').waitFor();
    await fits(second, 390);
    await press(second, t['broadcasts.confirm']);
    await press(second, t['broadcasts.confirm'], dialog(second));
  });
  await play('everybody is told once, by name', async () => {
    await second.getByText(t['broadcasts.is.finished'], { exact: true }).waitFor({ timeout: 30000 });
    await boss.getByText(t['broadcasts.is.finished'], { exact: true }).waitFor({ timeout: 30000 });
    const got = (await told('the fibre is cut')).map((l) => `${l.to[0].toLowerCase()} ${l.subject}: ${l.text.trim().split('\n')[0].trim()}`).sort();
    const want = ['Ana', 'Bob', 'Eve'].map((n) => `${n.toLowerCase()}@customer.example Fibre cut: ${n}, the fibre is cut.`);
    if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(JSON.stringify(got));
    await until('three rows', async () => (await boss.locator('tbody tr').count()) === 3);
  });
  await play('an answer shows what it answers', async () => {
    const one = (await told('Ana, the fibre'))[0];
    const r = await fetch(process.env.CUSTOMER, { method: 'POST', body: JSON.stringify({ from: 'Ana@customer.example', subject: 'Re: Fibre cut', message_id: '<answer@customer.example>', in_reply_to: one.message_id, references: one.message_id, text: 'When is it mended?' }) });
    if (!r.ok) throw new Error(await r.text());
    await until('the answer is counted', async () => (await api(boss, 'GET', '/broadcasts/' + id)).totals.answered === 1);
    await boss.reload();
    await boss.getByRole('link', { name: t['broadcasts.answer'] }).click();
    await boss.locator('article', { hasText: 'When is it mended?' }).waitFor();
    await boss.locator('article.note', { hasText: 'Ana, the fibre is cut.' }).waitFor();
  });
  await play('of the same incident nobody is told again', async () => {
    await boss.goto(`${base}/#/broadcasts/${id}`);
    await press(boss, t['broadcasts.copy']);
    await boss.getByText(t['broadcasts.sum.nobody']).waitFor();
    if (await boss.locator('aside .btn.primary').isEnabled()) throw new Error('it could be started for nobody');
  });

  await play('in Persian, on a telephone, one is paused and cancelled', async () => {
    await api(second, 'PATCH', '/me', { language: 'fa' });
    await second.goto(base + '/#/broadcasts/new');
    await second.reload();
    await until('the direction', async () => (await second.evaluate(() => document.documentElement.dir)) === 'rtl');
    await second.getByLabel(fa['broadcasts.name']).first().fill('قطعی');
    await second.getByLabel(fa['broadcasts.text'].replace('{language}', 'انگلیسی')).fill('It is slow.');
    await second.getByText(fa['broadcasts.narrow']).click();
    await second.getByLabel(fa['broadcasts.open']).check();
    await second.getByLabel(fa['broadcasts.quiet']).uncheck();
    await second.getByRole('spinbutton').first().fill('1'); // one in a minute and a half
    await fits(second, 390);
    await until('it has counted', async () => (await second.locator('aside .big strong').textContent()) === '۳');
    await press(second, fa['broadcasts.save']);
    await until('it is saved', async () => /[0-9a-f-]{36}$/.test(second.url()));
    await api(second, 'PUT', second.url().replace(/.*#/, ''), { name: 'قطعی', texts: { en: 'It is slow.' }, segment: { companies: [], open: true, tags: [] }, ways: (await api(second, 'GET', second.url().replace(/.*#/, ''))).ways });
  });
  await play('its author asks, the other agrees, and it is stopped', async () => {
    const path = second.url().replace(/.*#/, '');
    await second.reload();
    await until('it can be asked for', () => second.locator('aside .btn.primary').isEnabled());
    await second.locator('aside .btn.primary').click();
    await press(second, fa['broadcasts.ask.title'], dialog(second));
    await second.getByText(fa['broadcasts.asked.mine']).waitFor();
    await api(boss, 'POST', path + '/confirm', {});
    await press(second, fa['broadcasts.pause']);
    await second.getByText(fa['broadcasts.is.paused'], { exact: true }).waitFor();
    await fits(second, 390);
    await press(second, fa['broadcasts.cancel']);
    await press(second, fa['broadcasts.cancel'], dialog(second));
    await second.getByText(fa['broadcasts.is.cancelled'], { exact: true }).waitFor();
    await until('nobody is left', async () => (await api(second, 'GET', path)).totals.dropped >= 2);
    if ((await told('It is slow')).length > 1) throw new Error('more were told than the rate allows');
  });
  if (broken.length) throw new Error('the console broke: ' + broken.join('; '));
  console.log('broadcasts work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/broadcasts-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
