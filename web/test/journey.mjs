// Plays an operator in the console against a real desk, in English and in Persian.
// Environment: HOLDFAST_URL, HOLDFAST_LINK (a sign-in link of an operator who may
// answer) or HOLDFAST_EMAIL and HOLDFAST_PASSWORD, LANGUAGES (default "en,fa"),
// OUT (a folder for a picture of what failed), CHROMIUM. Prints every step, names
// the one that failed, and exits with 1.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { api, base, clear, launch, play, step, until, written } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const words = (language) => JSON.parse(readFileSync(new URL(`../texts/${language}.json`, import.meta.url), 'utf8'));
const browser = await launch();
let failed = false;

const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' });
const page = await context.newPage();
const broken = [];
page.on('pageerror', (e) => broken.push(e.message));
page.on('console', (m) => m.type() === 'error' && /Content.Security|Refused to/.test(m.text()) && broken.push(m.text()));

try {
  await play('sign in', signIn);
  for (const language of (process.env.LANGUAGES ?? 'en,fa').split(',')) await journey(language);
  if (broken.length) throw new Error('errors in the page: ' + [...new Set(broken)].join(' · '));
} catch (e) {
  failed = true;
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await page.screenshot({ path: `${process.env.OUT}/journey-failed.png` }).catch(() => {});
}
await browser.close();
console.log(failed ? 'the journey failed' : 'the journey works');
process.exit(failed ? 1 : 0);

async function signIn() {
  await page.goto(process.env.HOLDFAST_LINK || base + '/');
  if (!process.env.HOLDFAST_LINK) {
    await page.locator('input[name=email]').fill(process.env.HOLDFAST_EMAIL ?? '');
    await page.locator('input[name=password]').fill(process.env.HOLDFAST_PASSWORD ?? '');
    await page.keyboard.press('Enter');
  }
  await page.locator('nav.rail').waitFor({ timeout: 15000 });
}

