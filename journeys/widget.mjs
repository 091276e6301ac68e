// A visitor on a bad line. Environment: PAGE, EACH, CHROMIUM. Prints what took how
// long; exits with 1 when something is lost, doubled or out of order, or late.
import { launch, until } from '../web/test/browser.mjs';

const each = Number(process.env.EACH);
const browser = await launch();
const page = await (await browser.newContext()).newPage();
const errors = [];
page.on('pageerror', (e) => errors.push(String(e)));
const fail = (text) => {
  throw new Error(text);
};

try {
  await page.goto(process.env.PAGE, { waitUntil: 'load' });
  const loaded = Date.now();
  await page.locator('.launcher').click({ timeout: 15000 });
  await page.locator('textarea').pressSequentially('question ', { timeout: 15000 });
  const typed = Date.now() - loaded;
  // The field that was there first hands over to the chat's own, with what is in it.
  await page.locator('.composer textarea').waitFor({ timeout: 30000 });
  const whole = Date.now() - loaded;
  if ((await page.inputValue('.composer textarea')) !== 'question ') fail('what was typed while the chat was loading is gone');
  await page.locator('.composer textarea').pressSequentially('1');
  const enter = async () => {
    await page.press('.composer textarea', 'Enter');
    await until('the field is empty, the text is safe', async () => (await page.inputValue('.composer textarea')) === '');
  };
  await enter();
  for (let i = 2; i <= each; i++) {
    await page.fill('.composer textarea', `question ${i}`);
    await enter();
  }
  const texts = (cls) => page.evaluate((cls) => [...document.querySelector('holdfast-chat').shadowRoot.querySelectorAll(`.${cls} .text`)].map((e) => e.textContent), cls);
  const waiting = () => page.locator('.mine .i-clock').count();
  await until('all that was written is on the desk', async () => (await texts('mine')).length === each && (await waiting()) === 0, 150_000);
  await until('all answers are here', async () => (await texts('theirs')).length >= each, 60_000);
  await page.waitForTimeout(1000); // a double would come late
  const [mine, theirs] = [await texts('mine'), await texts('theirs')];
  const want = (word) => JSON.stringify(Array.from({ length: each }, (_, i) => `${word} ${i + 1}`));
  if (JSON.stringify(mine) !== want('question')) fail('his own: ' + mine.join(', '));
  if (JSON.stringify(theirs) !== want('answer')) fail('the answers: ' + theirs.join(', '));
  if (errors.length) fail(errors.join('\n'));
  console.log(JSON.stringify({ typed_ms: typed, whole_ms: whole, all_ms: Date.now() - loaded }));
  if (typed > 4000) fail(`the first message could be typed only after ${typed} ms`);
} finally {
  await browser.close();
}
