// Plays three operators of one desk: a lead and Ann, who are in a team, and Bob, who is
// not. Environment: HOLDFAST_URL, LEAD, ANN, BOB (sign-in links), CUSTOMER (POST /?name=
// writes a letter about what the body says), CHROMIUM, OUT (a folder for pictures of what
// failed). Prints every step and exits with 1 when one fails.
import { readFileSync } from 'node:fs';
import { api, base, launch, until } from '../web/test/browser.mjs';

const t = JSON.parse(readFileSync(new URL('../web/texts/en.json', import.meta.url), 'utf8'));
const browser = await launch();
const pages = {};
const broken = [];
let step = '';
const play = async (name, run) => {
  step = name;
  const from = Date.now();
  const value = await run();
  console.log(`ok ${name} (${Date.now() - from} ms)`);
  return value;
};
const sit = async (name) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = (pages[name.toLowerCase()] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  await page.goto(process.env[name]);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  await page.goto(base + '/#/inbox/open');
  await page.locator('section.list li').first().waitFor();
  await until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1);
  return page;
};
const write = async (name, subject) => {
  const r = await fetch(`${process.env.CUSTOMER}/?name=${name}`, { method: 'POST', body: subject });
  if (!r.ok) throw new Error('the letter was not taken: ' + (await r.text()));
};
const rows = (page) => page.locator('section.list li a');
const row = (page, subject) => rows(page).filter({ has: page.getByText(subject, { exact: true }) });
const entry = (page, name) => page.locator('.views nav a', { hasText: name });
const counts = (page, name, n) => until(`${name} counts ${n}`, async () => ((await entry(page, name).locator('.num').allTextContents())[0] ?? '0') === String(n), 15000);
const dialog = (page) => page.locator('dialog[open]');
const press = (page, key, scope = page) => scope.getByRole('button', { name: t[key], exact: true }).click();
const option = (page, name) => page.getByRole('option', { name, exact: true }).click();
const same = (what, have, want) => {
  if (JSON.stringify(have) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(have)}, not ${JSON.stringify(want)}`);
};
const enter = async (page, subject, list = 'all') => {
  await page.goto(`${base}/#/inbox/${list}`);
  await row(page, subject).click();
  await page.locator('article').first().waitFor();
  await page.locator('.thread').focus();
  return page.url().match(/[0-9a-f-]{36}$/)[0];
};
const menu = async (page, key) => {
  await page.locator('section.conversation').getByRole('button', { name: t['action.more'], exact: true }).click();
  await option(page, t[key]);
};

