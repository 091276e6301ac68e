// Walks both journeys of a customer in a real browser, in two languages and on a wide
// and a narrow screen: a visitor writes in the shop's chat, and a customer writes a
// mail; an operator answers both in the console; both read it and write again.
// Environment: HOLDFAST_URL, HOLDFAST_LINK, CUSTOMER (the address of the customer's
// mailbox: POST /write, GET /letters), CHROMIUM, OUT (a folder for pictures of what
// failed). Prints every step and exits with 1 when one fails.
import { readFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const says = {
  en: { ask: 'Is my street connected?', answer: 'It is, since Monday.', thanks: 'Wonderful, thank you.', subject: 'Invoice for March', mail: 'I was charged twice.', reply: 'We have sent the money back.', again: 'It has arrived.' },
  fa: { ask: 'آیا خیابان ما وصل شده است؟', answer: 'بله، از دوشنبه وصل است.', thanks: 'عالی است، سپاسگزارم.', subject: 'صورت‌حساب اسفند', mail: 'دو بار از من پول گرفته‌اید.', reply: 'پول را برگرداندیم.', again: 'رسید.' },
};
const browser = await launch();
const pages = {};


try {
  const door = await browser.newContext();
  const first = await door.newPage();
  await first.goto(process.env.HOLDFAST_LINK);
  await first.locator('nav.rail').waitFor({ timeout: 20000 });
  const session = await door.storageState();
  await door.close();
  for (const language of ['en', 'fa']) for (const width of [1440, 390]) await walk(language, width, session);
  console.log('both journeys work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/walk-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language, width, session) {
  const viewport = { width, height: width < 700 ? 844 : 900 };
  const mark = `${language}${width}${Date.now().toString(36)}`;
  const t = Object.fromEntries(Object.entries(says[language]).map(([k, v]) => [k, `${v} ${mark}`]));
  const say = (name, run) => play(`[${language} ${width}] ${name}`, run);
  const broken = [];
  const window = async (name, storageState) => {
    const context = await browser.newContext({ viewport, storageState, locale: language });
    const page = (pages[name] = await context.newPage());
    page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
    page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(`${name}: ${m.text()}`));
    return page;
  };
  const fits = async (page, what) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) throw new Error(`${what} is ${wide} wide in a window of ${width}`);
  };
  const console_ = await window('console', session);
  const shop = await window('shop');

  await say('the operator sits down', async () => {
    await console_.goto(base + '/#/inbox/open');
    await api(console_, 'PATCH', '/me', { language, preferences: { undo: 0, undo_chat: 0 } });
    await console_.reload();
    await until('the direction', async () => (await console_.evaluate(() => document.documentElement.dir)) === (language === 'fa' ? 'rtl' : 'ltr'));
    await until('the live connection', async () => (await console_.locator('.link-state .dot.ok').count()) === 1);
  });
  const open = async (text) => {
    const row = console_.locator('section.list li a', { hasText: mark }).filter({ hasText: text }).first();
    await row.waitFor({ timeout: 8000 }); // it comes by itself
    await fits(console_, 'the list');
    await row.click();
    await console_.locator('article.in', { hasText: text }).waitFor();
    await fits(console_, 'the conversation');
    return console_.url().match(/[0-9a-f-]{36}/)[0];
  };
  const answer = async (text) => {
    await console_.locator('.composer .writing').fill(text);
    await console_.locator('.composer .writing').press('Control+Enter');
    const bubble = console_.locator('article.out:not(.sending):not(.unsent)', { hasText: text });
    await bubble.waitFor();
    return bubble;
  };
  const texts = async (id) => (await api(console_, 'GET', `/conversations/${id}/messages?limit=50`)).items.map((m) => m.text.trim());

  await say('a visitor writes in the shop', async () => {
    await shop.goto(`${base}/demo/shop?lang=${language}`);
    await shop.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
    await shop.click('.launcher');
    await shop.locator('textarea').fill(t.ask);
    await shop.locator('textarea').press('Enter');
    await shop.locator('.mine', { hasText: t.ask }).locator('.i-tick, .i-ticks').first().waitFor();
    await fits(shop, 'the shop');
  });
  const chat = await say('the operator sees it and opens it', () => open(t.ask));
  const bubble = await say('the operator answers', () => answer(t.answer));
  await say('the visitor reads it, once', async () => {
    await shop.locator('.theirs', { hasText: t.answer }).waitFor();
    await until('the visitor sees that the operator has read', async () => (await shop.locator('.mine', { hasText: t.ask }).locator('.i-ticks').count()) === 1);
    if ((await shop.locator('.theirs', { hasText: t.answer }).count()) !== 1) throw new Error('it is there twice');
  });
  await say('the operator sees the tick', () => bubble.locator('.mark.seen').waitFor());
  await say('the visitor goes on, in the same conversation', async () => {
    await shop.locator('textarea').fill(t.thanks);
    await shop.locator('textarea').press('Enter');
    await console_.locator('article.in', { hasText: t.thanks }).waitFor();
    const all = await texts(chat);
    if (JSON.stringify(all) !== JSON.stringify([t.ask, t.answer, t.thanks])) throw new Error('the desk has ' + JSON.stringify(all));
  });

  const customer = `kim.${mark}@customer.example`;
  const mailId = `<${mark}.1@customer.example>`;
  const write = async (letter) => {
    const r = await fetch(process.env.CUSTOMER + '/write', { method: 'POST', body: JSON.stringify({ from: customer, ...letter }) });
    if (!r.ok) throw new Error('the mail was not taken: ' + (await r.text()));
  };
  await console_.goto(base + '/#/inbox/open');
  await say('a customer writes a mail', () => write({ message_id: mailId, subject: t.subject, text: t.mail }));
  const mail = await say('the operator sees it and opens it', () => open(t.mail));
  const sent = await say('the operator answers the mail', () => answer(t.reply));
  const letter = await say('the customer gets one letter that belongs to theirs', async () => {
    const box = async () => (await (await fetch(process.env.CUSTOMER + '/letters')).json()).filter((l) => l.to.includes(customer));
    await until('the letter', async () => (await box()).length > 0);
    const [l, ...more] = await box();
    if (more.length) throw new Error(`${more.length} letters more`);
    if (l.in_reply_to !== mailId || !l.references.split(/\s+/).includes(mailId)) throw new Error('it answers ' + JSON.stringify(l));
    if (!l.text.includes(t.reply) || !l.subject.includes(t.subject) || !/^<[^<>\s]+@[^<>\s]+>$/.test(l.message_id)) throw new Error('it says ' + JSON.stringify(l));
    return l;
  });
  await say('the operator sees that it went', () => sent.locator('.mark.accepted, .mark.delivered').first().waitFor());
  await say('the customer answers the letter, in the same conversation', async () => {
    await write({ message_id: `<${mark}.2@customer.example>`, subject: 'Re: ' + t.subject, text: `${t.again}\r\n\r\n> ${t.reply}`, in_reply_to: letter.message_id, references: `${mailId} ${letter.message_id}` });
    await console_.locator('article.in', { hasText: t.again }).waitFor();
    const all = await texts(mail);
    if (JSON.stringify(all) !== JSON.stringify([t.mail, t.reply, t.again])) throw new Error('the desk has ' + JSON.stringify(all));
    const c = await api(console_, 'GET', `/conversations/${mail}`);
    const list = await api(console_, 'GET', `/customers/${c.customer.id}/conversations`);
    if (list.items.length !== 1) throw new Error(`the customer has ${list.items.length} conversations`);
    if (c.state !== 'open') throw new Error(`it is ${c.state}`);
  });
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  await console_.context().close();
  await shop.context().close();
}
