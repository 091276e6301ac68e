// Asks axe about every screen in three languages by the rules of WCAG 2.2 A and AA: by all
// of them in English and Persian, light and dark, and by those that other words can break
// in Russian. Environment: HOLDFAST_URL, HOLDFAST_LINK (a sign-in link), LANGUAGES, ONLY
// (names of screens, with commas), PART (1/2: every second screen, from the first), OUT (a folder for a picture of what was found),
// CHROMIUM. Prints every finding and exits with 1 when there is one.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { base, launch } from './browser.mjs';
import { screens, settled, turn, visit } from './places.mjs';

const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const [part, parts] = (process.env.PART ?? '1/1').split('/').map(Number);
const out = process.env.OUT;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const wcag = { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }, rules: { 'target-size': { enabled: true } }, resultTypes: ['violations'], iframes: false };
// What a theme, a width or other words can change; the rest of a page is the same in each.
// Inside of frames is what strangers wrote.
const colours = { runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations'], iframes: false };
const spoken = { runOnly: ['target-size', 'color-contrast', 'button-name', 'link-name', 'label', 'select-name', 'aria-dialog-name', 'aria-input-field-name', 'html-has-lang', 'html-lang-valid', 'document-title'], resultTypes: ['violations'], iframes: false };
const room = { runOnly: ['target-size', 'scrollable-region-focusable', 'button-name', 'link-name'], resultTypes: ['violations'], iframes: false };

const wide = { width: 1440, height: 900 };
const narrow = { width: 390, height: 844 };
const found = new Map();
let asked = 0;
const spent = { visits: 0, axe: 0 };
if (out) mkdirSync(out, { recursive: true });

const browser = await launch();
const context = await browser.newContext({ viewport: wide, reducedMotion: 'reduce' });
await context.addInitScript(axe);
const page = await context.newPage();
await page.goto(process.env.HOLDFAST_LINK.replace(/^https?:\/\/[^/]+/, base));
await page.locator('nav.rail').waitFor({ timeout: 15000 });
const languages = (process.env.LANGUAGES ?? 'en,ru,fa').split(',');
await turn(page, languages[0], 'light');
for (const [name, where] of screens.filter((_, i) => i % parts === part - 1)) {
  if (only.length && !only.includes(name)) continue;
  let there = false;
  for (const language of languages) {
    try {
      const from = Date.now();
      // A screen is gone to once; then its words change before the reader's eyes.
      if ((await page.evaluate(() => document.documentElement.lang)) !== language) {
        await turn(page, language, 'light');
        if (there) there = await page.waitForFunction((l) => document.documentElement.lang === l, language, { timeout: 4000 }).then(() => settled(page)).then(() => true, () => false);
      }
      if (!there) await visit(page, where);
      there = true;
      spent.visits += Date.now() - from;
      if (language === 'ru') {
        await paint('dark');
        await ask(`${name} ${language} dark`, spoken);
        continue;
      }
      await paint('light');
      await ask(`${name} ${language} light`, wcag);
      await paint('dark');
      await ask(`${name} ${language} dark`, colours);
      if (language === 'fa') {
        await page.setViewportSize(narrow);
        await ask(`${name} ${language} narrow`, room);
      }
    } catch (e) {
      there = false;
      add('the screen does not come', `${name} ${language}`, String(e.message).split('\n')[0]);
    }
    await page.setViewportSize(wide);
  }
  languages.reverse(); // the next one begins as this one ended
}
// Before anybody is signed in.
const stranger = await browser.newContext({ viewport: wide, reducedMotion: 'reduce' });
await stranger.addInitScript(axe);
const door = await stranger.newPage();
for (const language of languages) {
  if (part > 1 || (only.length && !only.includes('sign-in'))) break;
  await door.goto(base + '/');
  await door.evaluate((l) => localStorage.setItem('holdfast.language', l), language);
  await door.reload();
  await door.locator('form').waitFor();
  await ask(`sign-in ${language} light`, wcag, door);
  await paint('dark', door);
  await ask(`sign-in ${language} dark`, colours, door);
}
await browser.close();

for (const [what, places] of found) console.error(`${what}\n    ${[...places].slice(0, 6).join('\n    ')}${places.size > 6 ? `\n    and ${places.size - 6} more` : ''}`);
console.log(`axe looked ${asked} times and found ${found.size} defects (${spent.visits} ms of visits, ${spent.axe} ms of axe)`);
process.exit(found.size || asked === 0 ? 1 : 0);

async function ask(place, rules, on = page) {
  // What fades in is judged when it is there.
  await on.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
  await on.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => {}))));
  const from = Date.now();
  const { violations } = await on.evaluate((rules) => window.axe.run(document, rules), rules);
  spent.axe += Date.now() - from;
  asked++;
  for (const v of violations) {
    for (const n of v.nodes) add(`${v.id} (${v.tags.find((t) => /^wcag\d{3,}/.test(t)) ?? v.tags.at(-1)}): ${v.help}`, place, `${n.target.join(' ')} ${[...n.any, ...n.all, ...n.none][0]?.message?.slice(0, 200) ?? ''}`);
  }
  const over = await on.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 1) add('wider than its window (wcag1410)', place, `${over} px`);
  if (violations.length && out) await on.screenshot({ path: `${out}/axe-${place.replaceAll(' ', '-')}.png` });
}

function add(what, place, detail) {
  const key = `${what} — ${detail}`;
  if (!found.has(key)) found.set(key, new Set());
  found.get(key).add(place);
}

function paint(theme, on = page) {
  return on.evaluate((theme) => { document.documentElement.dataset.theme = theme; }, theme);
}