async function journey(language) {
  const t = words(language);
  const mark = `${language}${Date.now().toString(36)}`;
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const read = (id, what = '') => api(page, 'GET', `/conversations/${id}${what}`);
  const messages = async (id) => (await read(id, '/messages?limit=50')).items;

  await say('the page turns to the language', async () => {
    await api(page, 'PATCH', '/me', { language, preferences: { theme: language === 'fa' ? 'dark' : 'light', undo: 0, undo_chat: 0 } });
    await page.goto(base + '/#/inbox/open');
    await page.reload();
    await until('the direction', async () => (await page.evaluate(() => document.documentElement.dir)) === (language === 'fa' ? 'rtl' : 'ltr'));
    await page.getByText(t['view.unassigned'], { exact: true }).first().waitFor();
    await until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1);
  });

  const visitor = await say('a visitor writes and the list shows it at once', async () => {
    const v = await writeAsVisitor(`Hello ${mark}`);
    if (v) await page.locator('section.list').getByText(`Hello ${mark}`).first().waitFor({ timeout: 5000 });
    return v;
  });

  const id = await say('open a conversation', async () => {
    const row = visitor ? page.locator('section.list li a', { hasText: mark }) : page.locator('section.list li a').first();
    await row.first().click();
    await page.locator('article').first().waitFor();
    const id = page.url().match(/[0-9a-f-]{36}/)[0];
    await until('it is marked as read', async () => (await read(id)).unread === false);
    return id;
  });

  await say('what is typed is kept as a draft', async () => {
    await page.keyboard.press('r');
    await until('the composer has the keyboard', () => page.evaluate(() => document.activeElement?.classList.contains('writing')));
    await page.keyboard.type(`Draft ${mark}`);
    await until('the desk has the draft', async () => (await read(id)).draft?.text === `Draft ${mark}`);
    await page.reload();
    await until('the text is back after a reload', async () => (await written(page.locator('.composer .writing'))) === `Draft ${mark}`);
    await clear(page.locator('.composer .writing'));
    await until('the draft is gone', async () => !(await read(id)).draft?.text);
  });

  await say('write a note', async () => {
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('n');
    await page.locator('.composer.note .writing').fill(`Only for us ${mark}`);
    await page.getByRole('button', { name: t['composer.addnote'] }).click();
    await page.locator('article.note:not(.sending)', { hasText: `Only for us ${mark}` }).waitFor();
    await until('the desk has it once', async () => (await messages(id)).filter((m) => m.direction === 'note' && m.text === `Only for us ${mark}`).length === 1);
  });

  await say('a reply that cannot be sent keeps its text, and goes out once', async () => {
    let cut = true;
    await page.route('**/replies', (r) => (cut ? r.abort() : r.continue()));
    await page.locator('.composer .writing').blur();
    await page.keyboard.press('r');
    await page.locator('.composer:not(.note) .writing').fill(`Answer ${mark}`);
    await page.keyboard.press('Control+Enter');
    const bubble = page.locator('article.unsent', { hasText: `Answer ${mark}` });
    await bubble.waitFor();
    if ((await messages(id)).some((m) => m.text === `Answer ${mark}`)) throw new Error('it was sent all the same');
    cut = false;
    // It goes out by itself too, which may be quicker than the hand.
    await bubble.getByRole('button', { name: t['action.again'] }).click({ timeout: 2000 }).catch(() => {});
    await page.locator('article.out:not(.unsent):not(.sending)', { hasText: `Answer ${mark}` }).waitFor();
    await page.unroute('**/replies');
    const sent = (await messages(id)).filter((m) => m.text === `Answer ${mark}`);
    if (sent.length !== 1) throw new Error(`the desk has it ${sent.length} times`);
    await until('the screen shows it once', async () => (await page.locator('article', { hasText: `Answer ${mark}` }).count()) === 1);
    await until('the customer is waited for', async () => (await read(id)).state === 'waiting');
  });

  if (visitor) {
    await say('the visitor gets the reply and not the note', async () => {
      let texts = [];
      await until('the reply is there', async () => (texts = await visitor.texts()).includes(`Answer ${mark}`));
      if (texts.some((x) => x.includes('Only for us'))) throw new Error('the visitor saw the note');
    });
    await say('the visitor answers and the screen shows it', async () => {
      await visitor.write(`Thanks ${mark}`);
      await page.locator('article.in', { hasText: `Thanks ${mark}` }).waitFor({ timeout: 5000 });
      await until('it is open again', async () => (await read(id)).state === 'open');
    });
  }

  await say('a colleague who looks and types is seen', async () => {
    const self = (await api(page, 'GET', '/me')).operator.id;
    const other = (await api(page, 'GET', '/operators')).items.find((o) => o.id !== self && !o.disabled && !o.former && o.role !== 'observer');
    if (!other) return;
    const { url } = await api(page, 'POST', `/operators/${other.id}/link`, {});
    const there = await (await browser.newContext()).newPage();
    await there.goto(url.replace(/^https?:\/\/[^/]+/, base));
    await there.locator('nav.rail').waitFor();
    await there.goto(`${base}/#/inbox/all/${id}`);
    await page.locator('.presence .watching').waitFor();
    // Somebody who types goes on: one word may be written before the field has become the rich one.
    await until('the typing is seen', async () => {
      await there.locator('.composer .writing').press('m');
      return page.locator('.presence .dots').waitFor({ timeout: 2500 }).then(() => true, () => false);
    }, 30000);
    await clear(there.locator('.composer .writing'));
    await there.context().close();
    await until('they are gone', async () => (await page.locator('.presence .watching').count()) === 0, 15000);
  });

  await say('take it', async () => {
    await page.locator('.composer .writing').blur();
    const me = (await api(page, 'GET', '/me')).operator.id;
    if ((await read(id)).operator === me) await api(page, 'PUT', `/conversations/${id}/assignment`, { operator: '', team: '' });
    await until('the screen knows', async () => (await page.locator('.tools').getByText(t['assign.nobody']).count()) === 1 || (await read(id)).operator !== me);
    await page.keyboard.press('i');
    await until('it is mine', async () => (await read(id)).operator === me);
  });

  await say('tag it', async () => {
    await page.keyboard.press('t');
    await page.getByPlaceholder(t['tag.find']).fill(mark);
    await page.keyboard.press('Enter');
    await until('it has the tag', async () => (await read(id)).tags.includes(mark));
    await page.keyboard.press('Escape');
    await page.locator('.tools .chip', { hasText: mark }).waitFor();
  });

  await say('snooze it', async () => {
    await page.keyboard.press('s');
    await page.getByRole('option', { name: t['snooze.tomorrow'] }).click();
    await until('it is snoozed', async () => (await read(id)).state === 'snoozed');
  });

  await say('resolve it', async () => {
    await page.keyboard.press('e');
    await until('it is resolved', async () => (await read(id)).state === 'resolved');
    await page.locator('.thread').getByText(t['status.resolved']).first().waitFor();
  });

  await say('nothing serious for axe', async () => {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const bad = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
    if (bad.length) throw new Error(bad.map((v) => `${v.id} ${v.nodes[0].target}`).join('; '));
  });

  await say('find it', async () => {
    await page.keyboard.press('/');
    await page.locator('input[type=search]').fill(`Answer ${mark}`);
    await page.locator('mark', { hasText: mark }).first().waitFor({ timeout: 6000 });
    await page.locator('main li a', { has: page.locator('mark') }).first().click();
    await page.locator('article', { hasText: `Answer ${mark}` }).waitFor();
  });
}

/** A visitor of the first channel that lives on a site; null where there is none. */
async function writeAsVisitor(text) {
  const channel = (await api(page, 'GET', '/channels')).items.find((c) => c.embed && c.enabled);
  if (!channel) return null;
  const root = `${base}/chat/v1/${channel.id}`;
  const call = async (path, token, body) => {
    const r = await fetch(root + path, { method: body ? 'POST' : 'GET', headers: { 'Content-Type': 'application/json', Origin: base, ...(token ? { Authorization: 'Bearer ' + token } : {}) }, body: body && JSON.stringify(body) });
    if (!r.ok) throw new Error(`the visitor's ${path}: ${r.status} ${await r.text()}`);
    return r.json();
  };
  const { token } = await call('/session', '', { name: 'Visitor', lang: 'en', page: base + '/demo/shop' });
  const write = (text) => call('/messages', token, { id: crypto.randomUUID(), text });
  await write(text);
  return { write, texts: async () => ((await call('/messages', token)).messages ?? (await call('/messages', token)).items ?? []).map((m) => m.text) };
}
