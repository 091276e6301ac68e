// Writes in the console's text field, by keyboard: Markdown that becomes what it means, a
// table, a picture, a link, two directions; and looks at what the customer got, as mail
// and in the shop's chat. Environment: HOLDFAST_URL, HOLDFAST_LINK, CUSTOMER (POST /write,
// GET /letters), CHROMIUM, OUT (a folder for a picture of what failed). Prints every step
// and exits with 1 when one fails.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { api, base, launch, until, written } from '../web/test/browser.mjs';

const axe = readFileSync(createRequire(new URL('../web/test/axe.mjs', import.meta.url)).resolve('axe-core/axe.min.js'), 'utf8');
const t = JSON.parse(readFileSync(new URL('../web/texts/en.json', import.meta.url), 'utf8'));
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const mark = Date.now().toString(36);
const browser = await launch();
const broken = [];
let page;
let step = '';

const say = async (name, run) => {
  step = name;
  const from = Date.now();
  const value = await run();
  console.log(`ok ${name} (${Date.now() - from} ms)`);
  return value;
};
const expect = (what, ok) => {
  if (!ok) throw new Error(what);
};
const window = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', ...options });
  await context.addInitScript(axe);
  const p = await context.newPage();
  p.on('pageerror', (e) => broken.push(e.message));
  p.on('console', (m) => /Content.Security|Refused to/.test(m.text()) && broken.push(m.text()));
  return p;
};
const write = async (letter) => {
  const r = await fetch(process.env.CUSTOMER + '/write', { method: 'POST', body: JSON.stringify(letter) });
  if (!r.ok) throw new Error('the mail was not taken: ' + (await r.text()));
};
const field = () => page.locator('.composer .writing');
const type = (text) => page.keyboard.type(text);
const press = async (...keys) => {
  for (const k of keys) await page.keyboard.press(k);
};
const enter = async (text) => {
  const row = page.locator('section.list li a', { hasText: text }).first();
  await row.waitFor();
  await row.click();
  await page.locator('article').first().waitFor();
  await page.locator('.composer .rich').waitFor();
};
const letters = async (to) => (await (await fetch(process.env.CUSTOMER + '/letters')).json()).filter((l) => l.to.includes(to));
const clear = async () => {
  await press('Control+a', 'Delete');
  await until('the field is empty', async () => (await written(field())) === '');
};

