// Signs in by more than a password, in a real browser with an authenticator of its own:
// who lacks a second factor is led through setting one up and can do nothing else; then
// in by the passkey alone, by the password and the passkey, and by a recovery code.
// Environment: HOLDFAST_URL, CHROMIUM, OUT (a folder for pictures of what failed).
import { readFileSync } from 'node:fs';
import { api, base, launch, play, step, until } from '../web/test/browser.mjs';

const password = 'correct horse battery';
const browser = await launch();
let page;

try {
  for (const language of ['en', 'ru', 'fa']) await walk(language);
  console.log('all ways in work');
} catch (e) {
  console.error(`FAILED ${step}: ${e.message}`);
  if (process.env.OUT) await page?.screenshot({ path: `${process.env.OUT}/signin.png` }).catch(() => {});
  process.exitCode = 1;
}
await browser.close();

async function walk(language) {
  const texts = JSON.parse(readFileSync(new URL(`../web/texts/${language}.json`, import.meta.url)));
  const say = (name, run) => play(`[${language}] ${name}`, run);
  const context = await browser.newContext({ locale: language });
  page = await context.newPage();
  const broken = [];
  page.on('pageerror', (e) => broken.push(e.message));
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const button = (key) => page.getByRole('button', { name: texts[key], exact: true });
  const inside = () => page.locator('nav.rail').waitFor({ timeout: 15000 });
  const byPassword = async () => {
    await page.locator('input[name=email]').fill(`joe-${language}@desk.example`);
    await page.locator('input[name=password]').fill(password);
    await button('sign.go').click();
  };
  const out = async () => {
    await api(page, 'DELETE', '/session');
    await page.goto(base + '/?again=' + Math.random() + '#/');
    await page.locator('input[name=email]').waitFor();
  };

  await say('a password alone opens nothing but the setting up', async () => {
    await page.goto(base);
    await page.evaluate((l) => localStorage.setItem('holdfast.language', l), language);
    await page.reload();
    await byPassword();
    await page.getByRole('heading', { name: texts['enrol.title'] }).waitFor();
    if (await page.locator('nav.rail').count()) throw new Error('the desk is open');
    for (const path of ['/conversations', '/me', '/operators', '/me/sessions']) {
      const refused = await api(page, 'GET', path).then(() => '', (e) => e.message);
      if (!refused.includes('second_factor.required')) throw new Error(`${path}: ${refused}`);
    }
    await page.reload(); // a fresh page is no way around it
    await page.getByRole('heading', { name: texts['enrol.title'] }).waitFor();
  });
  const codes = await say('a passkey is made, the codes are shown, the desk opens', async () => {
    await button('passkey.add').click();
    await button('passkey.make').click();
    await page.locator('code.code').waitFor();
    const codes = (await page.locator('code.code').innerText()).trim().split(/\s+/);
    if (codes.length !== 10) throw new Error(`${codes.length} recovery codes`);
    await button('enrol.go').click();
    await inside();
    return codes;
  });
  await say('in by the passkey alone', async () => {
    await out();
    await button('sign.passkey').click();
    await inside();
  });
  await say('in by the password and the passkey', async () => {
    await out();
    await byPassword();
    await button('sign.passkey.use').click();
    await inside();
  });
  await say('in by the password and a recovery code, once', async () => {
    await out();
    await byPassword();
    const code = page.locator('input[autocomplete=one-time-code]');
    await code.fill(codes[0]);
    await button('sign.go').click();
    await inside();
    await out();
    await byPassword();
    await code.fill(codes[0]);
    await button('sign.go').click();
    await page.getByText(texts['fault.totp.wrong']).waitFor();
    await button('sign.passkey.use').click();
    await inside();
  });
  await say('the settings list it, rename it and keep the last one', async () => {
    await page.goto(base + '/#/settings/account');
    const row = page.locator('section', { has: page.getByRole('heading', { name: texts['passkey.title'], exact: true }) }).locator('li');
    await row.getByRole('button', { name: texts['passkey.rename'] }).click();
    await row.locator('input').fill('Shop counter');
    await row.getByRole('button', { name: texts['action.save'] }).click();
    await row.getByText('Shop counter').waitFor();
    await row.getByRole('button', { name: texts['action.remove'] }).click();
    await row.getByRole('button', { name: texts['passkey.remove.sure'] }).click();
    await page.getByText(texts['fault.second_factor.kept']).waitFor();
    await until('one code fewer', async () => (await api(page, 'GET', '/me/second-factor')).recovery_left === 9);
  });
  await say('a passkey of another desk opens nothing', async () => {
    await out();
    await devtools.send('WebAuthn.clearCredentials', { authenticatorId });
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    const { privateKey } = await page.evaluate(async () => {
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
      return { privateKey: btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)))) };
    });
    await devtools.send('WebAuthn.addCredential', {
      authenticatorId,
      credential: { credentialId: btoa('somebody else has it'), isResidentCredential: true, rpId: 'localhost', privateKey, userHandle: btoa('0123456789abcdef'), signCount: 1 },
    });
    await button('sign.passkey').click();
    await page.getByText(texts['fault.passkey.refused']).waitFor();
    if (await page.locator('nav.rail').count()) throw new Error('it opened');
  });
  if (broken.length) throw new Error(broken.join('; '));
  await context.close();
}
