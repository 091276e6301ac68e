// Takes a picture of every screen: wide and narrow, light and dark, in three
// languages. Environment: HOLDFAST_URL (a running desk), HOLDFAST_LINK (a sign-in
// link, where one is needed), OUT (a folder), ONLY (parts of pictures' names, with commas),
// CHROMIUM (the browser). Exits with 1 when a screen breaks, is wider than its
// window, or axe finds something serious.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const base = (process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
const link = process.env.HOLDFAST_LINK ?? '';
const out = process.env.OUT ?? 'screens';
const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const troubles = [];

const screens = [
  ['inbox', '#/inbox/open'],
  ['conversation', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').first().click(); await p.locator('article').first().waitFor(); }],
  ['panel', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(3).click(); await p.locator('article').first().waitFor(); if (!(await p.locator('aside').count())) await p.keyboard.press('.'); await p.locator('aside').waitFor(); }],
  ['assign', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.keyboard.press('a'); await p.locator('[role=option]').first().waitFor(); }],
  ['exchanges', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.locator('article .menu button').last().click(); await p.locator('[role=option]').first().click(); await p.waitForTimeout(400); }],
  ['mention', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.keyboard.press('n'); await p.locator('.composer.note').waitFor(); await p.locator('.composer textarea').fill('@'); await p.locator('.composer [role=option]').first().waitFor(); }],
  ['details', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.locator('article .menu button').last().click(); await p.locator('[role=option]').last().click(); await p.locator('dialog[open] dl').waitFor(); }],
  ['customers', '#/customers'],
  ['customer', async (p) => { await p.goto(base + '/#/customers'); await p.locator('tbody a').first().click(); await p.locator('.two').waitFor(); }],
  ['search', async (p) => { await p.goto(base + '/#/search?q=' + encodeURIComponent(process.env.WORD ?? 'internet')); await p.locator('main li a').first().waitFor({ timeout: 4000 }).catch(() => {}); }],
  ['outbox', '#/outbox'],
  ['another-way', async (p) => { await p.goto(base + '/#/outbox?state=failed'); await p.locator('td.end .btn').last().click(); await p.locator('dialog[open] select').first().waitFor(); }],
  ['quarantine', '#/arrivals'],
  ['account', '#/settings/account'],
  ['workspace', '#/settings/workspace'],
  ['workspace-new', async (p) => { await p.goto(base + '/#/settings/workspace'); await p.locator('section .btn').first().click(); await p.locator('dialog[open] form').waitFor(); }],
  ['second-factor', async (p) => { await p.goto(base + '/#/settings/account'); await p.locator('main section').nth(2).locator('.btn').click(); await p.locator('svg[role=img]').waitFor(); await p.locator('svg[role=img]').scrollIntoViewIfNeeded(); }],
  ['channels', '#/settings/channels'],
  ['channel', async (p) => { await p.goto(base + '/#/settings/channels'); await p.locator('main li a').last().click(); await p.locator('form').waitFor(); }],
  ['channel-new', '#/settings/channels/new'],
  ['operators', '#/settings/operators'],
  ['operator-leaves', async (p) => { await p.goto(base + '/#/settings/operators'); await p.locator('td.end .btn.danger').last().click(); await p.locator('dialog[open] select').waitFor(); }],
  ['teams', '#/settings/teams'],
  ['tokens', '#/settings/tokens'],
  ['webhooks', '#/settings/webhooks'],
  ['audit', '#/settings/audit'],
  ['palette', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('Control+k'); await p.locator('dialog[open]').waitFor(); }],
  ['help', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('?'); await p.locator('dialog[open]').waitFor(); }],
  ['compose', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('c'); await p.locator('dialog[open]').waitFor(); }],
];
const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const looks = (process.env.LOOKS ?? 'en-light,en-dark,fa-light,ru-light').split(',');

const state = await signIn();
for (const look of looks) {
  const [language, theme] = look.split('-');
  for (const [size, viewport] of Object.entries(sizes)) {
    const context = await browser.newContext({ viewport, storageState: state, colorScheme: theme, hasTouch: size === 'narrow', deviceScaleFactor: 1, locale: language });
    const page = await context.newPage();
    page.on('pageerror', (e) => troubles.push(`${look} ${size}: ${e.message}`));
    page.on('console', (m) => m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text()) && troubles.push(`${look} ${size}: ${m.text()}`));
    await page.goto(base + '/');
    await page.evaluate(async ([language, theme]) => {
      await fetch('/api/v1/me', { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'Holdfast-Client': 'console' }, body: JSON.stringify({ language, preferences: { theme } }) });
      localStorage.setItem('holdfast.theme', theme);
      localStorage.setItem('holdfast.language', language);
    }, [language, theme]);
    for (const [name, where] of screens) {
      const file = `${name}-${size}-${look}`;
      if (only.length && !only.some((part) => file.includes(part))) continue;
      try {
        await page.goto('about:blank');
        if (typeof where === 'string') await page.goto(base + '/' + where);
        else await where(page);
        await page.locator('main').first().waitFor();
        await page.waitForFunction(() => !document.querySelector('main .skeleton, main [aria-busy=true]'), null, { timeout: 8000 }).catch(() => {});
        await page.evaluate(() => document.fonts.ready);
        await page.waitForTimeout(150);
        await page.screenshot({ path: `${out}/${file}.png` });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 1) troubles.push(`${file}: ${over}px wider than the window`);
        await page.evaluate(axe);
        const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        for (const v of found.violations) if (['serious', 'critical'].includes(v.impact)) troubles.push(`${file}: axe ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '').slice(0, 140)).join(' | ')}`);
      } catch (e) {
        troubles.push(`${file}: ${String(e.message).split('\n')[0]}`);
      }
    }
    await context.close();
  }
}
if (!only.length || only.includes('sign-in')) {
  for (const look of looks) {
    const [language, theme] = look.split('-');
    for (const [size, viewport] of Object.entries(sizes)) {
      const context = await browser.newContext({ viewport, colorScheme: theme, locale: language });
      const page = await context.newPage();
      await page.goto(base + '/');
      await page.locator('form').waitFor();
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: `${out}/sign-in-${size}-${look}.png` });
      await context.close();
    }
  }
}
await browser.close();
for (const t of troubles) console.error(t);
console.log(`${troubles.length} troubles`);
process.exit(troubles.length ? 1 : 0);

async function signIn() {
  const context = await browser.newContext();
  const page = await context.newPage();
  // The link may name the desk otherwise than HOLDFAST_URL does; a cookie belongs to one name.
  await page.goto(link.replace(/^https?:\/\/[^/]+/, base) || base + '/');
  await page.locator('nav.rail').waitFor({ timeout: 15000 });
  const state = await context.storageState();
  await context.close();
  return state;
}
