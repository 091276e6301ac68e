import { describe, expect, it } from 'vitest';
import { lockUp, unlockFile } from './carry';
import { Device, outageLimit, pinTries } from './device';
import { MemoryShelf } from './shelf';
import type { Me } from './words';

const me = (id = 'op', workspace = 'w'): Me => ({ operator: { id, name: 'Ann' }, workspace: { id: workspace }, lsn: 7 } as Me);
const deskKey = 'ab'.repeat(32);
const otherKey = 'cd'.repeat(32);

describe('this device', () => {
  it('opens for twelve hours without the desk, by its own clock, and no longer', async () => {
    // The clock is a day wrong, which changes nothing: only what passes counts.
    let now = Date.parse('2030-01-01T00:00:00Z');
    const shelf = new MemoryShelf();
    await new Device(shelf, () => now).welcome(me(), deskKey);
    now += outageLimit - 1000;
    const later = new Device(shelf, () => now);
    expect(await later.open()).toBe('ready');
    expect((await later.me())?.operator.name).toBe('Ann');
    now += 2000;
    expect(await new Device(shelf, () => now).open()).toBe('expired');
    // A clock that was put back does not give more time.
    now -= 3 * outageLimit;
    expect(await new Device(shelf, () => now).open()).toBe('expired');
  });

  it('keeps nothing that can be read without the key', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await d.welcome(me(), deskKey);
    const s = await d.pack({ text: 'the customer’s words' });
    expect(new TextDecoder().decode((s as { sealed: { data: ArrayBuffer } }).sealed.data)).not.toContain('customer');
    expect(await d.unpack(s)).toEqual({ text: 'the customer’s words' });
    d.lock();
    await expect(d.unpack(s)).rejects.toBeTruthy();
  });

  it('with a PIN opens only by it, and after five wrong ones only by the desk', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await d.welcome(me(), deskKey);
    await d.setPin('271828', deskKey);
    const s = await d.pack('unsent');
    await shelf.put('items', 'c', { s });

    const right = new Device(shelf);
    expect(await right.open()).toBe('locked');
    await expect(right.unpack(s)).rejects.toBeTruthy();
    expect(await right.unlock('271829')).toBe(pinTries - 1);
    expect(await right.unlock('271828')).toBe(true);
    expect(await right.unpack(s)).toBe('unsent');

    const thief = new Device(shelf);
    await thief.open();
    const answers = [];
    for (let i = 0; i < pinTries; i++) answers.push(await thief.unlock('00000' + i));
    expect(answers).toEqual([4, 3, 2, 1, 0]);
    expect(await thief.unlock('271828')).toBe(0);
    expect(await new Device(shelf).open()).toBe('expired');

    // The sign-in opens it again, with what is kept.
    const back = new Device(shelf);
    await back.open();
    expect(await back.welcome(me(), deskKey)).toBe(true);
    expect(await back.unpack(s)).toBe('unsent');
  }, 30_000);

  it('shows nothing of one person to another, and gives the first their own back', async () => {
    const shelf = new MemoryShelf();
    const a = new Device(shelf);
    await a.welcome(me('a'), deskKey);
    const s = await a.pack('of a');
    await shelf.put('items', 'c', { s });
    await shelf.put('work', 'k', { n: 1, s });
    const b = new Device(shelf);
    await b.open();
    expect(await b.welcome(me('b'), otherKey)).toBe(false);
    expect(await shelf.all('items')).toEqual([]);
    await expect(b.unpack(s)).rejects.toBeTruthy();
    await b.leave();
    const again = new Device(shelf);
    await again.open();
    await again.welcome(me('a'), deskKey);
    expect((await again.read('work')).map((x) => x.value)).toEqual(['of a']);
  });

  it('forgets at the sign-out what can be had again, and keeps work', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await d.welcome(me(), deskKey);
    for (const room of ['items', 'threads', 'resources', 'work'] as const) await shelf.put(room, 'x', { n: 1, s: await d.pack(room) });
    await d.leave();
    for (const room of ['items', 'threads', 'resources'] as const) expect(await shelf.all(room)).toEqual([]);
    expect((await shelf.all('work')).length).toBe(1);
    expect(await new Device(shelf).open()).toBe('none');
  });
});

describe('a file of unsent work', () => {
  const carried = { operator: 'a', name: 'Ann', workspace: 'w', at: '', work: [] };
  it('opens by its passphrase, and says what is wrong otherwise', async () => {
    const file = await lockUp(carried, 'correct horse battery');
    expect(file).not.toContain('Ann');
    expect(await unlockFile(file, 'correct horse battery')).toEqual(carried);
    await expect(unlockFile(file, 'wrong')).rejects.toMatchObject({ code: 'carry.wrong' });
    await expect(unlockFile('{"a":1}', 'x')).rejects.toMatchObject({ code: 'carry.strange' });
    await expect(unlockFile('no JSON', 'x')).rejects.toMatchObject({ code: 'carry.strange' });
  }, 30_000);
});
