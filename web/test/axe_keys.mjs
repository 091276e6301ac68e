// Walks the console without a mouse: every control of every screen is reached by Tab and
// shows that it has the keyboard, dialogs keep the keyboard and give it back; and reads
// the screens with letters of twice the size, with less movement, more contrast and
// forced colours. Environment: HOLDFAST_URL, HOLDFAST_LINK, ONLY (names of screens, with
// commas), PART (1/2: every second screen, from the first, and what is no screen), OUT (a folder for pictures), CHROMIUM. Exits with 1 when something fails.
import { mkdirSync } from 'node:fs';
import { base, launch, until } from './browser.mjs';
import { screens, turn, visit } from './places.mjs';

const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const [part, parts] = (process.env.PART ?? '1/1').split('/').map(Number);
const mine = screens.filter((_, i) => i % parts === part - 1);
const out = process.env.OUT;
const troubles = new Set();
if (out) mkdirSync(out, { recursive: true });
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
const page = await context.newPage();
page.on('pageerror', (e) => troubles.add(e.message));
await page.goto(process.env.HOLDFAST_LINK.replace(/^https?:\/\/[^/]+/, base));
await page.locator('nav.rail').waitFor({ timeout: 15000 });
await turn(page, 'en', 'light');
await page.reload();

let reached = 0;
for (const [name, where] of mine) {
  if (only.length && !only.includes(name)) continue;
  try {
    await visit(page, where);
    reached += await tab(name);
  } catch (e) {
    troubles.add(`${name}: ${String(e.message).split('\n')[0]}`);
  }
}
if (!only.length && part === 1) {
  await arrows();
  await dialogs();
  await looks();
}
const state = await context.storageState();
await browser.close();
const large = await launch('--blink-settings=defaultFontSize=32');
const read = await (await large.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', storageState: state })).newPage();
for (const [name, where] of mine) {
  if (only.length && !only.includes(name)) continue;
  try {
    await visit(read, where);
    await big(read, name);
  } catch (e) {
    troubles.add(`${name} with letters of twice the size: ${String(e.message).split('\n')[0]}`);
  }
  await read.setViewportSize({ width: 1440, height: 900 });
}
if ((await read.evaluate(() => getComputedStyle(document.body).fontSize)) !== '26.25px') troubles.add('the letters are not of twice the size');
await large.close();
for (const t of troubles) console.error(t);
console.log(`${reached} controls reached, ${troubles.size} troubles`);
process.exit(troubles.size || reached === 0 ? 1 : 0);

/** Presses Tab until it has come around, and looks at whatever has the keyboard. */
async function tab(name) {
  await page.evaluate(() => {
    window.seen = new Set();
    window.last = undefined;
    // What can be pressed or filled in here; of a group of radio buttons one, and in a dialog what is in it.
    const room = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
    const groups = new Set();
    window.wanted = [...room.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter((e) => {
      if (e.disabled || e.tabIndex < 0 || !e.checkVisibility({ visibilityProperty: true })) return false;
      if (e.type !== 'radio') return true;
      const first = !groups.has(e.name);
      groups.add(e.name);
      return first;
    });
  });
  let count = 0;
  let around = 0;
  for (let i = 0; i < 400; i++) { // a field of time takes several
    await page.keyboard.press('Tab');
    const at = await page.evaluate(async () => {
      await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
      const e = document.activeElement;
      if (!e || e === document.body) return { outside: true };
      if (e === window.last) return { same: true }; // the next part of a field of time
      window.last = e;
      if (window.seen.has(e)) return { end: true };
      window.seen.add(e);
      // A ring on it, or on what holds it; an embedded page shows its own.
      const ring = (x) => { const s = getComputedStyle(x); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0; };
      let shown = e.tagName === 'IFRAME' || e.type === 'radio';
      for (let x = e, up = 0; x && up < 4 && !shown; x = x.parentElement, up++) shown = ring(x);
      if (!shown && e.matches('dialog input[role=combobox], [popover] ul, [popover] input')) shown = true; // the chosen line of a list is marked
      const box = e.getBoundingClientRect();
      const off = box.width > 0 && (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth);
      return { what: (e.getAttribute('aria-label') || e.textContent || e.name || e.tagName).trim().slice(0, 40) + ` <${e.tagName.toLowerCase()} ${e.className}>`, shown, off: off && `${Math.round(box.left)},${Math.round(box.top)}` };
    });
    // One comes around once: from where the screen begins, past the browser's own controls, to there again.
    if (at.end || (at.outside && ++around > 2)) break;
    if (at.outside || at.same) continue;
    count++;
    if (!at.shown) troubles.add(`${name}: "${at.what}" has the keyboard and does not show it`);
    if (at.off) troubles.add(`${name}: "${at.what}" has the keyboard and is not on the screen but at ${at.off}`);
  }
  const missed = await page.evaluate(() => {
    const got = (e) => window.seen.has(e) || (e.type === 'radio' && [...window.seen].some((s) => s.name === e.name));
    return window.seen.size < 160 ? window.wanted.filter((e) => e.isConnected && e.checkVisibility() && !got(e)).map((e) => `${(e.getAttribute('aria-label') || e.textContent || e.tagName).trim().slice(0, 40)} <${e.tagName.toLowerCase()} ${e.className}>`) : [];
  });
  for (const m of missed.slice(0, 4)) troubles.add(`${name}: "${m}" cannot be reached by Tab`);
  return count;
}

/** Letters of twice the size, as the browser's settings make them: nothing is wider than the window or cut off. */
async function big(page, name) {
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
    if (out) await page.screenshot({ path: `${out}/big-${name}-${width}.png` });
    const bad = await page.evaluate(() => {
      const found = [];
      if (document.documentElement.scrollWidth - innerWidth > 1) found.push(`${document.documentElement.scrollWidth - innerWidth} px wider than the window`);
      for (const e of document.querySelectorAll('button, .btn, label, h1, h2, th, .chip, .notice, summary, section.list li')) {
        if (!e.checkVisibility({ visibilityProperty: true }) || e.closest('.visually-hidden')) continue;
        const box = e.getBoundingClientRect();
        if (box.width < 2) continue;
        const s = getComputedStyle(e);
        // Cut by itself; what ends with an ellipsis on purpose has a title or is read elsewhere.
        if (s.overflow === 'hidden' && s.textOverflow !== 'ellipsis' && (e.scrollWidth - e.clientWidth > 2 || e.scrollHeight - e.clientHeight > 4)) found.push(`"${e.textContent.trim().slice(0, 30)}" is cut off`);
        // Out of the window where nothing scrolls.
        if ((box.right > innerWidth + 2 || box.left < -2) && !scrolls(e)) found.push(`"${e.textContent.trim().slice(0, 30)}" <${e.className}> stands outside of the window`);
      }
      function scrolls(e) {
        for (let x = e.parentElement; x; x = x.parentElement) if (/auto|scroll/.test(getComputedStyle(x).overflowX) && x.scrollWidth > x.clientWidth) return true;
        return false;
      }
      return found.slice(0, 4);
    });
    for (const b of bad) troubles.add(`${name} at ${width} px with letters of twice the size: ${b}`);
  }
}

/** A long list is one stop; the arrows go through it and what has the keyboard stays in sight. */
async function arrows() {
  await visit(page, '#/inbox/all');
  await page.locator('section.list li a[tabindex="0"]').focus();
  for (const [key, times, to] of [['ArrowDown', 30, 31], ['ArrowUp', 1, 30], ['Home', 1, 1], ['PageDown', 2, 0]]) {
    for (let i = 0; i < times; i++) await page.keyboard.press(key);
    const at = await page.evaluate(() => {
      const box = document.activeElement.getBoundingClientRect();
      return { row: Number(document.activeElement.closest('li')?.getAttribute('aria-posinset')), seen: box.top >= 0 && box.bottom <= innerHeight + 1, stops: document.querySelectorAll('section.list li a[tabindex="0"]').length };
    });
    if (!at.row || (to && at.row !== to)) troubles.add(`${key} leads to row ${at.row} and not ${to}`);
    if (!at.seen) troubles.add(`${key}: row ${at.row} has the keyboard and is not on the screen`);
    if (at.stops !== 1) troubles.add(`the list has ${at.stops} stops`);
  }
  await page.keyboard.press('Enter');
  await page.waitForURL(/inbox\/all\/[0-9a-f-]{36}/).catch(() => troubles.add('Enter does not open the conversation'));
}

/** A dialog takes the keyboard, keeps it, and gives it back to what opened it. */
async function dialogs() {
  for (const [address, opener] of [['#/settings/workspace', 'main section .btn'], ['#/settings/tokens', '.page .btn.primary'], ['#/settings/teams', '.page .btn.primary'], ['#/settings/operators', '.page .btn.primary']]) {
    await visit(page, address);
    const button = page.locator(opener).first();
    await button.focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab');
      // The browser's own controls take their turn; nothing of the page behind does.
      const out = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement.closest('dialog'));
      if (out) { troubles.add(`${address}: the keyboard leaves the dialog`); break; }
    }
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await until('the keyboard is back', () => button.evaluate((b) => b === document.activeElement), 2000).catch(() => troubles.add(`${address}: the keyboard does not come back to what opened the dialog`));
  }
  for (const [key, address] of [['Control+k', '#/customers'], ['?', '#/customers'], ['c', '#/customers']]) {
    await visit(page, address);
    await page.locator('main a').first().focus();
    await page.keyboard.press(key);
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await until('the keyboard is back', () => page.evaluate(() => document.activeElement?.matches('main a')), 2000).catch(() => troubles.add(`${key}: the keyboard does not come back`));
  }
}

/** What readers ask their system for. */
async function looks() {
  await visit(page, '#/inbox/all');
  const moving = await page.evaluate(() => document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations === Infinity || a.effect?.getComputedTiming().duration > 50).length);
  if (moving) troubles.add(`${moving} things move although less movement is asked for`);
  const colour = (name) => page.evaluate((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim(), name);
  const before = await colour('--muted');
  await page.emulateMedia({ contrast: 'more', reducedMotion: 'reduce' });
  if ((await colour('--muted')) === before) troubles.add('more contrast changes nothing');
  if (out) await page.screenshot({ path: `${out}/contrast.png` });
  await page.emulateMedia({ contrast: 'no-preference', forcedColors: 'active', reducedMotion: 'reduce' });
  await page.locator('.rail a.place').first().focus();
  await page.keyboard.press('Tab');
  if (!(await page.evaluate(() => parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2))) troubles.add('with forced colours nothing shows what has the keyboard');
  if (!(await page.evaluate(() => { const s = getComputedStyle(document.querySelector('.rail [aria-current=page]')); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; }))) troubles.add('with forced colours nothing shows where one is');
  if (out) await page.screenshot({ path: `${out}/forced.png` });
  await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'reduce' });
}
