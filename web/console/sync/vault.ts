/** A value as it lies on the device. */
export interface Sealed { iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }
/** A key that lies on the device, locked with another. */
export interface Wrapped extends Sealed { salt?: Uint8Array<ArrayBuffer>; rounds?: number }

/** As many as a person waits for without noticing, and as a thief's machine cannot make cheap. */
export const rounds = 600_000;

const random = (n: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(n));
const aes = { name: 'AES-GCM', length: 256 };

/** Whether this page may use keys: browsers give them to https and to localhost. */
export const mayLock = (): boolean => typeof crypto !== 'undefined' && crypto.subtle !== undefined;

/** The key of what this device keeps; it can be wrapped, and otherwise never leaves the browser. */
export const newKey = (): Promise<CryptoKey> => crypto.subtle.generateKey(aes, true, ['encrypt', 'decrypt']);

/** The same key in a form whose bytes no script can read. */
export async function unreadable(key: CryptoKey): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', await crypto.subtle.exportKey('raw', key), aes, false, ['encrypt', 'decrypt']);
}

/** A key made from what a person knows. */
export async function keyOf(secret: string, salt: Uint8Array<ArrayBuffer>, n = rounds): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret.normalize('NFKC')), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: n }, base, aes, false, ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey']);
}

/** A key from the desk, 64 hexadecimal digits. */
export function keyFromHex(hex: string): Promise<CryptoKey> {
  const bytes = new Uint8Array(hex.match(/../g)?.map((x) => parseInt(x, 16)) ?? []);
  return crypto.subtle.importKey('raw', bytes, aes, false, ['wrapKey', 'unwrapKey']);
}

export async function wrap(key: CryptoKey, by: CryptoKey): Promise<Wrapped> {
  const iv = random(12);
  return { iv, data: await crypto.subtle.wrapKey('raw', key, by, { name: 'AES-GCM', iv }) };
}

/** Throws when the other key is not the one. */
export function unwrap(w: Wrapped, by: CryptoKey): Promise<CryptoKey> {
  return crypto.subtle.unwrapKey('raw', w.data, by, { name: 'AES-GCM', iv: w.iv }, aes, true, ['encrypt', 'decrypt']);
}

export async function wrapWith(key: CryptoKey, secret: string): Promise<Wrapped> {
  const salt = random(16);
  return { ...(await wrap(key, await keyOf(secret, salt))), salt, rounds };
}

export const unwrapWith = async (w: Wrapped, secret: string): Promise<CryptoKey> => unwrap(w, await keyOf(secret, w.salt!, w.rounds));

export async function sealBytes(key: CryptoKey, bytes: BufferSource): Promise<Sealed> {
  const iv = random(12);
  return { iv, data: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, bytes) };
}

export const seal = (key: CryptoKey, value: unknown): Promise<Sealed> => sealBytes(key, new TextEncoder().encode(JSON.stringify(value)));

/** Throws when the key is not the one or a bit was changed. */
export const unsealBytes = (key: CryptoKey, s: Sealed): Promise<ArrayBuffer> => crypto.subtle.decrypt({ name: 'AES-GCM', iv: s.iv }, key, s.data);

/** Throws when the key is not the one or a bit was changed. */
export async function unseal<T>(key: CryptoKey, s: Sealed): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await unsealBytes(key, s))) as T;
}
