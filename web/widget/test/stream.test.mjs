import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { load } from './load.mjs';

const { Stream, Refused, SILENCE } = await load('stream', 'api');

const item = (n) => ({ type: 'item', item: { n, id: `i${n}`, direction: 'out', text: `m${n}`, at: '2026-11-22T09:00:00Z' } });
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((r) => setImmediate(r));
};

/** A network whose doors a test opens and shuts. */
function net(open = ['ws', 'events', 'poll']) {
  const world = { open: new Set(open), tries: [], live: undefined, said: [], polls: [] };
  class Line {
    constructor(url) {
      const path = new URL(url.replace(/^ws/, 'http')).pathname.split('/').pop();
      world.tries.push(path + '@' + new URL(url.replace(/^ws/, 'http')).searchParams.get('after'));
      world.live = this;
      setImmediate(() => (world.open.has(path) ? this.onopen?.() : (this.onclose ?? this.onerror)?.()));
    }
    send(s) {
      world.said.push(JSON.parse(s));
    }
    close() {
      this.closed = true;
    }
  }
  world.WebSocket = world.EventSource = Line;
  world.gives = (f) => world.live.onmessage({ data: JSON.stringify(f) });
  world.breaks = () => (world.live.onclose ?? world.live.onerror)();
  world.api = {
    url: 'http://desk/chat/v1/c/',
    poll: (token, after, wait) => {
      world.tries.push('poll@' + after);
      if (!world.open.has('poll')) return Promise.reject(new Refused(world.status ?? 0, 'x'));
      return new Promise((r) => world.polls.push({ r, wait }));
    },
    signal: async (token, f) => void world.said.push(f),
  };
  return world;
}

function start(world) {
  const got = { items: [], links: [], typing: [], seen: [], denied: 0 };
  const s = new Stream(world.api, () => 'tok', {
    item: (i) => got.items.push(i.n),
    link: (l) => got.links.push(l),
    typing: (n) => got.typing.push(n),
    seen: (n) => got.seen.push(n),
    denied: async () => void got.denied++,
  }, world);
  s.start();
  return { s, got };
}

test('items come in order and once, and are acknowledged', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  const { s, got } = start(w);
  await settle();
  assert.deepEqual(w.tries, ['ws@0']);
  for (const n of [1, 2, 2, 1, 5]) w.gives(item(n));
  w.gives({ type: 'ping' });
  w.gives({ type: 'typing', name: 'Joe' });
  w.gives({ type: 'seen', n: 2 });
  w.live.onmessage({ data: 'not json' });
  w.gives({ type: 'of a newer desk' });
  t.mock.timers.tick(300);
  assert.deepEqual(got.items, [1, 2, 5]);
  assert.deepEqual(w.said, [{ type: 'pong' }, { type: 'ack', n: 5 }]);
  assert.deepEqual([got.typing, got.seen, got.links], [['Joe'], [2], ['connecting', 'live']]);
  s.stop();
});

test('it comes back with the number it has', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  const { s, got } = start(w);
  await settle();
  w.gives(item(7));
  t.mock.timers.tick(10_000);
  w.breaks();
  await settle();
  t.mock.timers.tick(1100);
  await settle();
  w.gives(item(7));
  w.gives(item(8));
  assert.deepEqual(w.tries, ['ws@0', 'ws@7']);
  assert.deepEqual(got.items, [7, 8]);
  s.stop();
});

test('a line that has fallen silent is left', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  const { s } = start(w);
  await settle();
  t.mock.timers.tick(SILENCE - 1000);
  w.gives({ type: 'ping' }); // a heartbeat in time
  t.mock.timers.tick(SILENCE - 1000);
  await settle();
  assert.equal(w.tries.length, 1);
  const dead = w.live;
  t.mock.timers.tick(2000);
  await settle();
  assert.equal(dead.closed, true);
  t.mock.timers.tick(1100);
  await settle();
  assert.equal(w.tries.length, 2);
  s.stop();
});

test('where WebSocket is blocked it takes events, where those are, long-poll', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net(['events']);
  const { s, got } = start(w);
  await settle();
  assert.deepEqual(w.tries, ['ws@0', 'events@0']);
  w.gives(item(3));
  t.mock.timers.tick(300);
  assert.deepEqual(w.said, [{ type: 'ack', n: 3 }]); // by POST: events carry nothing back
  s.stop();

  const w2 = net(['poll']);
  const second = start(w2);
  await settle();
  assert.deepEqual(w2.tries, ['ws@0', 'events@0', 'poll@0']);
  assert.equal(w2.polls[0].wait, 0);
  w2.polls[0].r({ items: [item(1).item, item(2).item], last: 2, typing: 'Joe', seen: 1 });
  await settle();
  assert.deepEqual(second.got.items, [1, 2]);
  assert.deepEqual([second.got.typing, second.got.seen, second.got.links.at(-1)], [['Joe'], [1], 'live']);
  assert.equal(w2.tries.at(-1), 'poll@2');
  assert.equal(w2.polls[1].wait, 25);
  // After a while it looks whether better is to be had, from the same number.
  w2.open.add('ws');
  t.mock.timers.tick(6 * 60_000);
  w2.polls[1].r({ items: [], last: 2 });
  await settle();
  t.mock.timers.tick(1100);
  await settle();
  assert.equal(w2.tries.at(-1), 'ws@2');
  second.s.stop();
  assert.deepEqual(got.items, [3]);
});

test('a handshake that nobody answers counts as blocked', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  w.WebSocket = class {
    constructor() {
      w.tries.push('black hole');
    }
    close() {}
  };
  const { s } = start(w);
  await settle();
  t.mock.timers.tick(7000);
  await settle();
  assert.deepEqual(w.tries, ['black hole', 'events@0']);
  s.stop();
});

test('a proxy that cuts each WebSocket at once does not keep us', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  const { s } = start(w);
  for (let i = 0; i < 3; i++) {
    await settle();
    w.breaks();
    await settle();
    t.mock.timers.tick(1100);
  }
  await settle();
  assert.deepEqual(w.tries, ['ws@0', 'ws@0', 'ws@0', 'events@0']);
  s.stop();
});

test('without a network it says so, waits longer each time, and comes when called', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net([]);
  const { s, got } = start(w);
  await settle();
  assert.deepEqual(got.links, ['connecting', 'offline']);
  assert.deepEqual(w.tries, ['ws@0', 'events@0', 'poll@0']);
  t.mock.timers.tick(100);
  await settle();
  assert.equal(w.tries.length, 3);
  w.open.add('ws');
  s.nudge(); // the browser says "online"
  await settle();
  assert.equal(w.tries.length, 4);
  assert.deepEqual(got.links, ['connecting', 'offline', 'live']);
  s.stop();
});

test('a token that is no longer good is renewed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net([]);
  w.status = 401;
  const { s, got } = start(w);
  await settle();
  assert.equal(got.denied, 1);
  s.stop();
});

test('stopped is stopped, and started again is one stream', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const w = net();
  const { s, got } = start(w);
  await settle();
  const first = w.live;
  s.stop();
  s.start();
  await settle();
  assert.equal(first.closed, true);
  assert.equal(w.tries.length, 2);
  t.mock.timers.tick(10_000);
  await settle();
  w.gives(item(1));
  assert.deepEqual(got.items, [1]);
  s.stop();
});
