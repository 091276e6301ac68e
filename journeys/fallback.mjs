// Walks an administrator through an outage: a delivery chain is made, the mailbox is
// cut, an answer goes by telephone and comes back, consent is recorded. In English on a
// wide screen and in Persian on a narrow one.
// Environment: HOLDFAST_URL, HOLDFAST_LINK, CONTROL (POST /write a letter, /cut, /restore,
// GET and POST /sms?number=), MAILBOX, PHONE (channels), CHROMIUM, OUT (a folder for pictures).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const axe = readFileSync(createRequire(new URL('../web/test/axe.mjs', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await launch();
const broken = [];
let page;
const control = async (path, body = '', method = 'POST') => {
  const r = await fetch(process.env.CONTROL + path, { method, body: method === 'GET' ? undefined : body });
  if (!r.ok) throw new Error(`${path}: ${await r.text()}`);
  return r;
};

try {
  const door = await browser.newContext();
  const first = await door.newPage();
  await first.goto(process.env.HOLDFAST_LINK);
  await first.locator('nav.rail').waitFor({ timeout: 20000 });
  const session = await door.storageState();
  await door.close();
  await walk('en', 1440, session, '79990001122');
  await walk('fa', 390, session, '79990003344');
  if (broken.length) throw new Error(broken.join('\n'));
  console.log('another way was found');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await page?.screenshot({ path: `${process.env.OUT}/fallback.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language, width, session, number) {
  const t = JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url)));
  const fill = (key, values) => Object.entries(values).reduce((s, [k, v]) => s.replaceAll(`{${k}}`, v), t[key]);
  const plain = (s) => s.replace(/[\u2066-\u2069]/g, '');
  const say = (name, run) => play(`[${language} ${width}] ${name}`, run);
  const context = await browser.newContext({ viewport: { width, height: width < 700 ? 844 : 900 }, storageState: session, locale: language });
  page = await context.newPage();
  page.on('pageerror', (e) => broken.push(`${language}: ${e.message}`));
  await context.addInitScript(axe);
  const picture = async (name) => process.env.OUT && page.screenshot({ path: `${process.env.OUT}/fallback-${name}-${language}.png` });
  const clean = async (where) => {
    const found = await page.evaluate(async (where) => {
      const r = await globalThis.axe.run(where, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }, resultTypes: ['violations'] });
      return r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
    }, where);
    if (found.length) throw new Error('axe: ' + found.join('\n'));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) throw new Error(`it is ${wide} wide in a window of ${width}`);
  };
  const has = (place, text) => until(`“${text}”`, async () => plain(await place.innerText()).includes(text));

  await say('the administrator makes a chain and orders it by keyboard', async () => {
    await page.goto(base + '/#/inbox/open');
    await api(page, 'PATCH', '/me', { language, preferences: { undo: 0, undo_chat: 0 } });
    for (const sort of ['reply', 'automatic', 'notice']) await api(page, 'PUT', '/chains/' + sort, { first: 600, legs: [] });
    await page.goto(base + '/#/settings/chains');
    await page.reload();
    const card = page.locator('form', { has: page.locator('#chain-reply') });
    await has(card, t['chains.now.none']);
    await card.getByRole('button', { name: t['chains.add'] }).press('Enter');
    await page.getByRole('option', { name: 'SMS', exact: true }).click();
    await card.getByRole('button', { name: t['chains.add'] }).press('Enter');
    await page.getByRole('option', { name: 'help@desk.example', exact: true }).click();
    await until('two ways', async () => (await card.locator('ol > li').count()) === 3);
    // By keyboard the second becomes the first, and the first again.
    const grip = card.locator('.grip').nth(1);
    await grip.focus();
    await page.keyboard.press('ArrowUp');
    await until('the order', async () => (await card.locator('ol > li').nth(1).innerText()).includes('help@desk.example'));
    await page.keyboard.press('ArrowDown');
    await until('the order', async () => (await card.locator('ol > li').nth(1).innerText()).includes('SMS'));
    await clean('main');
    await picture('chains');
    await card.getByRole('button', { name: t['action.save'], exact: true }).press('Enter');
    await until('it is saved', async () => (await api(page, 'GET', '/chains')).items[0].legs.length === 2);
  });

  const subject = `Order ${language}`;
  let talk;
  await say('a customer with a telephone writes a letter', async () => {
    await control('/write', `From: Kim <kim.${language}@customer.example>\r\nTo: help@desk.example\r\nSubject: ${subject}\r\nMessage-ID: <1.${language}@customer.example>\r\n\r\nWhere is my order?\r\n`);
    await page.goto(base + '/#/inbox/open');
    await page.locator('section.list li a', { hasText: subject }).first().click();
    await page.locator('article.in').first().waitFor();
    talk = page.url().match(/[0-9a-f-]{36}/)[0];
    const c = await api(page, 'GET', '/conversations/' + talk);
    await api(page, 'POST', `/customers/${c.customer.id}/addresses`, { scheme: 'tel', value: '+' + number });
    if (await page.locator('.composer .line').count()) throw new Error('the composer warns of a way that works');
  });
  await say('the mailbox is cut and the composer says where an answer goes', async () => {
    await control('/cut');
    const line = page.locator('.composer .line');
    await line.waitFor();
    await has(line, fill('way.now', { channel: 'SMS' }));
    await has(line, 'No uplink answers');
    await clean('.composer');
    await picture('composer');
  });
  await say('the answer goes another way and says so', async () => {
    const area = page.locator('.composer .writing');
    await area.fill('It is on its way.');
    await area.press('Control+Enter');
    const bubble = page.locator('article.out', { hasText: 'It is on its way.' });
    await has(bubble, fill('delivery.other', { channel: 'SMS' }));
    await has(page.locator('p.event', { hasText: 'help@desk.example' }), fill('way.cut', { channel: 'help@desk.example' }));
    await until('the telephone has it', async () => (await (await control('/sms?number=' + number, '', 'GET')).json()).length === 1);
    const [sms] = await (await control('/sms?number=' + number, '', 'GET')).json();
    if (!sms.startsWith('It is on its way.\n(')) throw new Error('the customer reads ' + JSON.stringify(sms));
    await picture('bubble');
  });
  await say('the answer by SMS comes into the same conversation, and so goes the next one', async () => {
    await control('/sms?number=' + number, `Thanks ${language}`);
    await page.locator('article.in', { hasText: `Thanks ${language}` }).waitFor();
    await until('the composer writes by SMS', async () => (await page.locator('.composer .via').inputValue()) === process.env.PHONE);
    await until('nothing warns of a way that works', async () => (await page.locator('.composer .line').count()) === 0);
  });
  await say('the card says which way reaches the customer, and a no is recorded', async () => {
    await page.goto(base + '/#/customers/' + (await api(page, 'GET', '/conversations/' + talk)).customer.id);
    await has(page.locator('main'), fill('ways.now', { channel: 'SMS' }));
    await page.locator('li button.link', { hasText: '+' + number }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: `${t['consent.no']}: ${t['consent.service']}` }).click();
    await has(dialog, t['consent.withdrawn']);
    await clean('[role=dialog], dialog');
    await picture('consent');
    await dialog.getByRole('button', { name: t['action.dismiss'] }).last().click();
    await has(page.locator('main'), t['ways.refused']);
    await picture('card');
  });
  await say('what nobody can get waits, and goes once when the mailbox works again', async () => {
    await page.goto(base + '/#/inbox/open/' + talk);
    await page.locator('.composer .via').selectOption(process.env.MAILBOX);
    const line = page.locator('.composer .line');
    await has(line, t['way.wait']);
    const area = page.locator('.composer .writing');
    await area.fill('And the invoice.');
    await area.press('Control+Enter');
    const bubble = page.locator('article.out', { hasText: 'And the invoice.' });
    await bubble.locator('.mark.queued').waitFor();
    await control('/restore');
    await bubble.locator('.mark.accepted').waitFor();
    await until('the warning goes', async () => (await line.count()) === 0);
    if ((await (await control('/sms?number=' + number, '', 'GET')).json()).length !== 1) throw new Error('a number whose owner has said no was written to');
  });
  await context.close();
}
