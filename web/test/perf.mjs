// Measures what the console promises, in Chromium and on a desk of its own, prints a table
// and exits with 1 when a goal is missed. Environment: ONLY (names of measurements, with
// commas), JSON (a file for the figures), CHROMIUM, PROFILE (a folder: what the processor
// did while typing and opening). The machine's other work makes figures worse and never
// better: each is taken three times and the best counts; "still" says how long a frame
// took meanwhile when nothing happened at all.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { launch, until } from './browser.mjs';
import { openDesk } from './private.mjs';

const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const figures = [];
const figure = (what, value, goal, unit, more = '') => {
  const met = goal === undefined ? undefined : value <= goal;
  figures.push({ what, value: Math.round(value * 10) / 10, goal, unit, met, more });
  console.error(`${met === false ? 'MISSED' : 'ok'} ${what}: ${Math.round(value * 10) / 10} ${unit}`);
};
const part = (list, share) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.ceil(list.length * share) - 1)];
const pause = (ms) => new Promise((r) => setTimeout(r, ms));

const parts = { load, open: opening, typing, message, memory, chat };
let desk, browser, session, big;
try {
  if (!only.length || only.some((x) => x !== 'chat')) {
    desk = await openDesk(10_000);
    browser = await launch('--js-flags=--expose-gc', '--enable-precise-memory-info');
    const door = await browser.newContext();
    const page = await door.newPage();
    await page.goto(desk.link);
    await page.locator('nav.rail').waitFor();
    session = await door.storageState();
    await door.close();
  }
  for (const [name, run] of Object.entries(parts)) if (!only.length || only.includes(name)) await run();
} finally {
  await browser?.close();
  await desk?.close();
}
console.table(Object.fromEntries(figures.map((f) => [f.what, { figure: `${f.value} ${f.unit}`, goal: f.goal === undefined ? '' : `${f.goal} ${f.unit}`, '': f.met === false ? 'missed' : f.met ? 'met' : '', more: f.more }])));
if (process.env.JSON) writeFileSync(process.env.JSON, JSON.stringify(figures, null, 1));
process.exitCode = figures.some((f) => f.met === false) || figures.length === 0 ? 1 : 0;

async function enter(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState: session, serviceWorkers: 'block', ...options });
  await context.addInitScript(watchFrames);
  const page = await context.newPage();
  return { context, page, cdp: await context.newCDPSession(page) };
}

/** What the page itself notes: when a live frame came, when something was drawn, and how long frames were. */
function watchFrames() {
  const w = (window.perf = { arrived: new Map(), frames: [], drawn: {} });
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      // Before the page's own reader, which sets onmessage afterwards.
      this.addEventListener('message', (e) => {
        const mark = String(e.data).match(/mark-\d+/);
        if (mark && String(e.data).includes('message.received')) w.arrived.set(mark[0], performance.now());
      });
    }
  };
  /** Calls back once the next picture of the page has been given to the screen. */
  w.painted = () => new Promise((r) => requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => r(performance.now()); c.port2.postMessage(0); }));
  w.until = (is) => new Promise((resolve) => {
    if (is()) return resolve(w.painted());
    const seen = new MutationObserver(() => {
      if (!is()) return;
      seen.disconnect();
      resolve(w.painted());
    });
    seen.observe(document, { childList: true, subtree: true, characterData: true });
  });
  w.record = () => {
    w.frames = [];
    let last = performance.now();
    let on = true;
    const tick = (now) => {
      w.frames.push(now - last);
      last = now;
      if (on) requestAnimationFrame(tick);
    };
    requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick); });
    return () => { on = false; return w.frames; };
  };
}

/** The whole list of open conversations is on the screen's side, and on the device what it keeps. */
async function whole(page) {
  await page.goto(desk.base + '/#/inbox/open');
  await page.locator('section.list li a').first().waitFor();
  await until('all conversations are cached', () => page.evaluate(() => {
    const box = document.querySelector('section.list .scroll');
    box.scrollTop = box.scrollHeight;
    return Number(document.querySelector('section.list li')?.ariaSetSize ?? document.querySelector('section.list li')?.getAttribute('aria-setsize')) >= 10_000;
  }), 240_000);
  await page.evaluate(() => { document.querySelector('section.list .scroll').scrollTop = 0; });
  await pause(1000);
}

/** Over a cold cache: what is fetched before the inbox can be used, and how long that takes at 10 Mbit/s. */
async function load() {
  const times = [];
  let bytes = 0;
  for (let run = 0; run < 3; run++) {
    const { context, page, cdp } = await enter();
    const kinds = new Map();
    let sum = 0;
    let usable = false;
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 });
    cdp.on('Network.responseReceived', (e) => kinds.set(e.requestId, e.type));
    cdp.on('Network.loadingFinished', (e) => { if (!usable && ['Script', 'Stylesheet'].includes(kinds.get(e.requestId))) sum += e.encodedDataLength; });
    await page.goto(desk.base + '/#/inbox/open', { waitUntil: 'commit' });
    times.push(await page.evaluate(() => window.perf.until(() => document.querySelector('section.list li a'))));
    usable = true;
    bytes = Math.max(bytes, sum);
    await context.close();
  }
  figure('first load, script and style', bytes / 1000, 150, 'kB', 'gzip, with headers, until the first row');
  figure('first load, interactive', Math.min(...times), 1000, 'ms', '10 Mbit/s, 20 ms; best of 3');
}

