import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live, type LiveState } from './live';
import type { Frame } from './desk';

class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onmessage: ((e: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  say(frame: unknown) {
    this.readyState = 1;
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  fail() {
    this.readyState = 3;
    this.onclose?.();
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
  }
}
class FakeEvents extends FakeSocket {
  override fail() {
    this.onerror?.();
  }
  addEventListener() {}
}

let after = 10;
let frames: Frame[];
let states: LiveState[];
let live: Live;
const last = () => FakeSocket.all.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  after = 10;
  frames = [];
  states = [];
  live = new Live({
    after: () => after,
    url: (transport, n) => `${transport}?after=${n}`,
    onFrame: (f) => void frames.push(f),
    onState: (s) => void states.push(s),
    Socket: FakeSocket as unknown as typeof WebSocket,
    Events: FakeEvents as unknown as typeof EventSource,
    random: () => 0.5,
  });
  live.start();
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

describe('the live stream', () => {
  it('is live after its first frame and resumes from what was applied', () => {
    expect(last().url).toBe('socket?after=10');
    expect(states.at(-1)).toBe('connecting');
    last().say({ type: 'hello', lsn: 10 });
    expect(states.at(-1)).toBe('live');
    after = 42;
    last().fail();
    expect(states.at(-1)).toBe('lost');
    vi.advanceTimersByTime(1000);
    expect(last().url).toBe('socket?after=42');
  });

  it('takes twelve seconds of silence for a dead line, and pings for a living one', () => {
    last().say({ type: 'hello', lsn: 10 });
    for (let i = 0; i < 6; i++) {
      vi.advanceTimersByTime(5000);
      last().say({ type: 'ping', lsn: 10, at: '' });
    }
    expect(states.at(-1)).toBe('live');
    expect(FakeSocket.all).toHaveLength(1);
    vi.advanceTimersByTime(12_100);
    expect(states).toContain('lost');
  });

  it('turns to server-sent events when sockets never say hello, and back when those fail', () => {
    last().fail();
    vi.advanceTimersByTime(2000);
    last().fail();
    vi.advanceTimersByTime(2000);
    expect(last().url).toBe('events?after=10');
    last().say({ type: 'hello', lsn: 10 });
    expect(states.at(-1)).toBe('live');
    last().fail();
    vi.advanceTimersByTime(5000);
    expect(last().url).toBe('events?after=10');
    last().fail();
    vi.advanceTimersByTime(10_000);
    expect(last().url).toBe('socket?after=10');
  });

  it('waits longer each time, and not for ever', () => {
    const gaps: number[] = [];
    for (let i = 0; i < 12; i++) {
      const n = FakeSocket.all.length;
      last().fail();
      let waited = 0;
      while (FakeSocket.all.length === n) {
        vi.advanceTimersByTime(100);
        waited += 100;
      }
      gaps.push(waited);
    }
    expect(gaps[0]).toBeLessThan(1000);
    expect(gaps[4]!).toBeGreaterThan(gaps[1]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(15_100);
  });

  it('hears nothing more from a line it gave up, and nothing breaks on a torn frame', () => {
    const old = last();
    old.say({ type: 'hello', lsn: 10 });
    old.onmessage?.({ data: '{"type":"ent' });
    live.stop();
    old.say({ type: 'ping', lsn: 11, at: '' });
    expect(frames.map((f) => f.type)).toEqual(['hello']);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(states.at(-1)).toBe('off');
  });

  it('tries at once when the network is back', () => {
    last().say({ type: 'hello', lsn: 10 });
    last().fail();
    const n = FakeSocket.all.length;
    live.hurry();
    expect(FakeSocket.all).toHaveLength(n + 1);
  });
});
