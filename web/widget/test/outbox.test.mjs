import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { load } from './load.mjs';

const { Outbox, PageShelf, Refused, Memory, newId } = await load('outbox', 'api', 'memory', 'ident');

/** A desk that stores one message for each visitor and id, over a line that may fail. */
class Desk {
  channel = 'c';
  stored = new Map();
  log = [];
  uploads = 0;
  sessions = 0;
  good = new Set();
  line = () => undefined; // throws what goes wrong, by step: "session", "upload", "post", "answer"

  memory;
  async session() {
    this.line('session');
    const old = this.memory.session();
    if (old) return old;
    const s = { token: `t${++this.sessions}`, visitor: `v${this.sessions}`, expires: '2099-01-01T00:00:00Z', who: '' };
    this.good.add(s.token);
    this.memory.hold(s);
    return s;
  }
  async upload(token, name) {
    this.line('upload');
    this.uploads++;
    return { id: `${token}/${name}`, name, type: '', size: 1, url: 'u' };
  }
  async post(token, m) {
    await undefined;
    this.line('post');
    if (!this.good.has(token)) throw new Refused(401, 'chat.token_invalid');
    const key = token + m.id;
    const duplicate = this.stored.has(key);
    if (!duplicate) this.stored.set(key, m);
    this.log.push(m.text);
    this.line('answer');
    return { id: m.id, message: 'stored-' + m.id, n: this.stored.size, duplicate };
  }
  batches = [];
  async postAll(token, messages) {
    this.batches.push(messages.length);
    const results = [];
    for (const m of messages) {
      try {
        results.push({ type: 'ok', ...(await this.post(token, m)) });
      } catch (e) {
        if (!(e instanceof Refused) || !results.length) throw e;
        if (e.passing) break;
        results.push({ type: 'error', id: m.id, code: e.code });
      }
    }
    return results;
  }
}

class Drawer {
  #m = new Map();
  getItem = (k) => this.#m.get(k) ?? null;
  setItem = (k, v) => void this.#m.set(k, v);
  removeItem = (k) => void this.#m.delete(k);
}

function page(desk, shelf, drawer) {
  const seen = { letters: [], sent: [], reached: [] };
  const memory = new Memory('c', drawer);
  desk.memory = memory;
  const box = new Outbox(desk, memory, shelf, {
    changed: (l) => (seen.letters = l),
    sent: (l, r) => seen.sent.push([l.text, r.duplicate]),
    reached: (y) => seen.reached.push(y),
  });
  return { box, seen, memory };
}

const letter = (text, files = []) => ({ id: newId(), text, at: Date.now(), page: 'p', files });
const settle = async () => {
  for (let i = 0; i < 60; i++) await new Promise((r) => setImmediate(r));
};
const offline = (...steps) => (step) => {
  if (steps.includes(step)) throw new Refused(0, 'offline');
};

test('a message is on the shelf before anything is sent, and gone after the answer', async (t) => {
  const desk = new Desk();
  const shelf = new PageShelf();
  const order = [];
  const put = shelf.put;
  shelf.put = async (l) => (order.push('put'), put(l));
  desk.line = (step) => order.push(step);
  const p = page(desk, shelf, new Drawer());
  t.after(() => p.box.close());
  await p.box.add(letter('hello'));
  await settle();
  assert.equal(order[0], 'put');
  assert.deepEqual(order.filter((s, i) => s !== order[i - 1]), ['put', 'session', 'put', 'post', 'answer']);
  assert.deepEqual(p.seen.sent, [['hello', false]]);
  assert.deepEqual(await shelf.all(), []);
  assert.equal(p.memory.known, true);
});

test('nothing is remembered of a visitor who could not write yet', async (t) => {
  const desk = new Desk();
  desk.line = offline('session');
  const p = page(desk, new PageShelf(), new Drawer());
  t.after(() => p.box.close());
  await p.box.add(letter('hello'));
  await settle();
  assert.equal(p.memory.known, false);
  assert.deepEqual(p.seen.reached, [false]);
  assert.equal(p.seen.letters.length, 1);
});

test('through a dead line and a closed tab, the message arrives once', async () => {
  for (const broken of ['session', 'post', 'answer']) {
    const desk = new Desk();
    const [shelf, drawer] = [new PageShelf(), new Drawer()];
    desk.line = offline(broken);
    const before = page(desk, shelf, drawer);
    await before.box.add(letter('one'));
    await before.box.add(letter('two'));
    await settle();
    before.box.close(); // the tab is closed
    assert.equal((await shelf.all()).length, 2, broken);

    desk.line = () => undefined;
    const after = page(desk, shelf, drawer);
    await after.box.flush();
    after.box.close();
    assert.deepEqual([...desk.stored.values()].map((m) => m.text), ['one', 'two'], broken);
    assert.deepEqual(await shelf.all(), []);
    assert.equal(new Set([...desk.stored.keys()].map((k) => k.slice(0, 2))).size, 1, 'one visitor');
  }
});

test('two tabs send the same shelf without doubling it', async () => {
  const desk = new Desk();
  const [shelf, drawer] = [new PageShelf(), new Drawer()];
  const one = page(desk, shelf, drawer);
  desk.line = offline('post');
  for (const text of ['a', 'b', 'c']) await one.box.add(letter(text));
  await settle();
  desk.line = () => undefined;
  const two = page(desk, shelf, drawer);
  await Promise.all([one.box.flush(), two.box.flush(), one.box.flush()]);
  await settle();
  one.box.close();
  two.box.close();
  assert.deepEqual([...desk.stored.values()].map((m) => m.text), ['a', 'b', 'c']);
  assert.deepEqual(await shelf.all(), []);
});

