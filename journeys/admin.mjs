// Plays an administrator in the console, in English, Russian and Persian: canned replies,
// macros, fields, hours, surveys and ratings, tags, a lost second factor, the sign-in
// provider; and an operator who has less of it. Environment: HOLDFAST_URL, HOLDFAST_LINK,
// CUSTOMER (POST takes a letter, GET lists what the desk sent), SITES and LINKS (JSON, by
// language), LANGUAGES, CHROMIUM, OUT (a folder for a picture of what failed).
import { readFileSync } from 'node:fs';
import { api, base, launch, until } from '../web/test/browser.mjs';

const words = (language) => JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url), 'utf8'));
const sites = JSON.parse(process.env.SITES);
const links = JSON.parse(process.env.LINKS);
const browser = await launch();
const pages = {};
const broken = [];
let step = '';
const play = async (name, run) => {
  step = name;
  const from = Date.now();
  const value = await run();
  console.log(`ok ${name} (${Date.now() - from} ms)`);
  return value;
};
const open = async (name, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = (pages[name] = await context.newPage());
  page.on('pageerror', (e) => broken.push(`${name}: ${e.message}`));
  return page;
};

try {
  const page = await open('console');
  await page.goto(process.env.HOLDFAST_LINK);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  for (const language of (process.env.LANGUAGES ?? 'en,ru,fa').split(',')) await walk(page, language);
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('the desk is kept in order');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) for (const [name, page] of Object.entries(pages)) await page.screenshot({ path: `${process.env.OUT}/admin-${name}.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(page, language) {
  const t = words(language);
  const mark = language + Date.now().toString(36);
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const get = (path) => api(page, 'GET', path);
  const fill = (text, values) => Object.entries(values).reduce((s, [k, v]) => s.replaceAll(`{${k}}`, v), text);
  const button = (name, scope = page) => scope.getByRole('button', { name, exact: true });
  const dialog = page.locator('dialog[open]');
  const form = page.locator('main form');
  const go = async (section, heading) => {
    await page.goto(`${base}/#/settings/${section}`);
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  };
  const saved = () => button(t['action.save'], form).click();

  await say('the page turns to the language', async () => {
    await page.goto(base + '/#/settings/account');
    await api(page, 'PATCH', '/me', { language });
    await page.reload();
    await page.getByRole('link', { name: t['settings.canned'], exact: true }).waitFor();
  });

  const letter = { from: `${mark}@customer.example`, subject: `Matter ${mark}`, message_id: `<${mark}@customer.example>`, text: 'Where is it?' };
  const r = await fetch(process.env.CUSTOMER, { method: 'POST', body: JSON.stringify(letter) });
  if (!r.ok) throw new Error('the letter was not taken');
  let id = '';
  await until('the letter is there', async () => (id = (await get('/conversations?view=all&limit=50')).items.find((c) => c.subject === letter.subject)?.id));

  await say('a canned reply with a placeholder is seen filled in', async () => {
    await go('canned', t['settings.canned']);
    await page.getByRole('link', { name: t['canned.new'], exact: true }).click();
    await form.getByLabel(t['canned.title'], { exact: true }).fill(`Greeting ${mark}`);
    await form.getByLabel(t['canned.shortcut']).fill(mark);
    const area = form.locator('textarea');
    await area.fill('Hello {{nobody.knows}}');
    await form.getByText('nobody.knows').last().waitFor();
    await area.fill('Hello ');
    await button(t['placeholder.insert'], form).click();
    await page.getByRole('option', { name: t['placeholder.customer.first_name'] }).first().click();
    if ((await area.inputValue()) !== 'Hello {{customer.first_name}}') throw new Error('it was inserted as ' + (await area.inputValue()));
    await form.locator('.preview', { hasText: 'Hello ' + t['sample.customer'].split(' ')[0] }).waitFor();
    await saved();
    await page.locator('tbody tr', { hasText: `Greeting ${mark}` }).waitFor();
    const fits = (await get(`/conversations/${id}/canned-replies`)).items.find((c) => c.shortcut === mark);
    if (fits?.text !== 'Hello Kim') throw new Error('it is offered as ' + JSON.stringify(fits));
  });

  await say('a condition and another language are kept', async () => {
    await page.locator('tbody tr', { hasText: `Greeting ${mark}` }).getByRole('link', { name: fill(t['presets.edit'], { name: `Greeting ${mark}` }) }).click();
    await button(t['canned.language.add'], form).click();
    await page.keyboard.type('de');
    await page.getByRole('option').filter({ has: page.getByText('de', { exact: true }) }).first().click();
    await form.locator('textarea').fill('Guten Tag {{customer.first_name}}');
    await form.locator('summary').click();
    await form.locator('.conditions input[type=checkbox]').first().check();
    await saved();
    await page.locator('tbody tr', { hasText: `Greeting ${mark}` }).waitFor();
    const c = (await get('/canned-replies')).items.find((x) => x.shortcut === mark);
    if (c.texts.de !== 'Guten Tag {{customer.first_name}}' || c.texts.any !== 'Hello {{customer.first_name}}' || c.channels.length !== 1) throw new Error('it is ' + JSON.stringify(c));
    await api(page, 'PUT', '/canned-replies/' + c.id, { title: c.title, shortcut: c.shortcut, texts: c.texts });
  });

  await say('a macro is built, and put in order by keys', async () => {
    await go('macros', t['settings.macros']);
    await page.getByRole('link', { name: t['macros.new'], exact: true }).click();
    await form.getByLabel(t['macros.name'], { exact: true }).fill(`Close ${mark}`);
    await form.getByLabel(t['macros.reply.with']).selectOption({ label: `Greeting ${mark}` });
    await form.getByLabel(t['macros.then']).selectOption('resolved');
    for (const verb of ['tag', 'read']) {
      await button(t['macros.add'], form).click();
      await page.getByRole('option', { name: t['macros.do.' + verb], exact: true }).click();
    }
    await form.getByLabel(t['macros.do.tag'], { exact: true }).fill(`tag-${mark}`);
    await form.locator('.grip').nth(1).focus();
    await page.keyboard.press('ArrowUp');
    await until('the tag is first', async () => (await form.locator('ol > li strong').first().textContent()) === t['macros.do.tag']);
    await saved();
    await page.locator('tbody tr', { hasText: `Close ${mark}` }).waitFor();
    const m = (await get('/macros')).items.find((x) => x.name === `Close ${mark}`);
    if (m.actions.map((a) => a.do).join() !== 'tag,reply,read' || m.actions[1].then !== 'resolved') throw new Error('it is ' + JSON.stringify(m.actions));
  });

  await say('customers are asked, in the workspace’s own words', async () => {
    await go('survey', t['settings.survey']);
    await form.getByLabel(t['survey.csat.stars']).check();
    await form.locator('input[lang=en]').first().fill(`Content with us, ${mark}?`);
    await saved();
    await until('it is kept', async () => (await get('/survey')).questions.csat?.en === `Content with us, ${mark}?`);
  });

  await say('what the macro did reaches the customer, and their rating is counted', async () => {
    const m = (await get('/macros')).items.find((x) => x.name === `Close ${mark}`);
    await api(page, 'POST', `/conversations/${id}/macros/${m.id}`, { id: crypto.randomUUID() });
    const c = await get('/conversations/' + id);
    if (c.state !== 'resolved' || !c.tags.includes(`tag-${mark}`)) throw new Error('it is ' + c.state + ' with ' + c.tags);
    let ask;
    await until('the customer is asked', async () => (ask = (await (await fetch(process.env.CUSTOMER)).json()).find((l) => l.to[0] === letter.from && l.text.includes('/rate/'))), 20000);
    if (!ask.text.includes(`Content with us, ${mark}?`)) throw new Error('they are asked ' + ask.text);
    const link = ask.text.match(/http\S+\/rate\/\S+/)[0];
    const rated = await fetch(link, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ score: '4', comment: `=Quick ${mark}` }) });
    if (!rated.ok) throw new Error('the rating was not taken: ' + rated.status);
    await go('ratings', t['settings.ratings']);
    const row = page.locator('tbody tr', { hasText: `=Quick ${mark}` });
    await row.waitFor();
    await row.getByText(fill(t['ratings.score'], { score: new Intl.NumberFormat(language === 'fa' ? 'fa-IR' : 'en').format(4), of: new Intl.NumberFormat(language === 'fa' ? 'fa-IR' : 'en').format(5) })).waitFor();
    await page.locator('dl', { hasText: t['ratings.percent.csat'] }).waitFor();
    const table = await page.evaluate(async (href) => (await fetch(href)).text(), await page.getByRole('link', { name: t['ratings.export'] }).getAttribute('href'));
    if (!table.includes(`'=Quick ${mark}`)) throw new Error('the table is ' + table);
    await page.getByLabel(t['ratings.question']).selectOption('nps');
    await until('of the other question there are none', async () => (await row.count()) === 0);
  });

  await say('a tag gets another name', async () => {
    await go('tags', t['settings.tags']);
    await button(fill(t['tags.rename.one'], { tag: `tag-${mark}` })).click();
    await dialog.getByLabel(t['tags.name']).fill(`Renamed ${mark}`);
    await button(t['tags.rename'], dialog).click();
    await page.locator('tbody .chip', { hasText: `renamed-${mark}` }).waitFor();
    if (!(await get('/conversations/' + id)).tags.includes(`renamed-${mark}`)) throw new Error('the conversation has the old one');
    if ((await get('/macros')).items.find((x) => x.name === `Close ${mark}`).actions[0].tag !== `renamed-${mark}`) throw new Error('the macro has the old one');
  });

  await say('a field is defined with its choices', async () => {
    await go('fields', t['settings.fields']);
    await page.getByRole('link', { name: t['fields.new'], exact: true }).click();
    await form.locator('fieldset').first().locator('input[lang=en]').fill(`Tariff ${mark}`);
    if ((await form.getByLabel(t['fields.key']).inputValue()) !== `tariff_${mark}`) throw new Error('its key is ' + (await form.getByLabel(t['fields.key']).inputValue()));
    await form.locator('select').nth(1).selectOption('choice');
    await form.getByLabel(t['fields.value'], { exact: true }).first().fill('basic');
    await form.getByLabel(t['fields.value'], { exact: true }).nth(1).fill('pro');
    await form.getByLabel(t['fields.required']).check();
    await saved();
    const row = page.locator('tbody tr', { hasText: `tariff_${mark}` });
    await row.waitFor();
    await api(page, 'PATCH', `/conversations/${id}/fields`, { values: { [`tariff_${mark}`]: 'pro' } });
    const empty = await api(page, 'PATCH', `/conversations/${id}/fields`, { values: { [`tariff_${mark}`]: '' } }).catch((e) => e);
    if (!String(empty.message).includes('field.required')) throw new Error('it was emptied');
    await row.getByRole('button', { name: fill(t['presets.remove'], { name: `Tariff ${mark}` }) }).click();
    await button(t['action.remove'], dialog).click();
    await row.waitFor({ state: 'detached' });
  });

  await say('hours decide what a visitor is told', async () => {
    const told = async (site) => (await fetch(`${base}/chat/v1/${site}/config?lang=en`)).json();
    if ((await told(sites[language][0])).back) throw new Error('visitors are told of hours that are not set');
    const answer = (text) => page.locator('.answer .chip').getByText(text, { exact: true }).waitFor();
    await go('hours', t['settings.hours']);
    await answer(t['hours.unset']);
    await button(t['hours.fill']).click();
    await button(t['hours.days.add']).click();
    const today = new Date().toISOString().slice(0, 10);
    await page.getByLabel(t['hours.date'], { exact: true }).fill(today);
    await page.getByLabel(t['hours.name'], { exact: true }).fill(`Holiday ${mark}`);
    await answer(t['hours.shut']);
    await saved();
    await until('it is kept', async () => (await get('/hours')).items[0].days.some((d) => d.name === `Holiday ${mark}`));
    const back = (await told(sites[language][1])).back;
    if (!back || back.slice(0, 10) <= today) throw new Error('the visitor is told ' + back);
    await page.getByLabel(t['hours.try']).fill(back.slice(0, 16));
    await answer(t['hours.open']);
    await api(page, 'PUT', '/hours', { week: [[], [], [], [], [], [], []], days: [] });
  });

  await say('a lost second factor is reset', async () => {
    await go('operators', t['settings.operators']);
    const row = page.locator('tbody tr', { hasText: `lost-${language}@desk.example` });
    await row.getByText(t['operators.totp'], { exact: true }).waitFor();
    await button(t['action.edit'], row).click();
    await button(t['operators.factor'], dialog).click();
    await button(t['operators.factor'], dialog.filter({ hasText: t['operators.factor.title'] })).click();
    await row.getByText(t['operators.nototp'], { exact: true }).waitFor();
  });

  await say('a sign-in provider is tried, set and removed', async () => {
    await go('provider', t['settings.provider']);
    await page.getByText('/api/v1/session/provider/callback').waitFor();
    await form.getByLabel(t['provider.issuer']).fill('http://127.0.0.1:9');
    await button(t['provider.test'], form).click();
    await page.getByText(t['provider.test.bad']).waitFor();
    await form.getByLabel(t['provider.client'], { exact: true }).fill('desk');
    await form.getByLabel(t['provider.secret']).fill('hush ' + mark);
    await saved();
    await button(t['action.remove'], form).waitFor();
    if ((await form.getByLabel(t['provider.secret']).inputValue()) !== '') throw new Error('the secret is still there');
    await button(t['action.remove'], form).click();
    await button(t['action.remove'], dialog).click();
    await until('it is gone', async () => (await get('/sign-in-provider')).source === 'none');
  });

  await say('an operator has what is theirs and not the rest, at 390 px', async () => {
    const joe = await open('joe', { viewport: { width: 390, height: 844 } });
    await joe.goto(links[language]);
    await joe.locator('nav.rail').waitFor({ timeout: 20000 });
    await api(joe, 'PATCH', '/me', { language });
    await joe.goto(base + '/#/settings/canned');
    await joe.reload();
    await joe.getByRole('heading', { level: 1, name: t['settings.canned'], exact: true }).waitFor();
    const offered = await joe.locator('.settings select').first().locator('option').evaluateAll((all) => all.map((o) => o.value));
    for (const s of ['canned', 'macros', 'ratings']) if (!offered.includes(s)) throw new Error(`${s} is not offered`);
    for (const s of ['fields', 'tags', 'hours', 'survey', 'provider']) {
      if (offered.includes(s)) throw new Error(`${s} is offered`);
      await joe.goto(`${base}/#/settings/${s}`);
      await joe.getByRole('heading', { level: 1, name: t['settings.account'], exact: true }).waitFor();
      if (await joe.getByRole('heading', { level: 1, name: t['settings.' + s], exact: true }).count()) throw new Error(`${s} is shown`);
    }
    // Everybody's is there to use and not to change; one's own is.
    await joe.goto(base + '/#/settings/canned');
    const row = joe.locator('tbody tr', { hasText: `Greeting ${mark}` });
    await row.waitFor();
    if (await row.getByRole('button').count()) throw new Error('everybody’s can be removed');
    await joe.getByRole('link', { name: t['canned.new'], exact: true }).click();
    await joe.locator('main form').getByLabel(t['canned.title'], { exact: true }).fill(`Joe’s ${mark}`);
    await joe.locator('main form textarea').fill('Hi');
    await button(t['action.save'], joe.locator('main form')).click();
    await joe.locator('tbody tr', { hasText: `Joe’s ${mark}` }).getByText(t['owner.me'], { exact: true }).waitFor();
    if ((await get('/canned-replies')).items.some((c) => c.title === `Joe’s ${mark}`)) throw new Error('the administrator sees what is Joe’s own');
    await joe.context().close();
    delete pages.joe;
  });
}
