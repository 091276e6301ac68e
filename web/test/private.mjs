// A desk of one's own for a script: made in a folder that goes with it, filled with
// conversations that never happened, and talked to as a program and as visitors.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

const program = new URL('../../bin/holdfast', import.meta.url).pathname;

/** Starts one with so many conversations of three messages. */
export async function openDesk(conversations) {
  const data = mkdtempSync(join(tmpdir(), 'holdfast-perf-'));
  const listen = `127.0.0.1:${await freePort()}`;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, HOLDFAST_DATA: data, HOLDFAST_LISTEN: listen, HOLDFAST_SMTP_LISTEN: '', HOLDFAST_LOG_LEVEL: 'error' };
  const run = (...args) => execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const token = run('token', 'create', '--role', 'administrator');
  run('operator', 'create', '--role', 'administrator', '--email', 'joe@desk.example', '--name', 'Joe', '--language', 'en');
  if (conversations) {
    const file = join(data, 'past.jsonl');
    writeFileSync(file, past(conversations));
    run('import', 'jsonl', file);
  }
  const serve = spawn(program, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  // A script that is told to stop leaves nothing running and nothing lying about.
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      serve.kill('SIGKILL');
      rmSync(data, { recursive: true, force: true });
      process.exit(1);
    });
  const ready = await new Promise((resolve, reject) => {
    serve.stdout.once('data', (line) => resolve(String(line)));
    serve.once('exit', (code) => reject(new Error(`the desk stopped with ${code}`)));
  });
  const base = `http://localhost:${listen.split(':')[1]}`;
  const ask = (path, method, body, key = token) => request(base + path, method, body, key);
  const api = (method, path, body) => ask('/api/v1' + path, method, body);
  return {
    base, api, link: `${base}/#/link?code=${ready.match(/code=(\S+)/)[1]}`,
    /** A chat without limits on who writes how much. */
    async chat() {
      const id = randomUUID();
      await api('POST', '/channels', { id, kind: 'chat', name: 'Site', settings: { visitor_per_minute: 0, address_per_minute: 0 } });
      return id;
    },
    /** Somebody in that chat: a function that writes a message there. */
    async visitor(chat, name) {
      const root = `/chat/v1/${chat}`;
      for (let tries = 0; ; tries++) {
        try {
          const { token } = await ask(root + '/session', 'POST', { name, lang: 'en' }, '');
          return (text) => ask(root + '/messages', 'POST', { id: randomUUID(), text }, token);
        } catch (e) {
          if (tries > 40) throw e; // the channel is starting
          await new Promise((r) => setTimeout(r, 100));
        }
      }
    },
    async close() {
      serve.removeAllListeners('exit');
      const gone = new Promise((r) => serve.once('exit', r));
      serve.kill('SIGINT');
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function request(url, method, body, token) {
  const r = await fetch(url, { method, headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await r.text();
  if (!r.ok) throw new Error(`${method} ${url}: ${r.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

const words = 'the router blinks since yesterday and the invoice says otherwise please look at it again because our street had no light for an hour and nobody called back'.split(' ');

/** Lines for the importer: the same for the same number. */
function past(n) {
  let seed = 7;
  const next = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const say = (length) => Array.from({ length }, () => words[next(words.length)]).join(' ');
  const now = Date.now();
  return Array.from({ length: n }, (_, i) => {
    const at = now - 3_600_000 - (n - i) * 240_000;
    return JSON.stringify({
      type: 'conversation', id: String(i), subject: `Matter ${i}: ${say(4)}`, status: 'open', created_at: new Date(at).toISOString(),
      customer: { id: String(i), name: `Customer ${i}`, emails: [`customer${i}@example.com`] },
      messages: ['in', 'out', 'in'].map((direction, k) => ({ id: `${i}-${k}`, direction, at: new Date(at + k * 60_000).toISOString(), text: say(12 + next(40)) })),
    });
  }).join('\n');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer();
    s.on('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}