test('an upload that has come through is not repeated', async () => {
  const desk = new Desk();
  const [shelf, drawer] = [new PageShelf(), new Drawer()];
  desk.line = offline('post');
  const p = page(desk, shelf, drawer);
  await p.box.add(letter('see', [{ name: 'a.png', type: 'image/png', size: 1, blob: new Blob(['x']) }]));
  await settle();
  p.box.close();
  desk.line = () => undefined;
  const q = page(desk, shelf, drawer);
  await q.box.flush();
  q.box.close();
  assert.equal(desk.uploads, 1);
  assert.deepEqual([...desk.stored.values()][0].attachments, ['t1/a.png']);
});

test('what the desk refuses for good stays, is shown, and does not hold up the rest', async () => {
  const desk = new Desk();
  const shelf = new PageShelf();
  let first = true;
  desk.line = (step) => {
    if (step === 'post' && first) {
      first = false;
      throw new Refused(400, 'chat.message_too_long');
    }
  };
  const p = page(desk, shelf, new Drawer());
  await p.box.add(letter('bad'));
  await p.box.add(letter('good'));
  await settle();
  assert.deepEqual(p.seen.sent.map(([x]) => x), ['good']);
  assert.deepEqual(p.seen.letters.map((l) => [l.text, l.refused]), [['bad', 'chat.message_too_long']]);
  await p.box.retry(p.seen.letters[0].id);
  await settle();
  assert.deepEqual(p.seen.sent.map(([x]) => x), ['good', 'bad']);
  assert.deepEqual(await shelf.all(), []);
  p.box.close();
});

test('a refused message can be thrown away, by its writer alone', async () => {
  const desk = new Desk();
  const shelf = new PageShelf();
  desk.line = (step) => {
    if (step === 'post') throw new Refused(403, 'chat.refused');
  };
  const p = page(desk, shelf, new Drawer());
  await p.box.add(letter('bad'));
  await settle();
  assert.equal((await shelf.all()).length, 1);
  await p.box.discard(p.seen.letters[0].id);
  assert.equal((await shelf.all()).length, 0);
  p.box.close();
});

test('a token that is no longer good is renewed, once', async () => {
  const desk = new Desk();
  const [shelf, drawer] = [new PageShelf(), new Drawer()];
  const p = page(desk, shelf, drawer);
  await p.box.add({ ...letter('late'), token: 'expired', visitor: 'old' });
  await settle();
  assert.deepEqual(p.seen.sent, [['late', false]]);
  assert.equal(desk.sessions, 1);
  desk.good.clear();
  desk.session = async () => ({ token: 'never', visitor: 'x' });
  await p.box.add({ ...letter('shut out'), token: 'expired' });
  await settle();
  assert.deepEqual(p.seen.letters.map((l) => l.refused), ['chat.token_invalid']);
  p.box.close();
});

test('a letter goes out as the one who wrote it, whoever is signed in by then', async () => {
  const desk = new Desk();
  desk.good.add('ana');
  const [shelf, drawer] = [new PageShelf(), new Drawer()];
  desk.line = offline('post');
  const p = page(desk, shelf, drawer);
  await p.box.add({ ...letter('mine'), token: 'ana', visitor: 'a' });
  await settle();
  p.memory.hold({ token: 'ben', visitor: 'b', expires: '2099-01-01T00:00:00Z', who: 'ben' });
  desk.line = () => undefined;
  await p.box.flush();
  p.box.close();
  assert.deepEqual([...desk.stored.keys()].map((k) => k.slice(0, 3)), ['ana']);
});

test('without a disk the message still goes out', async () => {
  const desk = new Desk();
  const broken = { all: () => Promise.reject(new Error('no')), put: () => Promise.reject(new Error('no')), drop: () => Promise.reject(new Error('no')) };
  const p = page(desk, broken, new Drawer());
  await p.box.add(letter('hello'));
  await settle();
  assert.deepEqual(p.seen.sent.map(([x]) => x), ['hello']);
  assert.deepEqual(await p.box.letters(), []);
  p.box.close();
});

test('the desk says when to come back, and it is kept', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const desk = new Desk();
  let tries = 0;
  desk.line = (step) => {
    if (step === 'post' && ++tries === 1) throw new Refused(429, 'chat.too_many', 30);
  };
  const p = page(desk, new PageShelf(), new Drawer());
  await p.box.add(letter('hello'));
  await settle();
  t.mock.timers.tick(29_000);
  await settle();
  assert.equal(tries, 1);
  t.mock.timers.tick(1_500);
  await settle();
  assert.equal(tries, 2);
  assert.deepEqual(p.seen.sent.map(([x]) => x), ['hello']);
  p.box.close();
});

test('what has waited goes out in a few trips, in order, and a cut-off trip doubles nothing', async () => {
  const desk = new Desk();
  const [shelf, drawer] = [new PageShelf(), new Drawer()];
  desk.line = offline('session');
  const p = page(desk, shelf, drawer);
  const texts = Array.from({ length: 45 }, (_, i) => `m${i}`);
  for (const text of texts) await p.box.add(letter(text));
  await settle();
  let answers = 0;
  desk.line = (step) => {
    if (step === 'answer' && ++answers === 30) throw new Refused(0, 'offline'); // stored, and nobody hears of it
  };
  await p.box.flush();
  await p.box.flush();
  p.box.close();
  assert.deepEqual([...desk.stored.values()].map((m) => m.text), texts);
  assert.deepEqual(await shelf.all(), []);
  assert.ok(desk.batches.length <= 5, `${desk.batches}`);
});