/** The longest frame of a page on which nothing happens: what the machine's other work does to it. */
async function stillness(page) {
  return Math.round(Math.max(...(await page.evaluate(async () => { const end = window.perf.record(); await new Promise((r) => setTimeout(r, 2000)); return end(); }))));
}

async function opening() {
  const { context, page } = await enter({ serviceWorkers: 'allow' });
  await whole(page);
  const rounds = [[], [], []];
  for (let i = 0; i < 130; i++) {
    const shown = page.evaluate(() => new Promise((resolve) => {
      const before = document.querySelector('section.conversation article');
      addEventListener('keydown', (e) => {
        void window.perf.until(() => { const a = document.querySelector('section.conversation article'); return a && a !== before && document.querySelector('section.conversation [role=log]'); }).then((at) => resolve(at - e.timeStamp));
      }, { capture: true, once: true });
      document.body.dataset.ready = '1';
    }));
    await page.waitForFunction(() => document.body.dataset.ready);
    if (i === 20 && process.env.PROFILE) await profile(page, 'opening', async () => { await page.keyboard.press('j'); await shown; });
    else await page.keyboard.press('j');
    const took = await shown;
    if (i >= 10) rounds[Math.floor((i - 10) / 40)].push(took); // the first ones warm the page up
    await page.evaluate(() => delete document.body.dataset.ready);
    await pause(250);
  }
  const still = await stillness(page);
  await context.close();
  const best = rounds.toSorted((a, b) => part(a, 0.95) - part(b, 0.95))[0];
  figure('opening a conversation, p95', part(best, 0.95), 50, 'ms', `key press to messages painted, 10,000 in the list; p50 ${Math.round(part(best, 0.5))}; rounds ${rounds.map((r) => Math.round(part(r, 0.95))).join(', ')}; still ${still}`);
}

/** A conversation of a thousand messages, and whoever writes in it. */
async function bigOne() {
  if (big) return big;
  const write = await desk.visitor(await desk.chat(), 'Ana Petrova');
  for (let i = 0; i < 1000; i++) await write(`Message ${i}: is the line in our street repaired, and when will somebody look at the router that blinks?`);
  const { items } = await desk.api('GET', '/conversations?view=open&limit=5');
  const { id } = items.find((c) => c.customer.name === 'Ana Petrova');
  return (big = { id, write });
}

async function openBig(page) {
  const { id } = await bigOne();
  await page.goto(`${desk.base}/#/inbox/open/${id}`);
  await page.locator('article').first().waitFor();
  await until('all messages are there', async () => {
    const more = page.locator('.earlier:not([disabled])');
    if (await more.count()) await more.click().catch(() => {});
    return (await page.locator('.earlier').count()) === 0;
  }, 240_000);
  const n = await page.locator('section.conversation article').count();
  await page.evaluate(() => { const log = document.querySelector('[role=log]'); log.scrollTop = log.scrollHeight; });
  await pause(1500);
  return n;
}

async function typing() {
  const { context, page } = await enter({ serviceWorkers: 'allow' });
  await openBig(page);
  const field = page.locator('.composer textarea, .composer [contenteditable=true]').first();
  await field.click();
  const runs = [];
  for (let run = 0; run < 3; run++) {
    await page.evaluate(() => { window.perf.end = window.perf.record(); });
    const type = async () => { for (const letter of 'Thank you, we have looked at the line in your street and it works again. ') { await page.keyboard.type(letter); await pause(20); } };
    if (process.env.PROFILE && run === 0) await profile(page, 'typing', type);
    else await type();
    await page.keyboard.press('Enter');
    await pause(1000); // the draft is saved in that
    runs.push(Math.max(...(await page.evaluate(() => window.perf.end()))));
  }
  const still = await stillness(page);
  await context.close();
  figure('typing, longest frame', Math.min(...runs), 32, 'ms', `1,000 messages; runs ${runs.map((x) => Math.round(x)).join(', ')}; still ${still}`);
}

