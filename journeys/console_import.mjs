// Plays an administrator who brings the history of another desk, in English, Russian and
// Persian. Environment: HOLDFAST_URL, HOLDFAST_LINK, OTHER (the other desk; GET /hold and
// /release stop and start it), FOLDER (for files), LANGUAGES, CHROMIUM, OUT (a folder for
// pictures). Prints every step and exits with 1.
import { readFileSync, writeFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const words = (language) => JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url), 'utf8'));
const other = process.env.OTHER;
const out = process.env.OUT;
const browser = await launch();
const broken = [];
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
page.on('pageerror', (e) => broken.push(e.message));
page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(m.text()));
try {
  await page.goto(process.env.HOLDFAST_LINK);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  for (const language of (process.env.LANGUAGES ?? 'en,ru,fa').split(',')) await walk(language);
  if (broken.length) throw new Error('errors in the page: ' + [...new Set(broken)].join(' · '));
  console.log('the imports work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (out) await page.screenshot({ path: `${out}/import-failed.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language) {
  const t = words(language);
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const main = page.locator('main');
  const dialog = page.locator('dialog[open]');
  const press = (key, scope = main) => scope.getByRole('button', { name: t[key], exact: true }).click();
  const see = (key, scope = main) => scope.getByText(t[key], { exact: true }).first().waitFor({ timeout: 15000 });
  const unseen = async (what) => { if (await main.getByText(what).count()) throw new Error(`"${what}" is on the screen`); };
  const conversations = async () => (await api(page, 'GET', '/conversations?view=all&limit=100')).items.length;
  const number = (n) => new Intl.NumberFormat({ en: 'en-GB', ru: 'ru-RU', fa: 'fa-IR' }[language]).format(n);
  const count = async (key, made) => {
    const row = main.getByRole('table', { name: t['imports.counts'] }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: t[key], exact: true }) });
    await until(`${key} is ${made}`, async () => (await row.getByRole('cell').first().innerText()).trim() === number(made));
  };
  const picture = async (name) => {
    if (!out) return;
    for (const [theme, width] of [['light', 1440], ['dark', 390], ['dark', 1440], ['light', 390]]) {
      await page.evaluate((x) => { document.documentElement.dataset.theme = x; }, theme);
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${out}/import-${name}-${language}-${theme}-${width}.png` });
    }
    await page.evaluate(() => { document.documentElement.dataset.theme = 'light'; });
    await page.setViewportSize({ width: 1440, height: 900 });
  };
  const begin = async (token) => {
    await page.goto(base + '/#/settings/imports/new');
    await main.getByRole('radio', { name: t['imports.source.zendesk'] }).check();
    await main.getByLabel(t['imports.url'], { exact: true }).fill(`${other}/${language}`);
    await main.getByLabel(t['imports.token'], { exact: true }).fill(token);
    await main.getByLabel(t['imports.user'], { exact: true }).fill('admin@x.example');
    await press('imports.try');
    await page.waitForURL(/imports\/[0-9a-f-]{36}/);
  };

  await say('the settings lead there', async () => {
    await page.goto(base + '/#/settings/account');
    await api(page, 'PATCH', '/me', { language });
    await page.reload();
    await page.getByRole('navigation', { name: t['nav.settings'] }).getByRole('link', { name: t['settings.imports'], exact: true }).click();
    await see('imports.about');
    await main.getByRole('link', { name: t['imports.new'], exact: true }).click();
    for (const s of ['chatwoot', 'zendesk', 'freshdesk', 'zammad', 'freescout', 'csv', 'jsonl']) await main.getByRole('radio', { name: t['imports.source.' + s] }).waitFor();
    await picture('new');
  });
  await say('an address that is none is marked at its field', async () => {
    await main.getByLabel(t['imports.url'], { exact: true }).fill('https://x.example/?a=1');
    await main.getByLabel(t['imports.token'], { exact: true }).fill('x');
    await press('imports.try');
    await see('fault.import.setting_invalid');
    if ((await main.getByLabel(t['imports.url'], { exact: true }).getAttribute('aria-invalid')) !== 'true') throw new Error('the field is not marked');
  });
  await say('a token that is refused is named, and the import can go on', async () => {
    await begin('wrong-one');
    await see('imports.state.failed');
    await see('fault.import.denied');
    await main.getByRole('button', { name: t['imports.resume'], exact: true }).waitFor();
    await press('imports.resume');
    await see('imports.state.failed');
    await picture('failed');
  });
  const before = await conversations();
  await say('a trial shows how far it is, after a reload too, and stops when told', async () => {
    await fetch(other + '/hold');
    await begin('zd-secret');
    await main.getByRole('progressbar').waitFor();
    await see('imports.trial');
    await page.reload();
    await main.getByRole('progressbar').waitFor();
    await picture('running');
    await press('imports.stop');
    await press('imports.stop', dialog);
    await see('imports.state.cancelled');
    await fetch(other + '/release');
    await press('imports.resume');
  });
  await say('the trial says what would be made and what cannot be taken, and writes nothing', async () => {
    await see('imports.trial.done');
    await count('imports.conversations', 2);
    await count('imports.messages', 6);
    await main.getByText(t['imports.ref.ticket'].replace('{id}', '503'), { exact: true }).waitFor();
    await see('fault.import.deleted');
    await unseen('import.deleted');
    await see('imports.list.made');
    if ((await conversations()) !== before) throw new Error('the trial made conversations');
    const report = page.waitForEvent('download');
    await main.getByRole('link', { name: t['imports.report'], exact: true }).click();
    const lines = readFileSync(await (await report).path(), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    if (!lines.some((l) => l.code === 'import.deleted' && l.ref === 'ticket 503')) throw new Error('the report says ' + JSON.stringify(lines));
    await picture('trial');
  });
  await say('then all of it comes, once', async () => {
    await press('imports.bring');
    await press('imports.bring', dialog);
    await see('imports.real.done');
    await count('imports.conversations', 2);
    if ((await conversations()) !== before + 2) throw new Error('there are not two more conversations');
    const first = page.url();
    await press('imports.again');
    await page.waitForURL((at) => at.href !== first);
    await until('the second time ends', async () => (await api(page, 'GET', '/imports/' + page.url().split('/').pop())).state === 'done');
    if ((await conversations()) !== before + 2) throw new Error('the second time made more');
    await page.goto(base + '/#/settings/imports');
    await main.getByRole('table', { name: t['settings.imports'] }).getByText('/' + language).first().waitFor();
    await picture('list');
  });

  await say('a table in windows-1251 is looked into before it is sent', async () => {
    const file = `${process.env.FOLDER}/клиенты-${language}.csv`;
    writeFileSync(file, table(language));
    await page.goto(base + '/#/settings/imports/new');
    await main.getByRole('radio', { name: t['imports.source.csv'] }).check();
    await main.getByLabel(t['imports.file'], { exact: true }).setInputFiles(file);
    await main.getByText('Пётр Щукин').waitFor();
    await see('imports.columns.nobody');
    const column = (name) => main.getByLabel(t['imports.means.of'].replace('{column}', `\u2068${name}\u2069`), { exact: true });
    if ((await column('Сообщение').inputValue()) !== 'text') throw new Error('the text was not found out');
    await column('Кто').selectOption('name');
    // The same field twice is none: the first is passed over.
    await column('Прочее').selectOption('text');
    if ((await column('Сообщение').inputValue()) !== '') throw new Error('two columns are the text');
    await column('Сообщение').selectOption('text');
    if (await main.getByText(t['imports.columns.nobody']).count()) throw new Error('it still asks who the customers are');
    await picture('columns');
  });
  await say('an upload that breaks off goes on where it was, with the same file alone', async () => {
    let pieces = 0;
    await page.route('**/imports/*/file?*', (r) => (++pieces > 1 ? r.abort() : r.continue()));
    await press('imports.try');
    await see('imports.upload.waiting');
    await picture('upload');
    await page.unroute('**/imports/*/file?*');
    await page.reload();
    const again = main.getByLabel(t['imports.upload.again'], { exact: true });
    const wrong = `${process.env.FOLDER}/other.csv`;
    writeFileSync(wrong, 'name,text\nA,b\n');
    await again.setInputFiles(wrong);
    await see('fault.import.other_file');
    await again.setInputFiles(`${process.env.FOLDER}/клиенты-${language}.csv`);
    await see('imports.trial.done');
    await count('imports.customers', 8);
    await see('fault.import.date');
    await main.getByText(t['imports.ref.row'].replace('{id}', '10'), { exact: true }).waitFor();
  });
  await say('and the table comes with its letters whole', async () => {
    const had = await conversations();
    await press('imports.bring');
    await press('imports.bring', dialog);
    await see('imports.real.done');
    if ((await conversations()) !== had + 8) throw new Error('there are not eight more conversations');
    const peter = (await api(page, 'GET', '/conversations?view=all&limit=100')).items.find((c) => c.customer.name === `Пётр Щукин ${language}`);
    await main.getByRole('link', { name: t['imports.look'], exact: true }).click();
    await page.locator('section.list li a').first().waitFor();
    await page.goto(`${base}/#/inbox/all/${peter.id}`);
    await page.locator('article').getByText('Где заказ №0?').waitFor();
    await picture('inbox');
  });
}

/** A table as an old program writes it, of more than one piece. */
function table(language) {
  const rows = ['Кто;Дата;Сообщение;Прочее'];
  for (let i = 0; i < 8; i++) rows.push(`${i ? `Клиент ${i} ${language}` : `Пётр Щукин ${language}`};0${i + 1}.02.2024 10:00;"Где заказ №${i}? ${'z'.repeat(200_000)}";x`);
  rows.push(`Ошибка ${language};не дата;Вопрос;x`);
  return Buffer.from([...rows.join('\r\n')].map((c) => {
    const code = c.codePointAt(0);
    if (code < 128) return code;
    if (c === 'ё') return 0xb8;
    if (c === '№') return 0xb9;
    return code - 0x410 + 0xc0;
  }));
}
