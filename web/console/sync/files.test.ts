import { beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../../protocol/client';
import { carryIn, carryOut } from './carry';
import { Device } from './device';
import { Files, isLocal, mostOfOne } from './files';
import { Pending } from './pending';
import { MemoryShelf } from './shelf';
import { Store } from './store';
import type { Attachment, Me, Outgoing } from './words';

const me = { operator: { id: 'o1', name: 'Joe' }, workspace: { id: 'w1' } } as Me;
let away = true;
let asked: { path: string; body: unknown }[] = [];

async function house(shelf = new MemoryShelf()) {
  const client = new Client('', async (url, o) => {
    const path = new URL(String(url), 'http://x').pathname.replace('/api/v1', '');
    if (away) throw new TypeError('cut off');
    const body = o?.body instanceof Blob ? await o.body.text() : o?.body && JSON.parse(String(o.body));
    asked.push({ path, body });
    if (path === '/attachments') return Response.json({ id: 'there', name: 'plan.txt', type: 'text/plain', size: 5, hash: 'abc' });
    return Response.json(path.endsWith('/messages') ? { items: [] } : { id: 'r1', conversation: 'c1', clock: '5', at: '', text: 'see', direction: 'out' });
  });
  const device = new Device(shelf);
  await device.welcome(me, undefined);
  const files = new Files(client, device);
  const pending = new Pending(client, new Store(), device, () => true, files);
  await pending.restore('o1', 'w1');
  return { files, pending, shelf, device };
}
const outgoing = (a: Attachment): Outgoing => ({ id: 'r1', conversation: 'c1', note: true, author: 'o1', channel: '', text: 'see', attachments: [a], at: '' });

describe('a file that was attached while the desk was away', () => {
  beforeEach(() => {
    away = true;
    asked = [];
  });

  it('waits on the device, sealed, and goes out before its message, once', async () => {
    const h = await house();
    const a = await h.files.upload(new File(['plans'], 'plan.txt', { type: 'text/plain' }), true);
    expect(isLocal(a)).toBe(true);
    expect(a).toMatchObject({ name: 'plan.txt', size: 5 });
    const row = (await h.shelf.all<{ s: { sealed: { data: ArrayBuffer } } }>('files'))[0]!;
    expect(new TextDecoder().decode(row.s.sealed.data)).not.toContain('plans');
    await h.pending.send(outgoing(a));
    expect(asked).toEqual([]);
    expect(await h.shelf.all('files')).toHaveLength(1);

    away = false;
    h.pending.pump();
    await h.pending.idle();
    expect(asked.map((x) => x.path)).toEqual(['/attachments', '/conversations/c1/notes']);
    expect(asked[0]!.body).toBe('plans');
    expect((asked[1]!.body as { attachments: Attachment[] }).attachments).toEqual([expect.objectContaining({ id: 'there', hash: 'abc' })]);
    expect(await h.shelf.all('files')).toEqual([]);
    expect(h.pending.list).toEqual([]);
  });

  it('is refused with a clear word when it would fill the device', async () => {
    const h = await house();
    const big = { name: 'film.mp4', type: 'video/mp4', size: mostOfOne + 1, arrayBuffer: () => Promise.reject(new Error('it was read')) } as unknown as File;
    await expect(h.files.upload(big, false)).rejects.toMatchObject({ code: 'device.file_too_big' });
    expect(await h.shelf.all('files')).toEqual([]);
  });

  it('that the desk refuses is not kept', async () => {
    away = false;
    const device = new Device(new MemoryShelf());
    const files = new Files(new Client('', async () => Response.json({ code: 'attachment.too_large' }, { status: 413 })), device);
    await expect(files.upload(new File(['x'], 'x'), true)).rejects.toMatchObject({ status: 413 });
    expect(await device.shelf.all('files')).toEqual([]);
  });

  it('is carried to another device with its message', async () => {
    const h = await house();
    const a = await h.files.upload(new File(['plans'], 'plan.txt'), false);
    await h.pending.send(outgoing(a));
    const text = await carryOut(me, h.pending.list, h.files, 'a long passphrase');
    expect(text).not.toContain('plans');
    const other = await house();
    await other.pending.bring(await carryIn('w1', text, 'a long passphrase', other.files));
    away = false;
    other.pending.pump();
    await other.pending.idle();
    expect(asked.filter((x) => x.path === '/attachments').map((x) => x.body)).toEqual(['plans']);
  });

  it('goes a day after nothing names it, and not before', async () => {
    let now = 1000;
    const device = new Device(new MemoryShelf());
    const files = new Files(new Client(), device, () => now);
    const a = await files.upload(new File(['x'], 'x'), false);
    now += 86_000_000;
    await files.tidy(new Set());
    expect(await device.shelf.all('files')).toHaveLength(1);
    now += 1_000_000;
    await files.tidy(new Set([a.id]));
    expect(await device.shelf.all('files')).toHaveLength(1);
    await files.tidy(new Set());
    expect(await device.shelf.all('files')).toEqual([]);
  });
});