async function message() {
  const { context, page } = await enter({ serviceWorkers: 'allow' });
  const { write } = await bigOne();
  await whole(page);
  await openBig(page);
  const rounds = [[], [], []];
  for (let i = 0; i < 90; i++) {
    const mark = `mark-${i + 1000}`;
    const drawn = page.evaluate((mark) => window.perf.until(() => { const all = document.querySelectorAll('section.conversation article'); return all.length && all[all.length - 1].textContent.includes(mark); }).then((at) => at - window.perf.arrived.get(mark)), mark);
    if (i === 5 && process.env.PROFILE) await profile(page, 'message', async () => { await write(`${mark} hello again`); await drawn; await pause(1500); });
    else await write(`${mark} hello again`);
    rounds[Math.floor(i / 30)].push(await drawn);
    await pause(150);
  }
  const still = await stillness(page);
  await context.close();
  const best = rounds.toSorted((a, b) => part(a, 0.95) - part(b, 0.95))[0];
  figure('a new message, live frame to paint, p95', part(best, 0.95), 50, 'ms', `in a conversation of 1,000 beside a list of 10,000; p50 ${Math.round(part(best, 0.5))}; rounds ${rounds.map((r) => Math.round(part(r, 0.95))).join(', ')}; still ${still}`);
}

/** Eight hours of a shift: 2,000 messages in a hundred conversations, each opened again and again, by the page's own clock. */
async function memory() {
  const chat = await desk.chat();
  const people = [];
  for (let i = 0; i < 100; i++) people.push(await desk.visitor(chat, `Visitor ${i}`));
  for (const write of people) await write('Hello, is anybody there?');
  const { context, page, cdp } = await enter({ serviceWorkers: 'allow' });
  await page.clock.install();
  await page.goto(desk.base + '/#/inbox/open');
  await page.locator('section.list li a').first().waitFor();
  const live = () => until('the live connection', async () => (await page.locator('.link-state .dot.ok').count()) === 1, 60_000);
  await live();
  const heap = async () => {
    await pause(1000);
    for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Runtime.getHeapUsage')).usedSize;
  };
  const look = async (n) => {
    for (let i = 0; i < n; i++) {
      await page.locator('section.list li a').nth(i % 20).click();
      await page.locator('section.conversation article').first().waitFor();
    }
  };
  // Two busy hours before the eight fill the device and let the browser compile what it runs
  // often: compiled code counts as heap, too, and comes to an end only after some hundred openings.
  let sent = 0;
  let before = 0;
  const steps = 48;
  for (let step = -12; step < steps; step++) {
    if (step === 0) {
      before = await heap();
      if (process.env.PROFILE) await snapshot(cdp, 'memory-before');
    }
    const upto = sent + Math.round(2000 / steps);
    const wave = [];
    for (; sent < upto; sent++) wave.push(people[(sent * 7) % people.length](`Message ${sent} of a long day, and what I wanted to ask is whether the line is repaired.`));
    await Promise.all(wave);
    await look(step < 0 ? 50 : 10);
    await page.clock.fastForward('10:00');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await live();
  }
  const after = await heap();
  if (process.env.PROFILE) await snapshot(cdp, 'memory');
  await context.close();
  figure('memory after 8 hours and 2,000 messages, growth', (after / before - 1) * 100, 20, '%', `after two hours to begin with; ${(before / 1e6).toFixed(1)} to ${(after / 1e6).toFixed(1)} MB of heap`);
}

/** The widget's journey on its bad line, by the test that keeps it. */
async function chat() {
  let said;
  try {
    said = execFileSync(process.env.GO ?? 'go', ['test', '-count=1', '-v', '-run', '^TestTheWidgetOverABadMobileLine$', './journeys/'], { cwd: new URL('../..', import.meta.url).pathname, encoding: 'utf8', env: { ...process.env, HOLDFAST_TEST_REQUIRE: 'all' } });
  } catch (e) {
    said = String(e.stdout);
    console.error(said);
  }
  const took = said.match(/\{"typed_ms":(\d+),"whole_ms":(\d+),"all_ms":(\d+)\}/);
  figure('chat on a bad line, first letter', took ? Number(took[1]) : Infinity, 4000, 'ms', '64 kbit/s, 20 % loss, 800 ms');
  figure('chat on a bad line, messages lost or doubled', /^--- PASS/m.test(said) ? 0 : 100, 0, 'of 100', took ? `all there after ${Math.round(took[3] / 1000)} s` : 'it did not end');
}

async function profile(page, name, run) {
  const cdp = await page.context().newCDPSession(page);
  mkdirSync(process.env.PROFILE, { recursive: true });
  await cdp.send('Profiler.enable');
  await cdp.send('Profiler.start');
  await run();
  const { profile } = await cdp.send('Profiler.stop');
  writeFileSync(`${process.env.PROFILE}/${name}.cpuprofile`, JSON.stringify(profile));
}

async function snapshot(cdp, name) {
  mkdirSync(process.env.PROFILE, { recursive: true });
  const chunks = [];
  const note = (e) => chunks.push(e.chunk);
  cdp.on('HeapProfiler.addHeapSnapshotChunk', note);
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  cdp.off('HeapProfiler.addHeapSnapshotChunk', note);
  writeFileSync(`${process.env.PROFILE}/${name}.heapsnapshot`, chunks.join(''));
}
