import type { Client } from '../../protocol/client';
import type { Device, Packed } from './device';
import { asFault, Fault, uuid7, type Attachment, type ID } from './words';

interface Row { id: ID; at: number; size: number; name: string; type: string; s: Packed }

/** What one file, and all of them together, may take of this device, in bytes. */
export const mostOfOne = 25e6;
export const mostOfAll = 100e6;
/** A file that nothing unsent names any more is kept this long, for a text that was taken back. */
const grace = 86_400_000;

/** Whether a file is only on this device: the desk names those that it has by their bytes. */
export const isLocal = (a: Attachment): boolean => !a.hash;

/**
 * Files that were attached while the desk was out of reach: kept here, encrypted like
 * the rest, until they go out before the message that they belong to. It refuses what
 * would fill the device.
 */
export class Files {
  constructor(
    private readonly client: Client,
    private readonly device: Device,
    private readonly now: () => number = Date.now,
  ) {}

  /** Gives a file to the desk, or where that is out of reach to this device. */
  async upload(file: File, reached: boolean): Promise<Attachment> {
    if (!reached) return this.keep(file);
    try {
      return await this.post(file, file.name);
    } catch (error) {
      if (asFault(error).status !== 0) throw error;
      return this.keep(file);
    }
  }

  private post(raw: Blob, name: string): Promise<Attachment> {
    return this.client.call<Attachment>('POST', '/attachments', { query: { name }, raw });
  }

  private async keep(file: File): Promise<Attachment> {
    const kept = await this.device.shelf.all<Row>('files').catch(() => []);
    if (file.size > mostOfOne || kept.reduce((sum, r) => sum + r.size, file.size) > mostOfAll)
      throw new Fault(413, 'device.file_too_big', 'This file is too big for this device to keep until the desk can be reached.');
    return this.put(uuid7(), file.name || 'file', file.type || 'application/octet-stream', await file.arrayBuffer());
  }

  private async put(id: ID, name: string, type: string, bytes: ArrayBuffer): Promise<Attachment> {
    try {
      await this.device.shelf.put('files', id, { id, at: this.now(), size: bytes.byteLength, name, type, s: await this.device.packBytes(bytes) } satisfies Row, true);
    } catch {
      throw new Fault(0, 'device.full', 'This device cannot keep what you wrote.');
    }
    return { id, name, type, size: bytes.byteLength, hash: '' };
  }

  /** Gives one that was kept to the desk. It stays here until its message is there, too. */
  async send(a: Attachment): Promise<Attachment> {
    const row = await this.device.shelf.get<Row>('files', a.id);
    if (!row) throw new Fault(410, 'device.file_gone', 'A file of this message is not on this device any more.');
    return this.post(new Blob([await this.device.unpackBytes(row.s)], { type: row.type }), row.name);
  }

  forget(ids: ID[]): Promise<void> {
    return ids.length ? this.device.shelf.remove('files', ...ids).catch(() => {}) : Promise.resolve();
  }

  /** Lets go of what nobody needs: those that no unsent work names, after a day. */
  async tidy(named: Set<ID>): Promise<void> {
    const rows = await this.device.shelf.all<Row>('files').catch(() => []);
    await this.forget(rows.filter((r) => !named.has(r.id) && this.now() - r.at > grace).map((r) => r.id));
  }

  /** Those of these that are here, to be carried to another device. */
  async out(files: Attachment[]): Promise<{ id: ID; name: string; type: string; bytes: ArrayBuffer }[]> {
    const rows = await Promise.all(files.filter(isLocal).map((a) => this.device.shelf.get<Row>('files', a.id)));
    return Promise.all(rows.filter((r) => r !== undefined).map(async ({ id, name, type, s }) => ({ id, name, type, bytes: await this.device.unpackBytes(s) })));
  }

  async take(f: { id: ID; name: string; type: string; bytes: ArrayBuffer }): Promise<void> {
    await this.put(f.id, f.name, f.type, f.bytes);
  }
}
