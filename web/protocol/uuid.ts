let last = 0;
let counter = 0;

/**
 * A UUIDv7: 48 bits of Unix milliseconds, a counter that keeps the ids of one
 * page in order within a millisecond, then random bits. Whoever creates a thing
 * makes its id, so that a retry is the same thing.
 */
export function uuid7(now = Date.now()): string {
  if (now > last) {
    last = now;
    counter = crypto.getRandomValues(new Uint16Array(1))[0]! & 0x7ff;
  } else if (++counter > 0xfff) {
    last += 1;
    counter = 0;
  }
  const b = crypto.getRandomValues(new Uint8Array(16));
  let ms = last;
  for (let i = 5; i >= 0; i--) {
    b[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  b[6] = 0x70 | (counter >> 8);
  b[7] = counter & 0xff;
  b[8] = 0x80 | (b[8]! & 0x3f);
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
