// What the browser scripts share: one Chromium, and checks that say what failed.
import { chromium } from 'playwright-core';

export const base = (process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
};

export const launch = (...more) => chromium.launch({ ...options, args: [...options.args, ...more] });

/** A browser whose profile lies in a folder, and so outlives it. */
export const launchFrom = (folder, more) => chromium.launchPersistentContext(folder, { ...options, ...more });

/** A call of the API with the page's own session. */
export async function api(page, method, path, body) {
  const answer = await page.evaluate(
    async ([method, path, body]) => {
      const r = await fetch('/api/v1' + path, {
        method,
        headers: { 'Content-Type': 'application/json', 'Holdfast-Client': 'console' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await r.text();
      return { status: r.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body],
  );
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What stands in the console's text field, whichever form it has. */
export const written = (field) => field.evaluate((e) => (e.value ?? e.innerText).trim());

/** Empties it as a person does: an editor that has just got the keyboard does not know yet what a script has selected. */
export async function clear(field) {
  await field.press('Control+a');
  await field.press('Delete');
}

/** Waits until a question is answered with yes, and says which one was not. */
export async function until(what, ask, ms = 30_000) {
  const end = Date.now() + ms;
  let last;
  do {
    try {
      if (await ask()) return;
    } catch (e) {
      last = e;
    }
    await new Promise((r) => setTimeout(r, 60));
  } while (Date.now() < end);
  throw new Error(`${what} did not come true in ${ms} ms${last ? ': ' + String(last.message).split('\n')[0] : ''}`);
}

/** The step that is under way: what failed, when something did. */
export let step = '';

/** Takes a step of a script, says that it went well and how long it took. */
export async function play(name, run) {
  step = name;
  const from = Date.now();
  const value = await run();
  console.log(`ok ${name} (${Date.now() - from} ms)`);
  return value;
}