try {
  page = await window();
  await page.goto(process.env.HOLDFAST_LINK);
  await page.locator('nav.rail').waitFor({ timeout: 20000 });
  await api(page, 'PATCH', '/me', { language: 'en' });
  await page.goto(base + '/#/inbox/open');
  await page.reload();
  const customer = `kim.${mark}@customer.example`;
  await say('a customer writes', () => write({ from: customer, message_id: `<${mark}@customer.example>`, subject: `Router ${mark}`, text: `How do I set it up? ${mark}` }));
  await say('the operator opens it and writes with a key', async () => {
    await enter(`Router ${mark}`);
    await field().blur();
    await press('r');
    await until('the field has the keyboard', () => page.evaluate(() => document.activeElement?.classList.contains('writing')));
  });
  await say('Markdown becomes what it means', async () => {
    await type('## Your router');
    await press('Enter');
    await type('Press **reset**, *gently*, then `ping 10.0.0.1` as snake_case says.');
    await press('Enter');
    await type('- Unplug it');
    await press('Enter');
    await type('Wait');
    await press('Enter', 'Enter');
    for (const [what, text] of [['h2', 'Your router'], ['strong', 'reset'], ['em', 'gently'], ['code', 'ping 10.0.0.1']]) {
      await field().locator(what, { hasText: text }).waitFor({ timeout: 3000 });
    }
    expect('the list has two points', (await field().locator('ul > li').count()) === 2);
    expect('signs are left', !/[*`#]/.test(await written(field())));
  });
  await say('a rule is taken back by Backspace, a change by undo', async () => {
    await type('1. ');
    await field().locator('ol').waitFor();
    await press('Backspace');
    await until('the sign is back', async () => /1\.\s*$/.test(await written(field())) && !(await field().locator('ol').count()));
    await press('Backspace', 'Backspace', 'Backspace');
    await type('zzz');
    await press('Control+z');
    await until('it is undone', async () => !(await written(field())).includes('zzz'));
  });
  await say('a Persian paragraph turns right to left by itself, its neighbour does not', async () => {
    await type('سلام، مودم را روشن کنید');
    const direction = (text) => field().locator('p', { hasText: text }).evaluate((e) => getComputedStyle(e).direction);
    await until('rtl', async () => (await direction('مودم')) === 'rtl');
    expect('the English one is left to right', (await direction('gently')) === 'ltr');
    expect('the page is left to right', (await page.evaluate(() => document.documentElement.dir)) === 'ltr');
  });
  await say('a table is made from a line and walked with Tab', async () => {
    await press('Enter');
    await type('| Plan | قیمت |');
    await press('Enter');
    await field().locator('table th').nth(1).waitFor();
    await type('Calm');
    await press('Tab');
    await type('500');
    expect('the cells', (await field().locator('td').allInnerTexts()).join() === 'Calm,500');
  });
  await say('the toolbar is reached, walked and left with keys', async () => {
    await press('Alt+F10');
    await until('the toolbar has the keyboard', () => page.evaluate(() => document.activeElement?.closest('[role=toolbar]') !== null));
    expect('one stop for Tab', (await page.locator('[role=toolbar] button[tabindex="0"]').count()) === 1);
    const change = page.getByRole('button', { name: t['editor.table.change'] });
    await press('End', 'ArrowLeft');
    await until('the table has the keyboard', () => change.evaluate((e) => e === document.activeElement));
    await press('Enter');
    await page.getByRole('option', { name: t['editor.table.row.below'] }).waitFor();
    await press('ArrowDown', 'Enter');
    await until('a row more', async () => (await field().locator('tr').count()) === 3);
    await press('Alt+F10', 'Escape');
    await until('the text has the keyboard', () => page.evaluate(() => document.activeElement?.classList.contains('writing')));
    await press('Tab', 'Tab');
    await press('ArrowDown');
  });
  await say('a link is set by keys', async () => {
    await press('Control+End');
    await press('ArrowDown');
    await type('the shop');
    await press('Shift+Control+ArrowLeft', 'Control+Shift+L');
    await page.getByLabel(t['editor.link.address']).waitFor();
    await type('shop.example/a_b');
    await press('Enter');
    await field().locator('a[href="https://shop.example/a_b"]', { hasText: 'shop' }).waitFor();
    await press('End');
    await type(' or javascript:alert(1)');
  });
  await say('a pasted picture stands in the text', async () => {
    await press('Enter');
    await page.evaluate((pixel) => {
      const bytes = Uint8Array.from(atob(pixel), (c) => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'cable.png', { type: 'image/png' }));
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, pixel);
    await field().locator('img[alt=cable]').waitFor();
    expect('it is among the files too', (await page.locator('.composer .files li').count()) === 0);
  });
  await say('what is pasted from Word keeps its words and loses its dress', async () => {
    await press('ArrowRight', 'Enter');
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/html', '<html><head><style>p{color:red}</style></head><body><p class=MsoNormal style="color:red">Word <b style="mso-bidi-font-weight:normal">bold</b><o:p></o:p></p><script>alert(1)</script><img src="http://elsewhere.example/x.gif" onerror="alert(1)"></body></html>');
      data.setData('text/plain', 'x');
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await field().locator('p', { hasText: 'Word bold' }).locator('strong').waitFor();
    const html = await field().innerHTML();
    expect('something strange came along: ' + html, !/Mso|style=|elsewhere|<script|onerror|data-o/.test(html));
  });
  await say('an emoji is found and put in by keys', async () => {
    await page.getByRole('button', { name: t['editor.emoji'], exact: true }).focus();
    await press('Enter');
    await page.getByRole('combobox', { name: t['editor.emoji.find'] }).waitFor();
    await type('صورت');
    await until('it is found by its Persian word', async () => (await page.locator('[role=option]', { hasText: '🧾' }).count()) === 1);
    await press('Enter');
    await until('it is in the text', async () => (await written(field())).includes('🧾'));
  });
  await say('axe finds nothing, with the toolbar and the emoji open', async () => {
    const find = (where) => page.evaluate(async (where) => {
      const r = await globalThis.axe.run(where, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }, resultTypes: ['violations'] });
      return r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`);
    }, where);
    const bad = await find('.composer');
    expect(bad.join('\n'), !bad.length);
    await page.getByRole('button', { name: t['editor.emoji'], exact: true }).click();
    await page.locator('[role=option]').first().waitFor();
    const worse = await find('.composer');
    expect(worse.join('\n'), !worse.length);
    await press('Escape');
  });
  await say('the draft is there again after a reload, formatted', async () => {
    await until('it is saved', async () => ((await api(page, 'GET', '/conversations/' + page.url().match(/[0-9a-f-]{36}/)[0])).draft?.text ?? '').includes('🧾'));
    const { draft } = await api(page, 'GET', '/conversations/' + page.url().match(/[0-9a-f-]{36}/)[0]);
    for (const want of ['## Your router', '**reset**', 'snake_case', '| Plan | قیمت |', '](https://shop.example/a_b)']) expect(`the draft lacks ${want}: ${draft.text}`, draft.text.includes(want));
  });
  await say('it is sent by a key, and the customer gets both forms', async () => {
    await field().focus();
    await press('Control+Enter');
    await until('the letter', async () => (await letters(customer)).length > 0);
    const [l] = await letters(customer);
    for (const want of ['<h2 dir="ltr"', '<strong>reset</strong>', '<em>gently</em>', '<li dir="ltr"', '<p dir="rtl"', '<table dir="ltr" border="1"', '<th dir="rtl" align="right"', 'href="https://shop.example/a_b"', 'font-family: ', '🧾'])
      expect(`the formatted part lacks ${want}: ${l.html}`, l.html.includes(want));
    const cid = /<img src="cid:([^"]+)" alt="cable"/.exec(l.html)?.[1];
    expect('the picture is not where the text looks for it: ' + JSON.stringify(l.inline), cid && l.inline.includes(cid) && l.files === 0);
    for (const want of ['Your router', 'Press reset, gently, then ping 10.0.0.1 as snake_case says.', '- Unplug it\n- Wait', 'Plan | قیمت\nCalm | 500', 'https://shop.example/a_b', '[cable]'])
      expect(`the plain part lacks ${want}: ${l.text}`, l.text.replace(/\r/g, '').includes(want));
    expect('signs are left in the plain part: ' + l.text, !/\*\*|`|##|\]\(/.test(l.text));
    await page.locator('article.out:not(.sending)', { hasText: 'Press reset, gently' }).waitFor();
    await until('the field is empty', async () => (await written(field())) === '');
    await press('Control+z');
    expect('what was sent does not come back by undo', (await written(field())) === '');
  });
  await say('a note shows its list and its mention', async () => {
    const self = (await api(page, 'GET', '/me')).operator.id;
    const colleague = (await api(page, 'GET', '/operators?limit=50')).items.find((o) => o.id !== self && !o.disabled);
    await field().blur();
    await press('n');
    await page.locator('.composer.note').waitFor();
    await type('- **first**');
    await press('Enter');
    await type('@' + colleague.name.slice(0, 3));
    await page.locator('.composer [role=option]', { hasText: colleague.name }).first().waitFor();
    await press('Enter');
    await type('look');
    await press('Control+Enter');
    const note = page.locator('article.note:not(.sending)').last();
    await note.locator('li', { hasText: 'first' }).locator('.bold').waitFor();
    await note.locator('li .mention', { hasText: '@' + colleague.name }).waitFor();
    expect('signs are left', !(await note.innerText()).includes('**'));
  });
  await say('a chat gets words that read well, without signs', async () => {
    const shop = await window();
    await shop.goto(`${base}/demo/shop?lang=en`);
    await shop.waitForSelector('holdfast-chat:not([hidden])', { state: 'attached' });
    await shop.click('.launcher');
    await shop.locator('textarea').fill(`Is it open? ${mark}`);
    await shop.locator('textarea').press('Enter');
    await page.goto(base + '/#/inbox/open');
    await enter(`Is it open? ${mark}`);
    await field().click();
    await type('**Yes**, see [our hours](https://shop.example/hours)');
    await field().locator('a').waitFor();
    expect('a chat takes pictures in the text', (await page.getByRole('button', { name: t['editor.picture'] }).count()) === 0);
    await press('Control+Enter');
    const bubble = shop.locator('.theirs', { hasText: 'Yes, see our hours (https://shop.example/hours)' });
    await bubble.waitFor();
    await shop.context().close();
  });
  await say('without the editor a plain field writes and sends', async () => {
    const storageState = await page.context().storageState();
    await page.context().close();
    page = await window({ storageState, serviceWorkers: 'block' });
    let refused = 0;
    await page.route(/assets\/(Rich|editor)-.*\.js/, (r) => (refused++, r.abort()));
    await page.goto(base + '/#/inbox/waiting');
    await page.locator('section.list li a', { hasText: `Router ${mark}` }).first().click();
    await page.locator('.composer textarea.writing').waitFor();
    await until('the editor was asked for', () => refused > 0);
    await field().click();
    await type('Just words');
    await press('Control+Enter');
    await until('the second letter', async () => (await letters(customer)).length === 2);
    expect('it says ' + (await letters(customer))[1].text, (await letters(customer))[1].text.trim() === 'Just words');
  });
  if (broken.length) throw new Error('errors in the pages: ' + [...new Set(broken)].join(' · '));
  console.log('the text field works');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (broken.length) console.error([...new Set(broken)].join(' · '));
  if (process.env.OUT && page) await page.screenshot({ path: `${process.env.OUT}/editor.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();
