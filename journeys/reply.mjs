// Plays two operators at one desk and a customer who writes letters: taking a reply back,
// sending later, a second answer, canned replies, forwarding, copies, drafts.
// Environment: HOLDFAST_URL, HOLDFAST_TOKEN, JOE and ANN (sign-in links), CUSTOMER (POST: a
// letter as it is, GET: what has come back), CHROMIUM, OUT (a folder for pictures of what failed).
import { readFileSync } from 'node:fs';
import { api, base, launch, until, written } from '../web/test/browser.mjs';

const t = JSON.parse(readFileSync(new URL('../web/texts/en.json', import.meta.url)));
const browser = await launch();
const broken = [];
const pages = {};
let step = '';

const play = async (name, run) => {
  step = name;
  const from = Date.now();
  const value = await run();
  console.log(`ok ${name} (${Date.now() - from} ms)`);
  return value;
};
const desk = async (method, path, body) => {
  const r = await fetch(`${base}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${process.env.HOLDFAST_TOKEN}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
  return r.status === 204 ? null : r.json();
};
const letters = async () => (await fetch(process.env.CUSTOMER)).json();
const got = async (text) => (await letters()).filter((l) => l.text.includes(text));
let count = 0;
const write = async (subject, text, more = '') => {
  const raw = `From: Kim Rey <kim@customer.example>\r\nTo: Help <help@desk.example>${more}\r\nSubject: ${subject}\r\nMessage-ID: <${++count}@customer.example>\r\n\r\n${text}\r\n`;
  const r = await fetch(process.env.CUSTOMER, { method: 'POST', body: raw });
  if (!r.ok) throw new Error(await r.text());
};
const sit = async (name, link) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' });
  const page = (pages[name] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  await page.goto(link);
  await page.locator('nav.rail').waitFor({ timeout: 20_000 });
  await page.goto(base + '/#/inbox/open');
  await until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1, 20_000);
  return page;
};
const enter = async (page, subject) => {
  await page.locator('section.list li a', { hasText: subject }).first().click();
  await page.locator('article.in').first().waitFor();
  return page.url().match(/[0-9a-f-]{36}/)[0];
};
const area = (page) => page.locator('.composer .writing');
const compose = async (page, text) => {
  await area(page).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
};
const send = (page) => page.keyboard.press('Control+Enter');
const typed = (page, text) => until(`the composer has ${JSON.stringify(text)}`, async () => (await written(area(page))) === text);
const bubble = (page, text) => page.locator('article.out', { hasText: text });
const waits = (page, text) => bubble(page, text).locator('.waits');

try {
  await write('Refund', 'Where is my money?');
  await until('the desk has it', async () => (await desk('GET', '/conversations?view=open')).items.length === 1);
  const joe = await sit('joe', process.env.JOE);
  const ann = await sit('ann', process.env.ANN);
  const id = await enter(joe, 'Refund');

  await play('a reply is taken back in time, by either key, and stands in the composer again', async () => {
    await compose(joe, 'Your money is gone');
    await send(joe);
    await waits(joe, 'Your money is gone').waitFor();
    await typed(joe, '');
    await joe.keyboard.press('Control+z');
    await typed(joe, 'Your money is gone');
    await joe.locator('details', { hasText: 'Your money is gone' }).waitFor({ state: 'attached' });
    if (await bubble(joe, 'Your money is gone').count()) throw new Error('it still looks as if it went');
    await send(joe);
    await waits(joe, 'Your money is gone').waitFor();
    await area(joe).press('Escape');
    await joe.keyboard.press('z');
    await typed(joe, 'Your money is gone');
    const all = (await desk('GET', `/conversations/${id}/messages`)).items.filter((m) => m.direction === 'out');
    if (all.length !== 2 || new Set(all.map((m) => m.id)).size !== 2 || all.some((m) => m.delivery.state !== 'cancelled')) throw new Error(JSON.stringify(all));
    if ((await desk('GET', `/conversations/${id}`)).state !== 'open') throw new Error('the conversation was not opened again');
  });
  await play('what is put right goes, at once when told to', async () => {
    await compose(joe, 'Your money is on its way.');
    await send(joe);
    await waits(joe, 'Your money is on its way.').getByText(t['unsent.send']).click();
    await until('the letter', async () => (await got('Your money is on its way.')).length === 1);
    await waits(joe, 'Your money is on its way.').waitFor({ state: 'detached' });
  });

  await play('a reply is sent later, put off once more, and goes when its author says so', async () => {
    await compose(joe, 'See you tomorrow.');
    await joe.locator('.joined-end').click();
    await joe.getByRole('option', { name: t['later.tomorrow'] }).click();
    const line = waits(joe, 'See you tomorrow.');
    await line.waitFor();
    const due = async () => Date.parse((await desk('GET', `/conversations/${id}/messages`)).items.find((m) => m.text === 'See you tomorrow.').delivery.due_at);
    const first = await due();
    if (first < Date.now() + 60_000) throw new Error('it is due at ' + new Date(first));
    await line.getByText(t['later.change']).click();
    await joe.locator('dialog select').first().selectOption('40');
    await joe.locator('dialog select').last().selectOption('16:30');
    await joe.locator('dialog button.primary').click();
    await until('the new time', async () => (await due()) > first + 30 * 86_400_000);
    if (new Date(await due()).getUTCMinutes() !== 30) throw new Error('it is due at ' + new Date(await due()));
    await line.getByText('16:30').waitFor();
    if ((await got('See you tomorrow.')).length) throw new Error('it went before its time');
    await line.getByText(t['unsent.send']).click();
    await until('the letter', async () => (await got('See you tomorrow.')).length === 1);
  });
  await play('one that was put off is taken back and never goes', async () => {
    await compose(joe, 'Never said');
    await joe.locator('.joined-end').click();
    await joe.getByRole('option', { name: t['later.hour'] }).click();
    await waits(joe, 'Never said').getByText(t['later.back']).click();
    await typed(joe, 'Never said');
    await compose(joe, '-');
    await joe.keyboard.press('Backspace');
  });

  await play('the seconds are chosen in the settings; none means at once', async () => {
    for (const page of [joe, ann]) {
      await page.goto(base + '/#/settings/account');
      const choice = page.getByLabel(t['account.undo.letter']);
      if ((await choice.inputValue()) !== '10') throw new Error('it begins with ' + (await choice.inputValue()));
      await choice.selectOption('0');
      await until('it is kept', async () => (await api(page, 'GET', '/me')).operator.preferences.undo === 0);
      await page.goto(base + '/#/inbox/all');
      await enter(page, 'Refund');
    }
  });

  await play('a slash at the start of a word offers canned replies, filled in, and elsewhere is a slash', async () => {
    await compose(joe, 'Either/or ');
    await joe.keyboard.type('/rest');
    await joe.getByRole('option', { name: /Restart the router/ }).waitFor();
    await joe.keyboard.press('Escape');
    await typed(joe, 'Either/or /rest');
    await compose(joe, '/rest');
    await joe.getByRole('option', { name: /Restart the router/ }).waitFor();
    await joe.keyboard.press('Enter');
    const n = (await desk('GET', `/conversations/${id}`)).number;
    await typed(joe, `Dear Kim, turn number ${n} off and on.`);
    await compose(joe, 'x');
    await joe.keyboard.press('Control+;');
    await joe.keyboard.type('nothing like it');
    await joe.getByText(t['canned.nothing']).waitFor();
    await joe.keyboard.press('Escape');
  });

  await play('canned replies are there when the desk is not', async () => {
    await compose(joe, '-');
    await joe.keyboard.press('Backspace');
    await until('the worker is there', () => joe.evaluate(async () => !!(await navigator.serviceWorker.getRegistration())?.active), 20_000);
    await until('they are kept', () => joe.evaluate(() => new Promise((resolve) => {
      const q = indexedDB.open('holdfast');
      q.onsuccess = () => {
        const r = q.result.transaction('resources').objectStore('resources').getAllKeys();
        r.onsuccess = () => { q.result.close(); resolve(r.result.includes('/canned-replies')); };
      };
    })));
    await joe.route('**/api/**', (route) => route.abort());
    await joe.reload();
    await joe.locator('article.in').first().waitFor();
    await compose(joe, '/rest');
    await joe.getByRole('option', { name: /Dear Kim, turn number/ }).waitFor();
    await joe.keyboard.press('Escape');
    await joe.unroute('**/api/**');
    await until('the live connection', async () => (await joe.locator('.link-state .dot.ok').count()) === 1, 20_000);
    await compose(joe, '-');
    await joe.keyboard.press('Backspace');
  });

  await play('who writes sees that a colleague writes, and that she has answered', async () => {
    await compose(joe, 'I am about to answer');
    await area(ann).click();
    await ann.keyboard.type('We send', { delay: 30 });
    await joe.locator('.guard', { hasText: t['guard.writing'].split('{name}')[1] }).waitFor();
    await ann.keyboard.press('Control+a');
    await ann.keyboard.type('We send another one.');
    await send(ann);
    await joe.locator('.guard', { hasText: t['guard.answered'].split('{name}')[1] }).waitFor();
    await until('the letter', async () => (await got('We send another one.')).length === 1);
    await compose(joe, '-');
    await joe.keyboard.press('Backspace');
  });

  await play('a reply over what came meanwhile is held, shows it, and goes only when told to', async () => {
    // The customer's letter overtakes the reply.
    let through;
    const gate = new Promise((resolve) => (through = resolve));
    let caught;
    const asked = new Promise((resolve) => (caught = resolve));
    await joe.route('**/replies', async (route) => {
      caught();
      await gate;
      await route.continue();
    }, { times: 1 });
    await compose(joe, 'I know nothing');
    await send(joe);
    await asked;
    await write('Re: Refund', 'It has come, thank you!', '\r\nIn-Reply-To: <1@customer.example>');
    await until('the desk has it', async () => (await desk('GET', `/conversations/${id}/messages`)).items.some((m) => m.text.includes('It has come')));
    through();
    const held = joe.locator('article.held', { hasText: 'I know nothing' });
    await held.locator('.unsent li', { hasText: 'It has come, thank you!' }).waitFor();
    await held.getByText(t['action.edit'], { exact: true }).click();
    await typed(joe, 'I know nothing');
    if ((await desk('GET', `/conversations/${id}/messages`)).items.some((m) => m.text === 'I know nothing')) throw new Error('the desk took it');
    await compose(joe, 'Glad to hear it.');
    await send(joe);
    await until('the letter', async () => (await got('Glad to hear it.')).length === 1);
  });

  await play('a message is forwarded with a word above it, to its reader alone', async () => {
    const last = joe.locator('article.in').last();
    await last.hover();
    await last.locator('.menu button').click();
    await joe.getByRole('option', { name: t['action.forward'] }).click();
    const dialog = joe.locator('dialog[open]');
    await dialog.getByLabel(t['message.to'], { exact: true }).fill('expert');
    await dialog.getByLabel(t['message.to'], { exact: true }).press('Enter');
    await dialog.getByRole('alert').waitFor();
    if (await dialog.locator('button.primary').isEnabled()) throw new Error('it would go to nobody');
    await dialog.getByLabel(t['message.to'], { exact: true }).press('Backspace');
    await dialog.getByLabel(t['message.to'], { exact: true }).fill('expert@elsewhere.example');
    await dialog.locator('textarea').fill('Can you look?');
    await dialog.locator('button.primary').click();
    await dialog.waitFor({ state: 'detached' });
    await until('the letter', async () => (await got('Can you look?')).length === 1);
    const [l] = await got('Can you look?');
    if (l.to.join() !== 'expert@elsewhere.example' || !l.text.includes('It has come, thank you!')) throw new Error(JSON.stringify(l));
    await bubble(joe, 'Can you look?').getByText('expert@elsewhere.example').first().waitFor();
  });

  await play('all whom a letter went to are answered, but never the desk itself', async () => {
    await write('Party', 'Who brings the cake?', ', Lee <lee@customer.example>\r\nCc: Help <help+x@desk.example>, max@customer.example');
    await joe.goto(base + '/#/inbox/all');
    const party = await enter(joe, 'Party');
    await joe.getByText(t['composer.replyall'].replace('{n}', '3')).click();
    await until('both are there', async () => (await joe.locator('.copies .chip').allTextContents()).join() === 'lee@customer.example,max@customer.example');
    await compose(joe, 'All of you know now.');
    await send(joe);
    await until('the letters', async () => (await got('All of you know now.')).length > 0);
    const to = (await got('All of you know now.')).flatMap((l) => l.to).sort().join();
    if (to !== 'kim@customer.example,lee@customer.example,max@customer.example') throw new Error(to);
    await bubble(joe, 'All of you know now.').getByText('lee@customer.example, max@customer.example').waitFor();
    await joe.locator('article.in').last().hover();
    await joe.locator('article.in').last().locator('.menu button').click();
    await joe.getByRole('option', { name: t['action.quote'] }).click();
    await until('the question is quoted', async () => (await joe.locator('.composer .writing blockquote').innerText()).trim() === 'Who brings the cake?');

    step = 'a draft is shown in the list, to its author alone, and goes along when the conversation is handed over';
    await compose(joe, 'I bring');
    const draft = (page) => page.locator('section.list li a', { hasText: 'Party' }).getByText(t['inbox.draft']);
    await draft(joe).waitFor();
    await ann.goto(base + '/#/inbox/all');
    await ann.locator('section.list li a', { hasText: 'Party' }).waitFor();
    if (await draft(ann).count()) throw new Error('it is shown to a colleague');
    await until('the draft is kept', async () => (await api(joe, 'GET', `/conversations/${party}`)).draft?.text === 'I bring');
    await desk('PUT', `/conversations/${party}/assignment`, { operator: (await api(ann, 'GET', '/me')).operator.id, team: '' });
    await enter(ann, 'Party');
    await typed(ann, 'I bring');
    await ann.getByText(t['composer.handed'].split('{name}')[0].trim()).waitFor();
  });
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('replies work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/reply-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