try {
  const lead = await play('the lead sits down', () => sit('LEAD'));
  const ann = await play('Ann sits down', () => sit('ANN'));
  const bob = await play('Bob sits down', () => sit('BOB'));

  await play('the lead builds a filter and sees how many it finds', async () => {
    await lead.keyboard.press('v');
    await dialog(lead).locator('.found', { hasText: '14 conversations' }).waitFor();
    await press(lead, 'filter.add', dialog(lead));
    const second = dialog(lead).locator('.rows li').nth(1);
    await second.getByLabel(t['filter.field']).selectOption('subject');
    if (await dialog(lead).getByRole('button', { name: t['filter.now'] }).isEnabled()) throw new Error('a filter that says nothing yet can be used');
    await second.getByLabel(t['filter.value'], { exact: true }).fill('invoice');
    await dialog(lead).locator('.found', { hasText: '12 conversations' }).waitFor();
  });
  await play('only for now it shows them and keeps nothing', async () => {
    await press(lead, 'filter.now', dialog(lead));
    await until('twelve rows', async () => (await lead.locator('section.list li').first().getAttribute('aria-setsize')) === '12');
    await lead.getByRole('heading', { name: t['view.filter'], exact: true }).waitFor();
    same('the views', (await api(lead, 'GET', '/views')).items, []);
  });
  const invoices = await play('the lead saves it for the team', async () => {
    await lead.keyboard.press('v');
    await dialog(lead).locator('.found', { hasText: '12 conversations' }).waitFor();
    same('the conditions', await dialog(lead).locator('.rows li').count(), 2);
    await press(lead, 'views.save', dialog(lead));
    await dialog(lead).getByLabel(t['views.name']).fill('Invoices');
    await dialog(lead).getByLabel(t['views.owner']).selectOption({ label: 'Team: Billing' });
    await press(lead, 'action.save', dialog(lead));
    await lead.getByRole('heading', { name: 'Invoices', exact: true }).waitFor();
    await counts(lead, 'Invoices', 12);
    return (await api(lead, 'GET', '/views')).items[0].id;
  });
  const secret = await play('and keeps another for herself', async () => {
    await lead.goto(base + '/#/inbox/mine');
    await lead.locator('.views').getByRole('button', { name: t['views.new'] }).click();
    await press(lead, 'views.save', dialog(lead));
    await dialog(lead).getByLabel(t['views.name']).fill('Secret plans');
    await press(lead, 'action.save', dialog(lead));
    await entry(lead, 'Secret plans').waitFor();
    await lead.getByText(t['inbox.empty.saved']).waitFor();
    return (await api(lead, 'GET', '/views')).items.find((v) => v.name === 'Secret plans').id;
  });
  await play('Ann sees the team’s view by itself, and no secrets', async () => {
    await counts(ann, 'Invoices', 12);
    await ann.locator('.views h3', { hasText: 'Billing' }).first().waitFor();
    if (await entry(ann, 'Secret plans').count()) throw new Error('the lead’s own view is there');
    await ann.goto(`${base}/#/inbox/${secret}`);
    await ann.getByText(t['fault.view.missing']).waitFor();
    if (await rows(ann).count()) throw new Error('its conversations are shown');
  });
  await play('Bob, who is not in the team, sees neither', async () => {
    await bob.goto(base + '/#/inbox/all');
    await rows(bob).first().waitFor();
    if (await entry(bob, /Invoices|Secret plans/).count()) throw new Error('a view is there');
    await bob.keyboard.press('Control+k');
    await dialog(bob).getByRole('combobox').fill('Invoices');
    if (await bob.getByRole('option', { name: /Go to the view/ }).count()) throw new Error('the palette knows it');
    await bob.keyboard.press('Escape');
  });
  await play('Ann goes there by keys; a new letter comes in and is counted', async () => {
    await ann.goto(base + '/#/inbox/all');
    await rows(ann).first().waitFor();
    await ann.keyboard.press('g');
    await ann.keyboard.press('1');
    await ann.getByRole('heading', { name: 'Invoices', exact: true }).waitFor();
    await row(ann, 'Invoice 12').waitFor();
    await write('Kim13', 'Invoice 13');
    await row(ann, 'Invoice 13').waitFor();
    await counts(ann, 'Invoices', 13);
    await counts(lead, 'Invoices', 13);
  });
  await play('what comes does not move the row under the cursor', async () => {
    const third = rows(ann).nth(3);
    const href = await third.getAttribute('href');
    const { x, y, width, height } = await third.boundingBox();
    await ann.mouse.move(x + width / 2, y + height / 2);
    await write('Kim14', 'Invoice 14');
    await ann.locator('.fresh').waitFor();
    const under = await ann.evaluate(([x, y]) => document.elementFromPoint(x, y).closest('a')?.getAttribute('href'), [x + width / 2, y + height / 2]);
    same('the row under the cursor', under, href);
    await ann.locator('.fresh').click();
    await row(ann, 'Invoice 14').waitFor();
    await ann.mouse.move(2, 2);
  });

  const states = async () => Object.fromEntries((await api(ann, 'GET', '/conversations?view=all&limit=100')).items.map((c) => [c.subject, c.state]));
  await play('Ann resolves twelve at once, and only those', async () => {
    await row(ann, 'Invoice 14').hover();
    await ann.keyboard.press('x');
    await ann.locator('[role=toolbar]', { hasText: '1 selected' }).waitFor();
    await row(ann, 'Invoice 3').click({ modifiers: ['Shift'] });
    await ann.locator('[role=toolbar]', { hasText: '12 selected' }).waitFor();
    await ann.locator('[role=toolbar]').getByRole('button', { name: t['action.resolve'] }).click();
    await ann.locator('.bar.done', { hasText: '12 conversations' }).waitFor();
    await until('the others stay', async () => (await ann.locator('section.list li').first().getAttribute('aria-setsize')) === '2');
    const now = await states();
    for (let i = 1; i <= 14; i++) same(`Invoice ${i}`, now[`Invoice ${i}`], i < 3 ? 'open' : 'resolved');
    same('Router', now.Router, 'open');
    await counts(lead, 'Invoices', 2);
  });
  await play('and takes it back', async () => {
    await ann.keyboard.press('y');
    await until('they are back', async () => (await ann.locator('section.list li').first().getAttribute('aria-setsize')) === '14');
    for (const [subject, state] of Object.entries(await states())) same(subject, state, 'open');
    await counts(lead, 'Invoices', 14);
  });
  await play('what could not be done to one is said, and why', async () => {
    await ann.route('**/conversations/bulk', async (r) => {
      const answer = await r.fetch();
      const body = await answer.json();
      body.items[0] = { id: body.items[0].id, done: false, error: { status: 404, code: 'conversation.missing', message: 'x' } };
      await r.fulfill({ response: answer, json: body });
    });
    await rows(ann).nth(0).hover();
    await ann.keyboard.press('x');
    await rows(ann).nth(1).hover();
    await ann.keyboard.press('x');
    await ann.locator('[role=toolbar]').getByRole('button', { name: t['action.tag'] }).click();
    await ann.getByRole('combobox').last().fill('checked');
    await option(ann, t['tag.create'].replace('{word}', 'checked'));
    await ann.locator('.bar.done', { hasText: '1 conversation' }).waitFor();
    await ann.locator('.bar.done summary').click();
    await ann.locator('.bar.done li', { hasText: t['fault.conversation.missing'] }).waitFor();
    await ann.unroute('**/conversations/bulk');
    await press(ann, 'action.dismiss', ann.locator('.bar.done'));
  });
  await play('when the desk does not answer, it is kept here and goes out by itself', async () => {
    await ann.route('**/conversations/bulk', (r) => r.abort());
    await row(ann, 'Invoice 5').hover();
    await ann.keyboard.press('x');
    await ann.locator('[role=toolbar]').getByRole('button', { name: t['action.tag'] }).click();
    await ann.getByRole('combobox').last().fill('later');
    await option(ann, t['tag.create'].replace('{word}', 'later'));
    await ann.locator('.bar.done', { hasText: t['bulk.waiting'] }).waitFor();
    await until('the desk has it', async () => (await api(ann, 'GET', '/conversations?view=all&tag=later')).items.length === 1);
    await ann.unroute('**/conversations/bulk');
  });
  await play('all of a list can be put off, and is found there', async () => {
    await press(ann, 'action.dismiss', ann.locator('.bar.done'));
    await row(ann, 'Invoice 9').hover();
    await ann.keyboard.press('x');
    await ann.locator('[role=toolbar]').getByRole('button', { name: /^Select all/ }).click();
    await ann.locator('[role=toolbar]', { hasText: '14 selected' }).waitFor();
    await ann.keyboard.press('Escape');
    await ann.locator('[role=toolbar]').waitFor({ state: 'detached' });
    await row(ann, 'Invoice 9').hover();
    await ann.keyboard.press('x');
    await ann.locator('[role=toolbar]').getByRole('button', { name: t['action.snooze'] }).click();
    await option(ann, t['snooze.message']);
    await ann.locator('.bar.done').waitFor();
    await ann.keyboard.press('g');
    await ann.keyboard.press('z');
    await row(ann, 'Invoice 9').waitFor();
    same('the list of what is put off', await rows(ann).count(), 1);
  });

  await play('a macro shows what it will do, and does it', async () => {
    await enter(ann, 'Router');
    await ann.keyboard.press('m');
    await option(ann, 'Thank and wait');
    await dialog(ann).getByText('Dear Ana, thank you.').waitFor();
    await dialog(ann).getByText('thanked').waitFor();
    if (await ann.locator('article.out').count()) throw new Error('it was sent before it was asked for');
    await press(ann, 'macro.run', dialog(ann));
    await ann.locator('article.out', { hasText: 'Dear Ana, thank you.' }).waitFor();
    await ann.locator('.tools', { hasText: t['status.waiting'] }).locator('.chip', { hasText: 'thanked' }).waitFor();
  });
  await play('one that cannot be done whole does nothing, and says so', async () => {
    const id = await enter(ann, 'Router');
    await ann.keyboard.press('m');
    await option(ann, 'Hand over');
    await press(ann, 'macro.run', dialog(ann));
    await dialog(ann).getByText(t['macro.nothing']).waitFor();
    await ann.keyboard.press('Escape');
    if ((await api(ann, 'GET', '/conversations/' + id)).tags.includes('halfway')) throw new Error('half of it was done');
  });

  const router = await enter(lead, 'Router');
  const again = await enter(lead, 'Router again');
  // Which of the two stays is the desk's to say, and for both the same.
  const [stays, goes] = [[router, 'Router'], [again, 'Router again']].sort();
  await play('Ann merges two conversations; whoever reads the other is brought along', async () => {
    await enter(ann, 'Router again');
    await menu(ann, 'action.merge');
    await dialog(ann).locator('label', { hasText: 'Router' }).first().click();
    await dialog(ann).locator('.preview', { hasText: 'It is about Router.' }).waitFor();
    await press(ann, 'merge.run', dialog(ann));
    for (const page of [ann, lead]) {
      await until('the one that stays', async () => page.url().endsWith(stays[0]));
      for (const text of ['It is about Router.', 'It is about Router again.']) await page.locator('article.in', { hasText: text }).waitFor();
      await page.locator('.event', { hasText: `“${goes[1]}”\u2069 into this` }).waitFor();
    }
    await until('one row', async () => (await row(ann, goes[1]).count()) === 0 && (await row(ann, stays[1]).count()) === 1);
    await ann.locator('aside.customer').getByText(t['customer.others.none']).waitFor();
  });
  await play('an old link leads to it', async () => {
    await bob.goto(`${base}/#/inbox/all/${goes[0]}`);
    await until('the one that stays', async () => bob.url().endsWith(stays[0]));
    await bob.locator('article.in', { hasText: 'It is about Router again.' }).waitFor();
  });
  await play('and takes them apart again', async () => {
    await ann.locator('.event', { hasText: `“${goes[1]}”\u2069 into this` }).getByRole('button', { name: t['merge.undo'] }).click();
    await row(ann, goes[1]).waitFor();
    await ann.locator('article.in', { hasText: `It is about ${goes[1]}.` }).waitFor({ state: 'detached' });
    await ann.locator('article.in', { hasText: `It is about ${stays[1]}.` }).waitFor();
    await enter(ann, goes[1]);
    await ann.locator('article.in', { hasText: `It is about ${goes[1]}.` }).waitFor();
    await ann.locator('article.in', { hasText: `It is about ${stays[1]}.` }).waitFor({ state: 'detached' });
  });
  await play('a message is split off, and is in one place only', async () => {
    await enter(ann, 'Router');
    await menu(ann, 'action.split');
    const move = ann.getByRole('button', { name: t['split.move'], exact: true });
    if (await move.isEnabled()) throw new Error('nothing is chosen and can be moved');
    await ann.locator('.picked', { hasText: 'It is about Router.' }).getByRole('checkbox').check();
    await ann.locator('form.bar').getByLabel(t['conversation.subject']).fill('Cables');
    await move.click();
    await until('the new one', async () => !ann.url().endsWith(router));
    await ann.locator('section.conversation h1', { hasText: 'Cables' }).waitFor();
    await ann.locator('article.in', { hasText: 'It is about Router.' }).waitFor();
    await ann.locator('.event', { hasText: /moved a message here/ }).waitFor();
    await ann.goto(`${base}/#/inbox/all/${router}`);
    await ann.locator('article.out', { hasText: 'Dear Ana' }).waitFor();
    if (await ann.locator('article.in', { hasText: 'It is about Router.' }).count()) throw new Error('it is there twice');
  });

  await play('Ann is mentioned, finds it, and it counts no more once read', async () => {
    const me = (await api(ann, 'GET', '/me')).operator;
    const id = (await api(lead, 'GET', '/conversations?view=all&limit=100')).items.find((c) => c.subject === 'Invoice 7').id;
    await ann.goto(base + '/#/inbox/open');
    await api(lead, 'POST', `/conversations/${id}/notes`, { id: crypto.randomUUID(), text: `@${me.name} please look`, mentions: [me.id] });
    await counts(ann, t['view.mentions'], 1);
    if (await entry(bob, t['view.mentions']).locator('.num').count()) throw new Error('Bob is told that he is mentioned');
    await ann.keyboard.press('g');
    await ann.keyboard.press('n');
    await ann.getByRole('heading', { name: t['view.mentions'], exact: true }).waitFor();
    same('mentioned in', await rows(ann).count(), 1);
    await row(ann, 'Invoice 7').click();
    await ann.locator('article.note', { hasText: 'please look' }).waitFor();
    await until('it is read', async () => (await entry(ann, t['view.mentions']).locator('.num').count()) === 0, 15000);
    await row(ann, 'Invoice 7').waitFor();
  });
  await play('a field is filled in, and the customer is asked to rate', async () => {
    await enter(ann, 'Router');
    const panel = ann.locator('aside.customer');
    await panel.getByRole('button', { name: t['field.edit.conversation'] }).click();
    await panel.getByLabel('Plan').selectOption({ label: 'Gold' });
    await press(ann, 'action.save', panel);
    await panel.locator('dd', { hasText: 'Gold' }).waitFor();
    await ann.locator('.event', { hasText: 'Gold' }).waitFor();
    await menu(ann, 'action.ask.csat');
    await panel.getByText(t['rating.waiting']).waitFor();
    await ann.locator('.event', { hasText: 'asked the customer to rate' }).waitFor();
  });
  await play('Ann, who is of the team, renames its view; the lead deletes it, and it is gone for both', async () => {
    await ann.goto(`${base}/#/inbox/${invoices}`);
    await ann.locator('section.list header').getByRole('button', { name: t['views.menu'].replace('{name}', 'Invoices') }).click();
    await option(ann, t['views.edit']);
    await dialog(ann).getByLabel(t['views.name']).fill('Bills');
    await press(ann, 'action.save', dialog(ann));
    await entry(lead, 'Bills').waitFor();
    await lead.goto(`${base}/#/inbox/${invoices}`);
    await lead.locator('section.list header').getByRole('button', { name: t['views.menu'].replace('{name}', 'Bills') }).click();
    await option(lead, t['views.remove']);
    await press(lead, 'action.remove', dialog(lead));
    for (const page of [lead, ann]) await entry(page, 'Bills').waitFor({ state: 'detached' });
    await ann.getByText(t['fault.view.missing']).waitFor();
    same('what was in it', Object.keys(await states()).filter((s) => s.startsWith('Invoice')).length, 14);
  });
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('views and many at once work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/views-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
