// The widget in a real browser, on the demo's page under a strict policy, before
// the real far end (channel/chat's own harness). Needs Go and Chromium.
import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from '../build.mjs';

const repo = fileURLToPath(new URL('../../../', import.meta.url));
const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const go = spawnSync('go', ['version']).status === 0;
const missing = !chromium ? 'Chromium is not here' : !go ? 'Go is not here' : false;
if (missing && process.env.HOLDFAST_TEST_REQUIRE === 'all') throw new Error(missing);
const skip = missing;

let dir, desk, browser, url;

before(async () => {
  if (skip) return;
  dir = await mkdtemp(join(tmpdir(), 'widget-'));
  await build();
  const bin = join(dir, 'harness');
  const made = spawnSync('go', ['test', '-c', '-o', bin, './channel/chat'], { cwd: repo, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  desk = spawn(bin, ['-test.run=^TestHarness$', '-test.timeout=0'], { cwd: join(repo, 'channel/chat'), env: { ...process.env, HOLDFAST_CHAT_HARNESS: '127.0.0.1:0' } });
  url = await new Promise((resolve, reject) => {
    let said = '';
    desk.stdout.on('data', (d) => {
      const m = (said += d).match(/HARNESS (\S+)/);
      if (m) resolve(m[1]);
    });
    desk.on('exit', () => reject(new Error(said)));
  });
  const { chromium: pw } = await import('playwright-core');
  browser = await pw.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
});

after(async () => {
  await browser?.close();
  desk?.kill();
  if (dir) await rm(dir, { recursive: true });
});

const play = (what, text = '') => fetch(`${url}/_/${what}?text=${encodeURIComponent(text)}`);
const log = async () => (await play('log')).json();

/** A visitor's browser: fn gets a page and what went wrong on it. */
const visit = (name, fn, options = {}) =>
  test(name, { skip }, async () => {
    const ctx = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    const wrong = [];
    const hosts = new Set();
    const open = async (lang = 'en') => {
      const page = await ctx.newPage();
      page.on('console', (m) => /Content Security|Trusted|violat/i.test(m.text()) && wrong.push(m.text()));
      page.on('pageerror', (e) => wrong.push(String(e)));
      page.on('request', (r) => hosts.add(new URL(r.url()).protocol === 'data:' ? 'data' : new URL(r.url()).host));
      await page.goto(`${url}/demo/shop?lang=${lang}`);
      await page.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
      return page;
    };
    try {
      await fn(open, ctx);
      assert.deepEqual(wrong, []);
      hosts.delete('data');
      assert.deepEqual([...hosts], [new URL(url).host], 'nobody else is asked for anything');
    } finally {
      await play('fail');
      await play('block');
      await ctx.close();
    }
  });

const write = async (page, text) => {
  await page.fill('textarea', text);
  await page.press('textarea', 'Enter');
};
const mine = (page, text) => page.locator('.mine', { hasText: text });
const theirs = (page, text) => page.locator('.theirs', { hasText: text });
const unique = (() => {
  let n = 0;
  return (text) => `${text} ${process.pid}-${++n}`;
})();
const until = async (what, ok) => {
  for (let i = 0; i < 200; i++) {
    if (await ok()) return;
    await new Promise((r) => setTimeout(r, 25));
  }
  assert.fail('never: ' + what);
};
const times = (list, text) => list.filter((t) => t === text).length;

visit('a question, an answer, ticks, typing and the badge', async (open, ctx) => {
  const page = await open();
  assert.deepEqual(await ctx.cookies(), []);
  assert.equal(await page.evaluate(() => localStorage.length), 0, 'nothing is stored before the first message');
  await page.click('.launcher');
  await page.locator('textarea').waitFor();
  assert.equal(await page.evaluate(() => document.querySelector('holdfast-chat').shadowRoot.activeElement?.tagName), 'TEXTAREA');
  const q = unique('Where is <b>my</b> order?');
  await write(page, q);
  await mine(page, q).locator('.i-tick').waitFor();
  assert.equal(await page.inputValue('textarea'), '');
  assert.equal(await page.locator('.mine b').count(), 0, 'text is text');
  assert.deepEqual(await ctx.cookies(), []);
  await play('seen');
  await mine(page, q).locator('.i-ticks').waitFor();
  await play('typing', 'Joe');
  await page.getByText('Joe is typing…').waitFor();
  await page.evaluate(() => window.holdfast.on('message', (m) => (window.got = m.text)));
  const a = unique('On its way.');
  await play('say', a);
  await theirs(page, a).waitFor();
  assert.equal(await page.locator('.typing').textContent(), '');
  assert.equal(await page.evaluate(() => window.got), a);
  await page.press('textarea', 'Escape');
  assert.equal(await page.locator('.panel').isVisible(), false);
  await play('say', unique('One more thing.'));
  await page.locator('.badge', { hasText: '1' }).waitFor();
  assert.match(await page.locator('.launcher').getAttribute('aria-label'), /1 new message/);
  await page.evaluate(() => window.holdfast.open());
  await theirs(page, 'One more thing.').waitFor();
  assert.equal(await page.locator('.badge').textContent(), '');
  await until('both are reported', async () => {
    const states = (await log()).Reports.map((r) => r.State);
    return states.includes('seen') && states.includes('delivered');
  });
});

visit('a message written without a connection waits through a reload and a closed tab', async (open, ctx) => {
  let page = await open();
  await page.click('.launcher');
  const first = unique('first');
  await write(page, first);
  await mine(page, first).locator('.i-tick').waitFor();
  await play('fail', 'the disk is full');
  const second = unique('second');
  await write(page, second);
  await mine(page, second).locator('.i-clock').waitFor();
  await page.fill('textarea', 'a thought, not sent');
  await page.reload();
  await page.click('.launcher');
  await mine(page, second).locator('.i-clock').waitFor();
  assert.equal(await page.inputValue('textarea'), 'a thought, not sent');
  await page.close();
  assert.equal(times((await log()).Texts, second), 0);
  await play('fail');
  page = await open(); // the button is not even clicked
  const other = await open();
  await until('it is sent', async () => times((await log()).Texts, second) > 0);
  await page.bringToFront();
  await page.click('.launcher');
  await mine(page, second).locator('.i-tick').waitFor();
  await other.close();
  const texts = (await log()).Texts;
  assert.equal(times(texts, second), 1);
  assert.equal(times(texts, first), 1);
  assert.equal(await mine(page, second).count(), 1);
});

visit('offline is said, and over when it is over', async (open, ctx) => {
  const lines = async () => times((await log()).Requests, 'GET ws');
  const before = await lines();
  const page = await open('ru');
  await page.click('.launcher');
  const hello = unique('привет');
  await write(page, hello);
  await mine(page, hello).locator('.i-tick').waitFor();
  await until('the line is up', async () => (await lines()) > before);
  await ctx.setOffline(true);
  await play('cut');
  await page.getByText('Нет связи.').waitFor();
  const later = unique('позже');
  await write(page, later);
  await mine(page, later).locator('.i-clock').waitFor();
  const answer = unique('ответ');
  await play('say', answer);
  await ctx.setOffline(false);
  await mine(page, later).locator('.i-tick, .i-ticks').first().waitFor();
  await theirs(page, answer).waitFor();
  await until('the banner is gone', async () => (await page.locator('.banner').textContent()) === '');
  assert.equal(await theirs(page, answer).count(), 1);
  assert.equal(times((await log()).Texts, later), 1);
});

for (const [blocked, way] of [['ws', 'events'], ['ws events', 'poll']]) {
  visit(`where ${blocked} is blocked, ${way} carries the answers`, async (open) => {
    await play('block', blocked);
    const page = await open();
    await page.click('.launcher');
    const q = unique('anybody?');
    await write(page, q);
    await mine(page, q).locator('.i-tick').waitFor();
    await until(way, async () => (await log()).Requests.includes('GET ' + way));
    const a = unique('yes');
    await play('say', a);
    await theirs(page, a).waitFor();
    assert.equal(await theirs(page, a).count(), 1);
  });
}

visit('files go with a message and come back as links', async (open) => {
  const page = await open();
  await page.click('.launcher');
  const png = join(dir, 'схема.png');
  await writeFile(png, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'));
  await page.setInputFiles('input[type=file]', [png]);
  await page.locator('.chip', { hasText: 'схема.png' }).waitFor();
  await page.locator('.send').click();
  const img = page.locator('.mine .picture img');
  await img.waitFor();
  await page.waitForFunction(() => document.querySelector('holdfast-chat').shadowRoot.querySelector('.picture img').naturalWidth === 1);
  assert.equal(await page.locator('.chip').count(), 0);
});

visit('two first messages from two tabs come from one visitor', async (open) => {
  const before = (await log()).Visitors;
  const [one, two] = [await open(), await open()];
  await one.evaluate(() => window.holdfast.open());
  await two.evaluate(() => window.holdfast.open());
  await Promise.all([one, two].map((p) => p.locator('textarea').waitFor()));
  const [a, b] = [unique('tab one'), unique('tab two')];
  await Promise.all([write(one, a), write(two, b)]);
  await one.bringToFront();
  await mine(one, b).waitFor();
  await two.bringToFront();
  await mine(two, a).waitFor();
  const both = (l) => times(l.Texts, a) + times(l.Texts, b);
  await until('both have arrived', async () => both(await log()) >= 2);
  await Promise.all([mine(one, b).locator('.i-tick').waitFor(), mine(two, a).locator('.i-tick').waitFor()]);
  const l = await log();
  assert.equal(l.Visitors, before + 1);
  assert.equal(both(l), 2);
});

visit('the conversation goes by mail when it is asked for', async (open) => {
  const page = await open();
  await page.click('.launcher');
  await write(page, unique('Send it to me'));
  await page.locator('.mine .i-tick').waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Send me this conversation by mail' }).click();
  const field = page.getByLabel('Your e-mail address'); // none is known
  await field.fill('nobody');
  await field.press('Enter');
  assert.equal(await page.locator('.menu .note').textContent(), '', 'the browser refuses what is no address');
  await field.fill('ana@example.com');
  await field.press('Enter');
  await page.getByText('On its way to ana@example.com.').waitFor();
  const { Mailed } = await log();
  assert.equal(Mailed.filter((m) => m.endsWith(' ana@example.com en')).length, 1);
});

visit('a new message sounds once the visitor has touched the page, and not when he has muted it', async (open) => {
  const page = await open();
  await page.evaluate(() => {
    window.heard = 0;
    const make = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () {
      window.heard++;
      return make.call(this);
    };
  });
  await page.click('.launcher');
  await write(page, unique('hello'));
  await page.locator('.mine .i-tick').waitFor();
  const comes = async () => {
    const text = unique('news');
    await play('say', text);
    await page.locator('.theirs', { hasText: text }).waitFor({ state: 'attached' });
  };
  await comes();
  assert.equal(await page.evaluate(() => window.heard), 0, 'what is looked at makes no sound');
  await page.press('textarea', 'Escape');
  await comes();
  assert.equal(await page.evaluate(() => window.heard), 2);
  await page.evaluate(() => window.holdfast.open());
  await page.getByRole('button', { name: 'More' }).click();
  const sound = page.getByRole('button', { name: 'Sound of new messages' });
  assert.equal(await sound.getAttribute('aria-pressed'), 'true');
  await sound.click();
  await page.reload();
  await page.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
  await page.click('.launcher');
  await page.getByRole('button', { name: 'More' }).click();
  assert.equal(await sound.getAttribute('aria-pressed'), 'false', 'it is remembered');
});

visit('the site sets how it looks and which language it speaks', async (open) => {
  const page = await open();
  await page.click('.launcher');
  const text = unique('kept');
  await page.fill('textarea', text);
  const colour = (what) => page.locator(what).evaluate((el) => getComputedStyle(el).backgroundColor);
  const light = await colour('.panel');
  await page.evaluate(() => window.holdfast.theme({ theme: 'dark', color: '#ffd400', position: 'start', label: 'Chat' }));
  assert.notEqual(await colour('.panel'), light);
  assert.equal(await colour('.launcher'), 'rgb(255, 212, 0)');
  assert.equal(await page.locator('.launcher').evaluate((el) => getComputedStyle(el).color), 'rgb(17, 17, 17)', 'what stands on it can be read');
  assert.ok((await page.locator('.launcher').boundingBox()).x < 100);
  assert.match(await page.locator('.launcher').textContent(), /Chat/);
  await page.evaluate(() => window.holdfast('theme', { theme: 'light' }));
  assert.equal(await colour('.panel'), light);
  await page.evaluate(() => window.holdfast.setLanguage('fa'));
  await page.locator('.panel[dir=rtl]').waitFor();
  assert.equal(await page.inputValue('textarea'), text, 'what is being written stays');
  assert.equal(await page.locator('.panel').isVisible(), true);
  await page.evaluate(() => window.holdfast('setLanguage', 'ru'));
  await page.getByRole('button', { name: 'Закрыть чат' }).waitFor();
  await write(page, text);
  await mine(page, text).locator('.i-tick').waitFor();
});

visit('it speaks a language of the site\'s own, from a file of the site\'s own', async (open, ctx) => {
  await ctx.addInitScript(() => (window.holdfast = { texts: '/own.json' }));
  const page = await open();
  await page.click('.launcher');
  await page.getByPlaceholder('Nachricht schreiben…').waitFor();
  assert.equal(await page.locator('.panel h2').textContent(), 'Schreiben Sie uns');
  assert.equal(await page.locator('.panel').getAttribute('lang'), 'de');
  assert.ok(await page.getByRole('button', { name: 'Close the chat' }).isVisible(), 'what the file lacks is English');
});

visit('in Persian it mirrors, on a phone it fills the screen', async (open) => {
  const page = await open('fa');
  const side = await page.locator('.launcher').boundingBox();
  assert.ok(side.x < 100, 'the button stands on the left');
  await page.click('.launcher');
  await page.locator('.panel').waitFor();
  const box = await page.locator('.panel').boundingBox();
  assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 390, 844]);
  assert.equal(await page.locator('.panel').getAttribute('dir'), 'rtl');
  assert.equal(await page.locator('.panel').getAttribute('aria-modal'), 'true');
  const text = unique('سلام');
  await write(page, text);
  const bubble = await mine(page, text).locator('.bubble').boundingBox();
  assert.ok(bubble.x < 100, 'one\'s own stands at the end of the line');
  for (let i = 0; i < 12; i++) await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.querySelector('holdfast-chat').shadowRoot.activeElement), 'the focus stays inside');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
}, { viewport: { width: 390, height: 844 } });

test('nothing serious for those who use a reader or a keyboard (axe)', { skip }, async () => {
  const { default: axe } = await import('axe-core');
  for (const colorScheme of ['light', 'dark']) {
    const ctx = await browser.newContext({ colorScheme, bypassCSP: true });
    const page = await ctx.newPage();
    await page.goto(`${url}/demo/shop?lang=en`);
    await page.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
    await page.click('.launcher');
    await write(page, unique('hello'));
    await page.locator('.mine .i-tick').waitFor();
    await play('say', 'Hi');
    await page.locator('.theirs').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.waitForTimeout(250); // the window has risen
    await page.addScriptTag({ content: axe.source });
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]), [], colorScheme);
    await ctx.close();
  }
});
