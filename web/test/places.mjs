// Every screen of the console, by name: an address, or what one does to see it.
import { readFileSync } from 'node:fs';
import { base } from './browser.mjs';

const texts = ['en', 'ru', 'fa'].map((l) => JSON.parse(readFileSync(new URL(`../texts/${l}.json`, import.meta.url), 'utf8')));
/** A text in whichever language the screen is in. */
const said = (key) => new RegExp('^\\s*(' + texts.map((t) => t[key].replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|') + ')\\s*$');

/** A conversation by letters, with nothing written in it yet. */
const letter = async (p) => {
  await p.goto(base + '/#/inbox/open');
  await p.locator('section.list li a').first().waitFor();
  const id = await p.evaluate(async () => {
    const all = async (path) => (await (await fetch('/api/v1' + path)).json()).items;
    const kinds = (await all('/channel-kinds')).filter((k) => k.limits.cc).map((k) => k.name);
    const by = (await all('/channels')).find((c) => kinds.includes(c.kind));
    return (await all('/conversations?view=all&channel=' + by.id)).find((c) => c.state !== 'closed').id;
  });
  await p.goto(`${base}/#/inbox/all/${id}`);
  await p.locator('article.in').first().waitFor();
  // What was written before comes back when it comes; a list that it opens covers what one wants to press.
  const writing = p.locator('.composer .writing');
  for (let still = 0; still < 5; still++) {
    await p.waitForTimeout(150);
    if (!(await writing.textContent()).trim()) continue;
    await writing.fill('');
    still = -1;
  }
};

export const screens = [
  ['inbox', '#/inbox/open'],
  ['conversation', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').first().click(); await p.locator('article').first().waitFor(); }],
  ['panel', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(3).click(); await p.locator('article').first().waitFor(); if (!(await p.locator('aside').count())) await p.keyboard.press('.'); await p.locator('aside').waitFor(); }],
  ['assign', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.keyboard.press('a'); await p.locator('[role=option]').first().waitFor(); }],
  ['exchanges', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.locator('article .menu button').last().click(); await p.getByRole('option', { name: said('message.exchanges') }).click(); await p.waitForTimeout(400); }],
  ['mention', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.keyboard.press('n'); await p.locator('.composer.note').waitFor(); await p.locator('.composer .writing').fill('@'); await p.locator('.composer [role=option]').first().waitFor(); }],
  ['details', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(2).click(); await p.locator('article').first().waitFor(); await p.locator('article .menu button').last().click(); await p.locator('[role=option]').last().click(); await p.locator('dialog[open] dl').waitFor(); }],
  ['filter', async (p) => { await p.goto(base + '/#/inbox/mine'); await p.locator('section.list').waitFor(); await p.keyboard.press('v'); await p.locator('dialog[open] li').first().waitFor(); }],
  ['selected', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(1).focus(); await p.keyboard.press('x'); await p.locator('[role=toolbar]').waitFor(); }],
  ['merge', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(1).click(); await p.locator('article').first().waitFor(); await p.locator('header .tools button').last().click(); await p.getByRole('option', { name: said('action.merge') }).click(); await p.locator('dialog[open] fieldset').waitFor(); }],
  ['split', async (p) => { await p.goto(base + '/#/inbox/all'); await p.locator('section.list li a').nth(1).click(); await p.locator('article').first().waitFor(); await p.locator('header .tools button').last().click(); await p.getByRole('option', { name: said('action.split') }).click(); await p.locator('.picked').first().waitFor(); }],
  ['canned-offer', async (p) => { await letter(p); await p.evaluate(() => fetch('/api/v1/canned-replies/01930000-0000-7000-8000-000000000001', { method: 'PUT', headers: { 'Content-Type': 'application/json', 'Holdfast-Client': 'console' }, body: JSON.stringify({ title: 'Restart', shortcut: 'restart', texts: { any: 'Dear {{customer.first_name|customer}}, turn it off and on.' } }) })); await p.locator('.composer .writing').press('/'); await p.locator('.composer [role=option]').first().waitFor(); }],
  ['copies', async (p) => { await letter(p); await p.locator('.composer .head button.link').last().click(); await p.locator('.copies input').first().fill('kim@customer.example, nobody,'); await p.locator('.copies .wrong').waitFor(); }],
  ['later', async (p) => { await letter(p); await p.locator('.composer .writing').fill('…'); await p.locator('.joined-end').click(); await p.getByRole('option', { name: said('later.pick') }).click(); await p.locator('dialog[open] select').first().waitFor(); }],
  ['forward', async (p) => { await letter(p); await p.locator('article.in .menu button').last().click(); await p.getByRole('option', { name: said('action.forward') }).click(); await p.locator('dialog[open] textarea').waitFor(); }],
  ['waits', async (p) => { await letter(p); await p.locator('.composer .writing').fill('…'); await p.locator('.joined-end').click(); await p.locator('.composer [role=option]').nth(5).click(); await p.locator('.waits').first().waitFor(); }],
  ['customers', '#/customers'],
  ['customer', async (p) => { await p.goto(base + '/#/customers'); await p.locator('tbody a').first().click(); await p.locator('.two').waitFor(); }],
  ['search', async (p) => { await p.goto(base + '/#/search?q=' + encodeURIComponent(process.env.WORD ?? 'internet')); await p.locator('main li a').first().waitFor({ timeout: 4000 }).catch(() => {}); }],
  ['outbox', '#/outbox'],
  ['another-way', async (p) => { await p.goto(base + '/#/outbox?state=failed'); await p.locator('td.end .btn').last().click(); await p.locator('dialog[open] select').first().waitFor(); }],
  ['quarantine', '#/arrivals'],
  ['account', '#/settings/account'],
  ['workspace', '#/settings/workspace'],
  ['workspace-new', async (p) => { await p.goto(base + '/#/settings/workspace'); await p.locator('section .btn').first().click(); await p.locator('dialog[open] form').waitFor(); }],
  ['second-factor', async (p) => { await p.goto(base + '/#/settings/account'); await p.locator('main').getByRole('button', { name: said('totp.start') }).click(); await p.locator('svg[role=img]').waitFor(); await p.locator('svg[role=img]').scrollIntoViewIfNeeded(); }],
  ['channels', '#/settings/channels'],
  ['channel', async (p) => { await p.goto(base + '/#/settings/channels'); await p.locator('main li a').last().click(); await p.locator('form').waitFor(); }],
  ['channel-new', '#/settings/channels/new'],
  ['operators', '#/settings/operators'],
  ['operator-leaves', async (p) => { await p.goto(base + '/#/settings/operators'); await p.locator('td.end .btn.danger').last().click(); await p.locator('dialog[open] select').waitFor(); }],
  ['teams', '#/settings/teams'],
  ['canned', '#/settings/canned'],
  ['canned-new', async (p) => { await p.goto(base + '/#/settings/canned/new'); await p.locator('main textarea').fill('{{customer.first_name|…}} {{nothing.known}}'); await p.locator('details').evaluate((d) => { d.open = true; }); }],
  ['macros', '#/settings/macros'],
  ['saved-views', '#/settings/views'],
  ['macro-new', async (p) => { await p.goto(base + '/#/settings/macros/new'); for (const n of [2, 3, 4]) { await p.locator('main form ol ~ div button').first().click(); await p.locator('[popover] [role=option]').nth(n).click(); } }],
  ['tags', '#/settings/tags'],
  ['tag-renamed', async (p) => { await p.goto(base + '/#/settings/tags'); await p.locator('tbody td.end .btn').first().click(); await p.locator('dialog[open] input').waitFor(); }],
  ['fields', '#/settings/fields'],
  ['field-new', async (p) => { await p.goto(base + '/#/settings/fields/new'); await p.locator('main form select').nth(1).selectOption('choice'); }],
  ['hours', async (p) => { await p.goto(base + '/#/settings/hours'); await p.locator('main form').waitFor(); }],
  ['survey', '#/settings/survey'],
  ['ratings', '#/settings/ratings'],
  ['provider', '#/settings/provider'],
  ['tokens', '#/settings/tokens'],
  ['webhooks', '#/settings/webhooks'],
  ['import', '#/settings/imports'],
  ['import-new', '#/settings/imports/new'],
  ['audit', '#/settings/audit'],
  ['design', '#/design'],
  ['shifts', async (p) => { await p.goto(base + '/#/settings/operators'); await p.locator('td.end a.btn').first().click(); await p.locator('main form').waitFor(); }],
  ['palette', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('Control+k'); await p.locator('dialog[open]').waitFor(); }],
  ['help', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('?'); await p.locator('dialog[open]').waitFor(); }],
  ['compose', async (p) => { await p.goto(base + '/#/inbox/open'); await p.locator('section.list').waitFor(); await p.keyboard.press('c'); await p.locator('dialog[open]').waitFor(); }],
];

const last = new WeakMap();

/** Goes to a screen and waits until it is drawn. */
export async function visit(page, where) {
  // Anew after something was opened; from one address to the next as a person goes.
  if (typeof where !== 'string' || typeof last.get(page) !== 'string') await page.goto('about:blank');
  last.set(page, where);
  if (typeof where === 'string') await page.goto(base + '/' + where);
  else await where(page);
  await settled(page);
}

/** Waits until the screen has what it shows. */
export async function settled(page) {
  await page.locator('main').first().waitFor();
  await page.waitForFunction(() => document.querySelector('main > *') && !document.querySelector('main .skeleton, main [aria-busy=true], main[aria-busy=true]'), null, { timeout: 8000 }).catch(() => {});
  await page.evaluate(() => document.fonts.ready);
}

/** Turns the account of whoever is signed in to a language and a theme. */
export async function turn(page, language, theme) {
  await page.evaluate(async ([language, theme]) => {
    await fetch('/api/v1/me', { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'Holdfast-Client': 'console' }, body: JSON.stringify({ language, preferences: { theme } }) });
    localStorage.setItem('holdfast.theme', theme);
    localStorage.setItem('holdfast.language', language);
  }, [language, theme]);
}
