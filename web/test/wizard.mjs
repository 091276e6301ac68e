// Plays the first run in the console: an empty installation becomes a desk with an
// operator and a first channel. Environment: HOLDFAST_URL, HOLDFAST_LINK (the
// printed link that sets it up), CHROMIUM. Prints what failed and exits with 1.
import { api, base, launch, until } from './browser.mjs';

const browser = await launch();
const page = await (await browser.newContext({ locale: 'en-GB', viewport: { width: 1440, height: 900 } })).newPage();
const broken = [];
page.on('pageerror', (e) => broken.push(e.message));
try {
  await page.goto(process.env.HOLDFAST_LINK);
  await page.getByRole('button', { name: /Set up your own desk/ }).click();
  await page.getByLabel('Name of the company or desk').fill('Farnet');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Anna Petrova');
  await page.getByLabel('E-mail').fill('anna@example.com');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Create the desk' }).click();
  await page.getByRole('heading', { name: 'Connect your first channel' }).waitFor();
  await page.locator('ul.kinds a').first().click();
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await until('the channel is connected', async () => (await api(page, 'GET', '/channels')).items.length === 1);
  await page.goto(base + '/#/settings/account');
  await page.getByRole('heading', { name: 'My account' }).waitFor();
  if (broken.length) throw new Error(broken.join('; '));
  console.log('the first run works');
} catch (e) {
  console.error(`FAILED first run: ${e.message}`);
  if (process.env.OUT) await page.screenshot({ path: `${process.env.OUT}/wizard-failed.png` });
  process.exitCode = 1;
} finally {
  await browser.close();
}
