// Ids that the client makes itself, so that sending again is the same message.

const hex = (bytes: Uint8Array): string => {
  let s = '';
  bytes.forEach((b, i) => {
    if (i === 4 || i === 6 || i === 8 || i === 10) s += '-';
    s += b.toString(16).padStart(2, '0');
  });
  return s;
};

let last = 0;

/** A version 7 UUID: it also says when the message was written. Ids of one page increase. */
export function newId(now = Date.now()): string {
  const b = crypto.getRandomValues(new Uint8Array(16));
  last = Math.max(last + 1, now); // two in one millisecond keep their order
  for (let i = 5, t = last; i >= 0; i--, t = Math.floor(t / 256)) b[i] = t % 256;
  b[6] = (b[6]! & 0x0f) | 0x70;
  b[8] = (b[8]! & 0x3f) | 0x80;
  return hex(b);
}

/**
 * The id under which the desk stores this visitor's message: the moment of its own id,
 * then the hash of (account, visitor + ":" + id), as a version 8 UUID. By it the widget knows its own message when
 * the desk shows it, even when the answer to its sending was lost.
 */
export function storedId(account: string, visitor: string, id: string): string {
  const bytes = (of: string) => (of.replace(/-/g, '').match(/../g) ?? []).map((h) => parseInt(h, 16));
  const name = new TextEncoder().encode(visitor + ':' + id);
  const space = bytes(account);
  const all = new Uint8Array(space.length + name.length);
  all.set(space);
  all.set(name, space.length);
  const out = sha1(all).slice(0, 16);
  out.set(bytes(id).slice(0, 6));
  out[6] = (out[6]! & 0x0f) | 0x80;
  out[8] = (out[8]! & 0x3f) | 0x80;
  return hex(out);
}

/** SHA-1 (FIPS 180-4). crypto.subtle is not there on pages without TLS; this protects nothing, it only names. */
export function sha1(data: Uint8Array): Uint8Array {
  const size = ((data.length + 8) >> 6) + 1;
  const w = new DataView(new ArrayBuffer(size * 64));
  data.forEach((b, i) => w.setUint8(i, b));
  w.setUint8(data.length, 0x80);
  w.setUint32(size * 64 - 4, data.length * 8);
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const rot = (x: number, n: number) => (x << n) | (x >>> (32 - n));
  const x = new Int32Array(80);
  for (let at = 0; at < size * 64; at += 64) {
    for (let i = 0; i < 80; i++) x[i] = i < 16 ? w.getInt32(at + i * 4) : rot(x[i - 3]! ^ x[i - 8]! ^ x[i - 14]! ^ x[i - 16]!, 1);
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4];
    for (let i = 0; i < 80; i++) {
      const f =
        i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
        : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
        : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
        : (b ^ c ^ d) + 0xca62c1d6;
      const t = (rot(a, 5) + f + e + x[i]!) | 0;
      [e, d, c, b, a] = [d, c, rot(b, 30), a, t];
    }
    [h0, h1, h2, h3, h4] = [(h0 + a) | 0, (h1 + b) | 0, (h2 + c) | 0, (h3 + d) | 0, (h4 + e) | 0];
  }
  const out = new DataView(new ArrayBuffer(20));
  [h0, h1, h2, h3, h4].forEach((v, i) => out.setInt32(i * 4, v));
  return new Uint8Array(out.buffer);
}
