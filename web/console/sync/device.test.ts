import { describe, expect, it } from 'vitest';
import { lockUp, unlockFile } from './carry';
import { Client } from '../../protocol/client';
import { Device, pinTries } from './device';
import { MemoryShelf } from './shelf';
import type { Me } from './words';

const me = (id = 'op', workspace = 'w'): Me => ({ operator: { id, name: 'Ann' }, workspace: { id: workspace }, lsn: 7 } as Me);
const deskKey = 'ab'.repeat(32);
const otherKey = 'cd'.repeat(32);
const outageLimit = 12 * 3_600_000;

const base64url = (b: ArrayBuffer | Uint8Array) => Buffer.from(b as ArrayBuffer).toString('base64url');
const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const signer = base64url(await crypto.subtle.exportKey('raw', pair.publicKey));
async function signed(terms: object): Promise<string> {
  const body = new TextEncoder().encode(JSON.stringify(terms));
  return base64url(body) + '.' + base64url(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, body));
}
/** A desk that lets an operator go on for twelve hours by whatever clock the device has. */
const desk = (operator = 'op', key = deskKey) => new Client('', async (url) => {
  const from = Number(new URL(String(url), 'http://x').searchParams.get('clock'));
  return Response.json({ key, signer, permit: await signed({ operator, workspace: 'w', from, until: from + outageLimit }) });
});
/** Signs somebody in on a device. */
const enters = async (d: Device, who = me(), key = deskKey) => d.welcome(who, await d.ask(desk(who.operator.id, key), 1000));

describe('this device', () => {
  it('opens for twelve hours without the desk, by its own clock, and no longer', async () => {
    // The clock is a day wrong, which changes nothing: only what passes counts.
    let now = Date.parse('2030-01-01T00:00:00Z');
    const shelf = new MemoryShelf();
    await enters(new Device(shelf, () => now));
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

  it('goes by nothing but what the desk signed for this person, here', async () => {
    const now = Date.parse('2030-01-01T00:00:00Z');
    const opens = async (change: (p: { permit: { permit: string; signer: string }; contact: number }) => Promise<void> | void) => {
      const shelf = new MemoryShelf();
      await enters(new Device(shelf, () => now));
      const p = (await shelf.get<never>('meta', 'person'))! as { permit: { permit: string; signer: string }; contact: number };
      await change(p);
      await shelf.put('meta', 'person', p);
      return new Device(shelf, () => now + 13 * 3_600_000).open();
    };
    const longer = { operator: 'op', workspace: 'w', from: now, until: now + 30 * 86_400_000 };
    expect(await opens(async (p) => { p.permit.permit = await signed(longer); })).toBe('ready');
    expect(await opens((p) => { p.contact = now + 13 * 3_600_000; })).toBe('expired');
    expect(await opens((p) => { p.permit.permit = base64url(new TextEncoder().encode(JSON.stringify(longer))) + '.' + p.permit.permit.split('.')[1]; })).toBe('expired');
    expect(await opens(async (p) => { p.permit.permit = await signed({ ...longer, operator: 'another' }); })).toBe('expired');
    expect(await opens(async (p) => { p.permit.permit = await signed({ ...longer, workspace: 'another' }); })).toBe('expired');
    expect(await opens((p) => { delete (p as { permit?: unknown }).permit; })).toBe('expired');
  });

  it('keeps nothing that can be read without the key', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await enters(d);
    const s = await d.pack({ text: 'the customer’s words' });
    expect(new TextDecoder().decode((s as { sealed: { data: ArrayBuffer } }).sealed.data)).not.toContain('customer');
    expect(await d.unpack(s)).toEqual({ text: 'the customer’s words' });
    d.lock();
    await expect(d.unpack(s)).rejects.toBeTruthy();
  });

  it('with a PIN opens only by it, and after five wrong ones only by the desk', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await enters(d);
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
    expect(await enters(back)).toBe(true);
    expect(await back.unpack(s)).toBe('unsent');
  }, 30_000);

  it('shows nothing of one person to another, and gives the first their own back', async () => {
    const shelf = new MemoryShelf();
    const a = new Device(shelf);
    await enters(a, me('a'));
    const s = await a.pack('of a');
    await shelf.put('items', 'c', { s });
    await shelf.put('work', 'k', { n: 1, s });
    const b = new Device(shelf);
    await b.open();
    expect(await enters(b, me('b'), otherKey)).toBe(false);
    expect(await shelf.all('items')).toEqual([]);
    await expect(b.unpack(s)).rejects.toBeTruthy();
    await b.leave();
    const again = new Device(shelf);
    await again.open();
    await enters(again, me('a'));
    expect((await again.read('work')).map((x) => x.value)).toEqual(['of a']);
  });

  it('forgets at the sign-out what can be had again, and keeps work', async () => {
    const shelf = new MemoryShelf();
    const d = new Device(shelf);
    await enters(d);
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
