import { mayLock } from './vault';
import type { ID } from './words';

/** What the desk signed, and the desk's public key; both base64url. */
export interface Permit { permit: string; signer: string }

/** By whom, where, and from when until when this device may go on without the desk; times in milliseconds by this device's own clock. */
export interface Terms { operator: ID; workspace: ID; from: number; until: number }

const bytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** Reads a permit; nothing when the desk did not sign just that. */
export async function readPermit(p: Permit | undefined): Promise<Terms | undefined> {
  if (!p || !mayLock()) return undefined;
  try {
    const [body, signature] = p.permit.split('.').map(bytes);
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const key = await crypto.subtle.importKey('raw', bytes(p.signer), curve, false, ['verify']);
    if (!(await crypto.subtle.verify({ ...curve, hash: 'SHA-256' }, key, signature!, body!))) return undefined;
    return JSON.parse(new TextDecoder().decode(body)) as Terms;
  } catch {
    return undefined;
  }
}
