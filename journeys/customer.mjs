// A visitor's side, and beside it the desk by its API. Environment: PAGE,
// HOLDFAST_URL, TOKEN, SITE, CHROMIUM, OUT (a folder for pictures, or ""). Exits
// with 1 and a word when something is not as a customer would have it.
import { strict as assert } from 'node:assert';
import { base, launch, until } from '../web/test/browser.mjs';

const browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
const wrong = [];
const api = async (method, path, body) => {
  const r = await fetch(`${base}/api/v1${path}`, { method, headers: { Authorization: 'Bearer ' + process.env.TOKEN, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await r.text();
  if (!r.ok) throw Object.assign(new Error(`${method} ${path}: ${r.status} ${text}`), { code: text && JSON.parse(text).code });
  return text ? JSON.parse(text) : null;
};
const uuid = () => crypto.randomUUID();
const picture = async (page, name) => process.env.OUT && page.screenshot({ path: `${process.env.OUT}/customer-${name}.png` });

async function visit(lang = 'en', options = {}, query = '') {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: lang, viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  page.on('console', (m) => /Content Security|Trusted|violat/i.test(m.text()) && wrong.push(m.text()));
  page.on('pageerror', (e) => wrong.push(String(e)));
  page.on('request', (r) => !r.url().startsWith('data:') && !r.url().startsWith('blob:') && ![new URL(base).host, new URL(process.env.PAGE).host].includes(new URL(r.url()).host) && wrong.push('asked ' + r.url()));
  await page.goto(`${process.env.PAGE}/?lang=${lang}${query}`);
  await page.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
  return page;
}
const open = async (page) => {
  await page.click('.launcher');
  await page.locator('.composer textarea').waitFor();
};
const write = async (page, text) => {
  await page.fill('.composer textarea', text);
  await page.press('.composer textarea', 'Enter');
};
const talks = async () => (await api('GET', '/conversations?view=all')).items;

try {
  // Closed today: the visitor is told when we are back, in his language and calendar.
  const span = [{ from: '09:00', to: '18:00' }];
  const today = new Date().toISOString().slice(0, 10);
  await api('PUT', '/hours', { week: Array(7).fill(span), days: [{ date: today, name: 'Holiday', spans: [] }] });
  await until('the chat knows the hours', async () => (await (await fetch(`${base}/chat/v1/${process.env.SITE}/config?lang=en`)).json()).back, 45_000);
  for (const [lang, words] of [['en', /We are back tomorrow, 9:00/], ['ru', /Мы снова на связи: завтра, (0?9):00/], ['fa', /فردا، ۹:۰۰ دوباره پاسخگو هستیم/]]) {
    const page = await visit(lang);
    await open(page);
    assert.match(await page.locator('.back').textContent(), words);
    await picture(page, 'closed-' + lang);
    await page.context().close();
  }

  // He writes, is answered, resolved and asked once.
  let page = await visit();
  assert.deepEqual(await page.context().cookies(), []);
  await open(page);
  await write(page, 'Where is my order?');
  await page.locator('.mine .i-tick, .mine .i-ticks').first().waitFor();
  const [talk] = await talks();
  const joe = uuid();
  await api('POST', '/operators', { id: joe, name: 'Joe', email: 'joe@desk.example', role: 'operator', language: 'en', password: 'correct horse battery' });
  await api('PUT', '/survey', { csat: 'stars' });
  await api('PUT', `/conversations/${talk.id}/status`, { status: 'resolved' });
  await new Promise((r) => setTimeout(r, 300));
  assert.deepEqual((await api('GET', `/conversations/${talk.id}/ratings`)).items, [], 'nobody has answered: there is nothing to rate');

  await api('POST', `/conversations/${talk.id}/survey`, { question: 'csat' });
  const stars = page.locator('.theirs .scores.csat button');
  await stars.first().waitFor();
  assert.equal(await stars.count(), 5);
  assert.ok(!(await page.locator('.theirs .text').last().textContent()).includes('/rate/'), 'a question is no link');
  await assert.rejects(api('POST', `/conversations/${talk.id}/survey`, { question: 'csat' }), { code: 'survey.asked' });
  await stars.nth(3).click();
  await page.locator('.rated', { hasText: 'Thank you' }).waitFor();
  await page.fill('.comment', 'Quick and kind');
  await page.press('.comment', 'Tab');
  const ratings = async () => (await api('GET', `/conversations/${talk.id}/ratings`)).items;
  await until('the desk has both', async () => (await ratings()).some((r) => r.score === 4 && r.comment === 'Quick and kind' && r.via === 'widget'));
  await picture(page, 'rated');
  await page.reload();
  await page.click('.launcher');
  await page.locator('.scores [aria-pressed=true]').waitFor();
  assert.equal(await page.locator('.scores button', { hasText: '★' }).count(), 4, 'his stars are there again');
  const totals = await api('GET', '/ratings/totals?kind=csat');
  assert.deepEqual([totals.asked, totals.rated, totals.percent, totals.mean], [1, 1, 100, 4]);
  assert.equal((await api('GET', '/ratings')).items.length, 1);
  assert.ok((await api('GET', `/conversations/${talk.id}/timeline`)).items.some((e) => e.kind === 'conversation.rated' && e.actor.kind === 'customer'));

  // By a link: opening it rates nothing, sending does; a changed link is nobody's.
  await api('POST', `/conversations/${talk.id}/survey`, { question: 'nps' });
  await until('the question is out', async () => (await page.locator('.scores.nps').count()) === 1);
  const link = (await api('GET', `/conversations/${talk.id}/messages?limit=50`)).items.map((m) => /\S+\/rate\/\S+/.exec(m.text)?.[0]).filter(Boolean).pop();
  const rate = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  rate.on('console', (m) => /Content Security|violat/i.test(m.text()) && wrong.push(m.text()));
  await rate.goto(link.replace(/^https?:\/\/[^/]+/, base) + '?score=9');
  assert.equal(await rate.locator('input:checked').getAttribute('value'), '9');
  assert.ok(!(await ratings()).some((r) => r.kind === 'nps' && r.score >= 0), 'a scanner that opens the link rates nothing');
  await rate.fill('textarea', 'We tell everybody');
  await picture(rate, 'page');
  await rate.click('button');
  await rate.locator('.done').waitFor();
  await until('the number is there', async () => (await ratings()).some((r) => r.kind === 'nps' && r.score === 9 && r.comment === 'We tell everybody' && r.via === 'page'));
  const forged = link.replace(/^https?:\/\/[^/]+/, base).slice(0, -3) + 'AAA';
  for (const method of ['GET', 'POST']) assert.equal((await fetch(forged, { method, body: method === 'POST' ? new URLSearchParams({ score: '0' }) : undefined })).status, 404);
  assert.equal((await fetch(link.replace(/^https?:\/\/[^/]+/, base), { method: 'POST', body: new URLSearchParams({ score: '11' }) })).status, 400);

  // The site's own script: open, close, and what it hears.
  await page.evaluate(() => {
    window.heard = [];
    window.holdfast.on('unread', (n) => window.heard.push(n));
    window.holdfast('close');
  });
  await api('POST', `/conversations/${talk.id}/replies`, { id: uuid(), text: 'One more thing' });
  await page.locator('.badge', { hasText: '1' }).waitFor();
  assert.deepEqual(await page.evaluate(() => window.heard), [1]);
  await page.evaluate(() => window.holdfast('open'));
  await until('it is read', async () => (await page.evaluate(() => window.heard.at(-1))) === 0);

  // The line is cut: it says so, with the numbers that work, and keeps what is written.
  await page.context().setOffline(true);
  await write(page, 'Are you there?');
  await page.locator('.banner a[href="tel:+982112345678"]').waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('.banner a[href="sms:+989123456789"]').count(), 1);
  await page.locator('.mine .i-clock').waitFor();
  await picture(page, 'cut');
  await page.context().setOffline(false);
  await until('it has arrived', async () => (await page.locator('.mine .i-clock').count()) === 0 && (await page.locator('.banner').textContent()) === '', 60_000);
  const texts = (await api('GET', `/conversations/${talk.id}/messages?limit=50`)).items.map((m) => m.text);
  assert.equal(texts.filter((x) => x === 'Are you there?').length, 1);
  await page.context().close();

  // Another site asks before the first message, once, and a voice note is a file like any other.
  page = await visit('en', {}, '&asks=1');
  await open(page);
  await write(page, 'Is it quick?');
  await page.locator('.note', { hasText: 'fill in' }).waitFor();
  assert.equal(await page.inputValue('.composer textarea'), 'Is it quick?', 'what he wrote stays');
  assert.equal(await page.locator('.mine').count(), 0);
  await page.fill('.form input[autocomplete=name]', 'Ana');
  await page.fill('.form input[type=email]', 'ana@customer.example');
  await page.selectOption('.form select', 'Family');
  await picture(page, 'form');
  await page.click('.send');
  await page.locator('.mine .i-tick, .mine .i-ticks').first().waitFor();
  assert.equal(await page.locator('.form').isVisible(), false);
  const asked = (await talks()).find((c) => c.id !== talk.id);
  assert.equal(asked.customer.name, 'Ana <ana@customer.example>', 'an address that is only claimed is a name');
  const first = (await api('GET', `/conversations/${asked.id}/messages?limit=50`)).items[0];
  assert.equal(first.text, 'Is it quick?');
  assert.match(first.rest, /Plan: Family/);
  await page.reload();
  await page.click('.launcher');
  await page.locator('.mine').waitFor();
  assert.equal(await page.locator('.form').isVisible(), false, 'it is asked once');
  await page.click('.mic');
  await page.locator('.mic[aria-pressed=true]').waitFor();
  await page.waitForTimeout(600);
  await page.click('.mic');
  await page.locator('.chip', { hasText: 'voice-' }).waitFor();
  await page.click('.send');
  await page.locator('.mine audio').waitFor();
  await until('the note is on the desk', async () => (await api('GET', `/conversations/${asked.id}/messages?limit=50`)).items.some((m) => m.attachments?.[0]?.name.startsWith('voice-') && m.attachments[0].size > 100));
  await picture(page, 'voice');

  // He is invited when his basket is full, once, in his own language.
  page = await visit('fa', {}, '&asks=1');
  await page.waitForTimeout(1600);
  assert.equal(await page.locator('.invite').count(), 0, 'no word before the cart is full');
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.evaluate(() => window.holdfast('event', 'cart'));
  await page.locator('.invite', { hasText: 'در انتخاب کمک کنیم؟' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, 'nothing moves');
  await picture(page, 'invited');
  await page.click('.invite .say');
  await page.locator('.composer textarea').waitFor();
  assert.equal(await page.locator('.invite').count(), 0);
  await page.reload();
  await page.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
  await page.evaluate(() => window.holdfast('event', 'cart'));
  await page.waitForTimeout(1800);
  assert.equal(await page.locator('.invite').count(), 0, 'nobody is asked twice in a week');
  assert.deepEqual(await page.context().cookies(), []);
  await page.context().close();

  // A request left on the hosted page: a person's arrives once, a robot's never.
  const forms = `${base}/forms/${process.env.ASKS}`;
  assert.equal((await fetch(`${base}/forms/${process.env.SITE}`)).status, 404, 'it is off where nobody has switched it on');
  const before = (await talks()).length;
  const request = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  request.on('console', (m) => /Content Security|violat/i.test(m.text()) && wrong.push(m.text()));
  request.on('pageerror', (e) => wrong.push(String(e)));
  await request.goto(forms + '?lang=fa&kind=callback');
  assert.equal(await request.locator('html').getAttribute('dir'), 'rtl');
  await request.fill('[name=name]', 'سارا');
  await request.fill('[name=phone]', '+98 912 000 0000');
  await request.fill('[name=text]', 'لطفاً عصر تماس بگیرید');
  await picture(request, 'callback');
  await request.reload();
  assert.equal(await request.inputValue('[name=name]'), 'سارا', 'what was written is kept');
  await request.waitForTimeout(2100);
  await request.click('button');
  await request.locator('form').waitFor({ state: 'hidden', timeout: 20_000 });
  await until('it is on the desk', async () => (await talks()).length === before + 1);
  const called = (await talks())[0];
  const words = (await api('GET', `/conversations/${called.id}/messages?limit=50`)).items[0];
  assert.match(words.text, /\+989120000000/);
  assert.match(words.text, /عصر/);
  const robot = (fields) => fetch(forms, { method: 'POST', body: new URLSearchParams({ name: 'Bot', mail: 'bot@spam.example', text: 'Buy', ...fields }) });
  assert.equal((await robot({})).status, 400);
  assert.equal((await robot({ ticket: 'v1.x.y', proof: '1' })).status, 400);
  assert.equal((await robot({ website: 'http://spam.example' })).status, 201, 'a robot is not told');
  assert.equal((await talks()).length, before + 1);
  assert.deepEqual(wrong, []);
  console.log('the customer is served');
} finally {
  await browser.close();
}
