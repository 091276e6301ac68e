import { keyOf, rounds, seal, unseal } from './vault';
import type { Files } from './files';
import { Fault, type ID, type Me } from './words';
import type { Work } from './work';

/** What is only on this device, on its way to another one. */
export interface Carried { operator: ID; name: string; workspace: ID; at: string; work: Work[]; files?: { id: ID; name: string; type: string; data: string }[] }

interface File { holdfast: 'work'; version: 1; salt: string; rounds: number; iv: string; data: string }

const base64 = (b: ArrayBuffer | Uint8Array): string => {
  let s = '';
  for (const x of new Uint8Array(b)) s += String.fromCharCode(x);
  return btoa(s);
};
const bytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));

/** What of this person's work is only here, with its files, as a file that the passphrase opens. */
export async function carryOut(me: Me, list: Work[], files: Files, passphrase: string): Promise<string> {
  const work = list.filter((w) => w.kind !== 'read');
  const kept = await files.out(work.flatMap((w) => w.outgoing?.attachments ?? []));
  return lockUp({ operator: me.operator.id, name: me.operator.name, workspace: me.workspace.id, at: new Date().toISOString(), work, files: kept.map(({ bytes: b, ...f }) => ({ ...f, data: base64(b) })) }, passphrase);
}

/** Takes such a file in: its files before the work that names them. */
export async function carryIn(workspace: ID | undefined, text: string, passphrase: string, files: Files): Promise<Work[]> {
  const carried = await unlockFile(text, passphrase);
  if (carried.workspace !== workspace) throw new Fault(422, 'carry.elsewhere', 'This file is of another workspace.');
  for (const { data, ...f } of carried.files ?? []) await files.take({ ...f, bytes: bytes(data).buffer });
  return carried.work;
}

/** Writes a file that only the passphrase opens. */
export async function lockUp(carried: Carried, passphrase: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const { iv, data } = await seal(await keyOf(passphrase, salt), carried);
  return JSON.stringify({ holdfast: 'work', version: 1, salt: base64(salt), rounds, iv: base64(iv), data: base64(data) } satisfies File);
}

/** Reads such a file. A wrong passphrase and a damaged file cannot be told apart. */
export async function unlockFile(text: string, passphrase: string): Promise<Carried> {
  let f: File;
  try {
    f = JSON.parse(text) as File;
  } catch {
    f = {} as File;
  }
  // A file that asks for more rounds than this would only keep the browser busy.
  if (f.holdfast !== 'work' || f.version !== 1 || !(f.rounds >= 1 && f.rounds <= 5_000_000)) throw new Fault(422, 'carry.strange', 'This is not a file of unsent work.');
  try {
    return await unseal<Carried>(await keyOf(passphrase, bytes(f.salt), f.rounds), { iv: bytes(f.iv), data: bytes(f.data).buffer });
  } catch {
    throw new Fault(422, 'carry.wrong', 'The passphrase is wrong, or the file is damaged.');
  }
}
