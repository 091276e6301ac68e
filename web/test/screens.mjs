// Takes a picture of every screen: wide and narrow, light and dark, in three
// languages. Environment: HOLDFAST_URL (a running desk), HOLDFAST_LINK (a sign-in
// link, where one is needed), OUT (a folder), ONLY (parts of pictures' names, with commas),
// CHROMIUM (the browser). Exits with 1 when a screen breaks, is wider than its
// window, or axe finds something serious.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { base, launch } from './browser.mjs';
import { screens, turn, visit } from './places.mjs';

const link = process.env.HOLDFAST_LINK ?? '';
const out = process.env.OUT ?? 'screens';
const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(out, { recursive: true });

const browser = await launch();
const troubles = [];

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
    await turn(page, language, theme);
    for (const [name, where] of screens) {
      const file = `${name}-${size}-${look}`;
      if (only.length && !only.some((part) => file.includes(part))) continue;
      try {
        await visit(page, where);
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
