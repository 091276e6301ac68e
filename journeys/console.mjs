// Plays an administrator in the console, in English, Russian and Persian, through what
// the other scripts leave out. Environment: HOLDFAST_URL, HOLDFAST_LINK, CUSTOMER (POST
// /?to= takes a whole letter, GET / lists what the desk sent), LANGUAGES, CHROMIUM, OUT
// (a folder for a picture of what failed). Prints every step and exits with 1.
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { api, base, clear, launch, play, step, until, written } from '../web/test/browser.mjs';

const words = (language) => JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url), 'utf8'));
const names = { en: 'Mary Ann Quill', ru: 'Мария Белова', fa: 'مریم کاظمی' };
const browser = await launch();
const pages = {};
const broken = [];
const open = async (name, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = (pages[name] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  page.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(`${name}: ${m.text()}`));
  return page;
};
/** A code of an authenticator's key, some steps of 30 seconds from now. */
function code(secret, ahead = 0) {
  const bits = [...secret.replace(/[\s=]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

try {
  const page = await open('console');
  await page.goto(process.env.HOLDFAST_LINK);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  for (const language of (process.env.LANGUAGES ?? 'en,ru,fa').split(',')) await walk(page, language);
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('the console works');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/console-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(page, language) {
  const t = words(language);
  const mark = language + Date.now().toString(36);
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const get = (path) => api(page, 'GET', path);
  const press = (key, role = 'button', scope = page) => scope.getByRole(role, { name: t[key], exact: true }).click();
  const dialog = page.locator('dialog[open]');
  const write = async (to, subject, html) => {
    const raw = [
      'From: Kim <kim@customer.example>', `To: <${to}>`, `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=`, `Message-ID: <${randomUUID()}@customer.example>`,
      'MIME-Version: 1.0', 'Content-Type: multipart/alternative; boundary=b', '', '--b', 'Content-Type: text/plain; charset=utf-8', '', `Plain ${mark}`, '', 'On Monday, help wrote:', `> Earlier ${mark}`,
      '--b', 'Content-Type: text/html; charset=utf-8', '', `<p>Bold <b>${mark}</b><script>alert(1)</script><img width="20" height="20" src="http://elsewhere.example/${mark}.gif">${html ?? ''}</p>`, '--b--', '',
    ].join('\r\n');
    const r = await fetch(`${process.env.CUSTOMER}/?to=${to}`, { method: 'POST', body: raw });
    if (!r.ok) throw new Error('the letter was not taken: ' + (await r.text()));
  };
  const enter = async (subject) => {
    const row = page.locator('section.list li a', { hasText: subject });
    await row.first().click();
    await page.locator('article').first().waitFor();
    return page.url().match(/[0-9a-f-]{36}/)[0];
  };
  const quiet = () => page.locator('.composer .writing').blur();

  const self = await say('the page turns to the language', async () => {
    await page.goto(base + '/#/inbox/open');
    await api(page, 'PATCH', '/me', { language, preferences: { undo: 0, undo_chat: 0 } });
    await page.reload();
    await page.getByText(t['view.unassigned'], { exact: true }).first().waitFor();
    await until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1);
    return (await get('/me')).operator.id;
  });

  // A colleague who sees the same at the same time.
  const mate = randomUUID();
  const there = await say('a colleague is added and signs in', async () => {
    await page.goto(base + '/#/settings/operators');
    await press('operators.new');
    await dialog.getByLabel(t['account.name']).fill(names[language]);
    await dialog.getByLabel(t['sign.email']).fill(`${mark}@desk.example`);
    await press('action.save', 'button', dialog);
    await dialog.locator('code').waitFor();
    const link = await dialog.locator('code').textContent();
    const there = await open('colleague');
    await there.goto(link.trim());
    await there.locator('nav.rail').waitFor();
    await api(there, 'PATCH', '/me', { language });
    await there.reload();
    await page.keyboard.press('Escape');
    return there;
  });
  const mateId = (await get('/operators')).items.find((o) => o.email === `${mark}@desk.example`).id;

  const requests = [];
  page.removeAllListeners('request').on('request', (r) => r.url().includes('elsewhere.example') && requests.push(r.url()));
  await page.route('http://elsewhere.example/**', (r) => r.fulfill({ contentType: 'image/gif', body: Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAA=', 'base64') }));

  const id = await say('a letter comes by itself and is opened', async () => {
    await page.goto(base + '/#/inbox/open');
    await page.locator('section.list').waitFor();
    await write('help@desk.example', `Letter ${mark}`);
    await page.locator('section.list li a', { hasText: `Letter ${mark}` }).waitFor();
    return enter(`Letter ${mark}`);
  });
  await there.goto(`${base}/#/inbox/all/${id}`);
  await there.locator('article').first().waitFor();
  const read = () => get('/conversations/' + id);

  await say('its quoted part is one click away', async () => {
    const article = page.locator('article.in').first();
    if (await article.getByText(`Earlier ${mark}`).count()) throw new Error('the quote is shown at once');
    await article.locator('.rest-button').click();
    await article.getByText(`Earlier ${mark}`).waitFor();
  });
  await say('its formatted form runs nothing and calls nobody until asked', async () => {
    const article = page.locator('article.in').first();
    await article.hover();
    await article.locator('.menu button').click();
    await page.getByRole('option', { name: t['message.formatted'] }).click();
    const frame = article.locator('iframe');
    if (/allow-scripts/.test((await frame.getAttribute('sandbox')) ?? 'allow-scripts')) throw new Error('the frame may run scripts');
    await article.frameLocator('iframe').locator('b', { hasText: mark }).waitFor();
    if (requests.length) throw new Error('it asked for ' + requests);
    await article.getByRole('button', { name: t['message.remote.show'] }).click();
    await until('the picture is asked for', () => requests.some((r) => r.includes(mark)));
  });

  await say('a note mentions by keyboard and by mouse, and the colleague sees it', async () => {
    const area = page.locator('.composer.note .writing');
    await quiet();
    await page.keyboard.press('n');
    await area.waitFor();
    await page.keyboard.type(`Look ${mark} @`);
    const offers = page.getByRole('listbox', { name: t['composer.mention'] });
    await offers.waitFor();
    if (await offers.getByText((await get('/me')).operator.name, { exact: true }).count()) throw new Error('one is offered oneself');
    await page.keyboard.type(names[language].split(' ')[0].slice(0, 3));
    await until('one is left', async () => (await offers.getByRole('option').filter({ hasText: names[language] }).count()) === 1);
    await page.keyboard.press('Enter');
    await until('the name is written', async () => (await written(area)) === `Look ${mark} @${names[language]}`);
    await page.keyboard.type('and @');
    await page.keyboard.press('Escape');
    if (await offers.count()) throw new Error('Escape does not close the offer');
    await area.fill(`Look ${mark} @`);
    await offers.getByRole('option', { name: names[language] }).click();
    await page.keyboard.type('please');
    await press('composer.addnote');
    const note = page.locator('article.note:not(.sending)', { hasText: mark });
    await note.locator('.mention', { hasText: '@' + names[language] }).waitFor();
    await there.locator('article.note .mention.self', { hasText: names[language] }).waitFor();
    const kept = (await get(`/conversations/${id}/messages?limit=50`)).items.find((m) => m.direction === 'note');
    if (kept.text !== `Look ${mark} @${names[language]} please` || String(kept.mentions) !== mateId) throw new Error('the desk has ' + JSON.stringify(kept));
  });

  await say('it is given to the colleague and to a team, and the colleague sees it', async () => {
    for (const [name, field, value] of [[names[language], 'operator', mateId], ['Night shift', 'team', undefined]]) {
      await quiet();
      await page.keyboard.press('a');
      await page.getByPlaceholder(t['assign.find']).fill(name);
      await page.keyboard.press('Enter');
      await until('the desk knows the ' + field, async () => ((v) => (value ? v === value : !!v))((await read())[field]));
    }
    await there.locator('header').getByText('Night shift').waitFor();
    await there.locator('.tools').getByText(names[language]).waitFor();
  });
  await say('its priority, a tag and its subject', async () => {
    await page.keyboard.press('p');
    await page.getByRole('option', { name: t['priority.3'] }).click();
    await until('the priority', async () => (await read()).priority === 3);
    await page.keyboard.press('t');
    await page.getByPlaceholder(t['tag.find']).fill(mark);
    await page.keyboard.press('Enter');
    await until('the tag', async () => (await read()).tags.includes(mark));
    await page.keyboard.press('Escape');
    await there.locator('.tools .chip', { hasText: mark }).waitFor();
    await page.locator('.tools').getByRole('button', { name: t['action.more'] }).click();
    await page.getByRole('option', { name: t['action.subject'] }).click();
    await dialog.locator('input').fill(`Renamed ${mark}`);
    await page.keyboard.press('Enter');
    await there.locator('header h1', { hasText: `Renamed ${mark}` }).waitFor();
  });
  await say('it is snoozed, reopened and marked as unread', async () => {
    await page.keyboard.press('s');
    await page.getByRole('option', { name: t['snooze.tomorrow'] }).click();
    await until('it is snoozed', async () => (await read()).state === 'snoozed');
    await page.getByRole('option', { name: t['snooze.tomorrow'] }).waitFor({ state: 'hidden' });
    await page.keyboard.press('o');
    await until('it is open', async () => (await read()).state === 'open');
    await page.keyboard.press('u');
    await until('it is unread', async () => (await read()).unread === true);
    await page.locator('section.list li a.unread', { hasText: mark }).waitFor();
  });
  await say('a draft is kept by the desk over a reload', async () => {
    await page.locator('section.list li a', { hasText: mark }).first().click();
    await page.locator('.composer .writing').waitFor();
    await page.keyboard.press('r');
    await page.locator('.composer:not(.note) .writing').fill(`Draft ${mark}`);
    await until('the desk has it', async () => (await read()).draft?.text === `Draft ${mark}`);
    await page.reload();
    await until('it is back', async () => (await written(page.locator('.composer .writing'))) === `Draft ${mark}`);
    // The field may change its form under the first keys, right after the page has come.
    const field = page.locator('.composer .writing');
    await until('the field is empty', async () => {
      if (await written(field)) await clear(field);
      return (await written(field)) === '';
    });
    await until('it is gone', async () => !(await read()).draft?.text);
  });

  await say('a reply that does not get out goes by another way', async () => {
    await page.goto(base + '/#/inbox/open');
    await write('sales@desk.example', `Stuck ${mark}`);
    await page.locator('section.list li a', { hasText: `Stuck ${mark}` }).waitFor();
    const stuck = await enter(`Stuck ${mark}`);
    await page.locator('.composer .writing').fill(`Answer ${mark}`);
    await page.keyboard.press('Control+Enter');
    await until('it could not be sent', async () => (await get('/outbox?state=retry_wait')).items.some((r) => r.conversation === stuck));
    await quiet();
    await page.keyboard.press('Control+k');
    await page.keyboard.type(t['action.go.outbox']);
    await page.keyboard.press('Enter');
    const row = page.locator('tr', { hasText: `Answer ${mark}` });
    await row.getByRole('button', { name: t['outbox.hold'] }).click();
    await row.getByText(t['delivery.held']).waitFor();
    await row.getByRole('button', { name: t['outbox.reroute.short'] }).click();
    await dialog.getByLabel(t['composer.channel']).selectOption({ label: 'help@desk.example' });
    await until('the address is known', async () => (await dialog.locator('select').last().inputValue()) === 'kim@customer.example');
    await press('outbox.reroute.send', 'button', dialog);
    await until('the customer has it once', async () => (await (await fetch(process.env.CUSTOMER + '/')).json()).filter((l) => l.text.includes(`Answer ${mark}`)).length === 1);
    await page.goto(`${base}/#/inbox/all/${stuck}`);
    await page.locator('article.out', { hasText: `Answer ${mark}` }).locator('.mark.accepted, .mark.delivered').first().waitFor();
  });
  await say('it is found, and the keyboard goes there', async () => {
    await page.keyboard.press('/');
    await page.locator('input[type=search]').fill(`Answer ${mark}`);
    await page.locator('mark', { hasText: mark }).first().waitFor();
  });

  await say('a channel is tested: one works, the other says what is wrong', async () => {
    for (const [name, good] of [['help@desk.example', true], ['sales@desk.example', false]]) {
      await page.goto(base + '/#/settings/channels');
      await page.locator('main li a', { hasText: name }).click();
      await press('channels.test');
      await page.locator('.checks li').first().waitFor({ timeout: 20000 });
      if (((await page.locator('.checks .bad').count()) === 0) !== good) throw new Error(`${name}: ${await page.locator('.checks').innerText()}`);
    }
  });
  await say('a webhook gets a new secret, shown once', async () => {
    await page.goto(base + '/#/settings/webhooks');
    await press('webhooks.new');
    await dialog.getByLabel(t['webhooks.url']).fill(`http://127.0.0.1:9/${mark}`);
    await press('action.save', 'button', dialog);
    const first = await dialog.locator('code').textContent();
    await page.keyboard.press('Escape');
    const row = page.locator('tr', { hasText: mark });
    await row.getByRole('button', { name: t['webhooks.rotate.short'] }).click();
    await press('webhooks.rotate.yes', 'button', dialog);
    const second = await dialog.locator('code').textContent();
    if (!second || second === first) throw new Error('the secret is the same');
    await press('action.copy', 'button', dialog);
    await page.keyboard.press('Escape');
    await until('it is not shown again', async () => !(await page.content()).includes(second));
    await row.getByRole('button', { name: t['action.remove'] }).click();
    await press('action.remove', 'button', dialog);
    await until('the webhook is gone', async () => !(await get('/webhooks')).items.some((w) => w.url.includes(mark)));
  });
  await say('an operator leaves and what they had in hand is not lost', async () => {
    await page.goto(base + '/#/settings/operators');
    await page.locator('tr', { hasText: names[language] }).getByRole('button', { name: t['action.remove'] }).click();
    await dialog.getByRole('combobox').selectOption(self);
    await press('action.remove', 'button', dialog);
    await until('the operator is gone', async () => (await page.locator('tr', { hasText: names[language] }).count()) === 0);
    const c = await read();
    if (c.operator !== self || !c.team) throw new Error(`it belongs to ${c.operator || 'nobody'}, team ${c.team || 'none'}`);
    await there.getByText(t['fault.operator.no_workspace']).waitFor();
    await until('they see the conversation no more', async () => (await there.locator('article').count()) === 0, 5000);
    await there.context().close();
    delete pages.colleague;
  });
  await say('a workspace is made, and one goes back', async () => {
    const before = (await get('/me')).workspace;
    await page.goto(base + '/#/settings/workspace');
    await press('workspaces.new');
    await dialog.getByLabel(t['workspace.name'], { exact: true }).fill(`Branch ${mark}`);
    await press('workspaces.create', 'button', dialog);
    await page.getByRole('heading', { name: t['channels.first'] }).waitFor();
    await page.goto(base + '/#/inbox/open');
    await page.reload();
    await until('it is the new one', async () => (await page.title()).includes(`Branch ${mark}`));
    await page.getByText(t['inbox.empty.other']).waitFor();
    if (await page.locator('section.list li a').count()) throw new Error('conversations of the other workspace are there');
    await page.goto(base + '/#/settings/workspace');
    await page.locator('li', { hasText: before.name }).getByRole('button', { name: t['workspaces.enter'] }).click();
    await page.locator('section.list li a', { hasText: mark }).first().waitFor();
  });

  await say('a second factor: on, asked for, off', async () => {
    const desk = await open('factor', { locale: language });
    const signIn = async () => {
      await desk.locator('input[name=email]').fill(`factor-${language}@desk.example`);
      await desk.locator('input[name=password]').fill('correct horse battery');
      await desk.keyboard.press('Enter');
    };
    await desk.goto(base + '/');
    await signIn();
    await desk.locator('nav.rail').waitFor();
    await api(desk, 'PATCH', '/me', { language, preferences: { undo: 0, undo_chat: 0 } });
    await desk.goto(base + '/#/settings/account');
    await desk.reload();
    await press('totp.start', 'button', desk);
    await desk.getByRole('img', { name: t['totp.qr'] }).waitFor();
    const secret = (await desk.locator('form code').textContent()).trim();
    await desk.locator('input[autocomplete=one-time-code]').fill('000000');
    await press('totp.confirm', 'button', desk);
    await desk.getByText(t['fault.totp.wrong']).waitFor();
    await desk.locator('input[autocomplete=one-time-code]').fill(code(secret));
    await press('totp.confirm', 'button', desk);
    await desk.getByText(t['totp.recovery']).waitFor();
    await desk.locator('.chip').getByText(t['totp.on'], { exact: true }).waitFor();
    await desk.getByRole('button', { name: t['nav.personal'] }).click();
    await desk.getByRole('option', { name: t['action.signout'] }).click();
    await signIn();
    await desk.locator('input[autocomplete=one-time-code]').fill(code(secret, 1));
    await desk.keyboard.press('Enter');
    await desk.locator('nav.rail').waitFor();
    await desk.goto(base + '/#/settings/account');
    await press('totp.stop', 'button', desk);
    await desk.locator('form', { has: desk.locator('.btn.danger') }).locator('input[type=password]').fill('correct horse battery');
    await desk.locator('form .btn.danger').click();
    await desk.locator('.chip').getByText(t['totp.off'], { exact: true }).waitFor();
    await desk.context().close();
    delete pages.factor;
  });
}
