/**
 * What a text comes to as short messages. The desk counts the same way (its tests and
 * ours read the same examples); here it is known while writing, and without the desk.
 */
export interface Measured {
  alphabet: 'gsm7' | 'ucs2';
  parts: number;
  /** Septets of gsm7, 16-bit units of ucs2. */
  units: number;
  /** Units that still fit into the last part. */
  left: number;
}

// 3GPP TS 23.038: the default alphabet, and the letters that need an escape.
const basic = new Set('@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà');
const extended = new Set('\f^{}\\[~]|€');
const sizes = { gsm7: { alone: 160, part: 153 }, ucs2: { alone: 70, part: 67 } };

const width = (letter: string): number => (basic.has(letter) ? 1 : extended.has(letter) ? 2 : 0);

export function measure(text: string): Measured {
  const letters = [...text];
  const alphabet = letters.every(width) ? 'gsm7' : 'ucs2';
  const { alone, part } = sizes[alphabet];
  let units = 0;
  let parts = 1;
  let used = 0;
  for (const letter of letters) {
    const n = alphabet === 'gsm7' ? width(letter) : letter.length;
    units += n;
    // No letter is cut: not an escape from its code, nor one half of a pair from the other.
    if (used + n > part) {
      parts++;
      used = 0;
    }
    used += n;
  }
  if (!units) return { alphabet, parts: 0, units, left: alone };
  return units <= alone ? { alphabet, parts: 1, units, left: alone - units } : { alphabet, parts, units, left: part - used };
}

/** The one letter for which a text is not gsm7; empty when it is, or when more are missing there. */
export function culprit(text: string): string {
  const missing = new Set([...text].filter((letter) => !width(letter)));
  return missing.size === 1 ? [...missing][0]! : '';
}

/** Leaves out what costs and nobody sees. */
export const tidy = (text: string): string => text.replaceAll('\r\n', '\n').replace(/[ \n\t]+$/, '');
