// Makes the README's pictures: starts a demo in an empty folder, walks its outage as the
// journey does, and writes what is on the screen. Environment: OUT (a folder; default
// docs/pictures), BIN (the program; default bin/holdfast), CHROMIUM (the browser).
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const out = resolve(process.env.OUT ?? join(root, 'docs/pictures'));
const most = 150_000; // bytes of one picture
const data = mkdtempSync(join(tmpdir(), 'holdfast-pictures-'));
const port = await new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

const desk = spawn(resolve(process.env.BIN ?? join(root, 'bin/holdfast')), ['demo'], { env: { ...process.env, HOLDFAST_DATA: data, HOLDFAST_LISTEN: `127.0.0.1:${port}` }, stdio: ['ignore', 'pipe', 'ignore'] });
let failed = 0;
try {
  const link = await new Promise((done, fail) => {
    let said = '';
    desk.stdout.on('data', (b) => {
      const found = (said += b).match(/http\S+link\?code=\S+/);
      if (found) done(found[0]);
    });
    desk.on('exit', (code) => fail(new Error(`the demo ended with ${code}`)));
  });
  failed = await new Promise((done) =>
    spawn(process.execPath, [join(root, 'journeys/plug.mjs')], { env: { ...process.env, HOLDFAST_URL: new URL(link).origin, HOLDFAST_LINK: link, PICTURES: out }, stdio: 'inherit' }).on('exit', done),
  );
} finally {
  desk.removeAllListeners('exit');
  await new Promise((done) => {
    desk.on('exit', done);
    desk.kill();
  });
  rmSync(data, { recursive: true, force: true });
}
for (const name of readdirSync(out)) {
  const { size } = statSync(join(out, name));
  console.log(`${name} ${size} bytes`);
  if (size > most) failed ||= 1;
}
process.exit(failed);
