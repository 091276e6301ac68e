import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Update } from './update';

class Worker extends EventTarget {
  state = 'installed';
  told: unknown[] = [];
  postMessage(m: unknown): void {
    this.told.push(m);
  }
}

describe('a newer build', () => {
  const reload = vi.fn();
  let waiting: Worker;
  beforeEach(() => {
    vi.useFakeTimers();
    reload.mockClear();
    waiting = new Worker();
    const registration = Object.assign(new EventTarget(), { waiting, active: new Worker(), update: async () => {} });
    const container = Object.assign(new EventTarget(), { controller: {}, register: async () => registration });
    vi.stubGlobal('navigator', { serviceWorker: container });
    vi.stubGlobal('location', { reload });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is offered, and loads nothing by itself', async () => {
    const changed = vi.fn();
    const update = new Update(changed);
    await update.start();
    vi.advanceTimersByTime(60_000);
    expect([update.ready, changed.mock.calls.length, waiting.told, reload.mock.calls.length]).toEqual([true, 1, [], 0]);
  });

  it('is loaded as soon as it has taken over', async () => {
    const update = new Update(() => {});
    await update.start();
    update.take();
    expect([waiting.told, reload.mock.calls.length]).toEqual([['take-over'], 0]);
    waiting.state = 'activated';
    waiting.dispatchEvent(new Event('statechange'));
    expect(reload).toHaveBeenCalledTimes(1);
  });

  it('is loaded within seconds where the old one does not let go', async () => {
    const update = new Update(() => {});
    await update.start();
    update.take();
    vi.advanceTimersByTime(1000);
    expect(reload).not.toHaveBeenCalled();
    vi.advanceTimersByTime(9000);
    expect(reload).toHaveBeenCalledTimes(1);
  });
});
