/** Words with how they look. */
export interface Run {
  text: string;
  bold?: true;
  italic?: true;
  strike?: true;
  code?: true;
  href?: string;
}

/** A picture inside the text: the Content-ID of one of the message's files. */
export interface Picture {
  cid: string;
  alt: string;
}

/** What a line is made of; null ends the line inside its paragraph. */
export type Inline = Run | Picture | null;

export type Block =
  | { kind: 'paragraph'; inline: Inline[] }
  | { kind: 'heading'; level: 1 | 2 | 3; inline: Inline[] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'code'; text: string }
  /** The first row is the head; each cell is one paragraph. */
  | { kind: 'table'; rows: Inline[][][] }
  | { kind: 'rule' };

export const isPicture = (i: Inline): i is Picture => i !== null && 'cid' in i;

const plainRun = (i: Inline): boolean => i === null || (!isPicture(i) && !i.bold && !i.italic && !i.strike && !i.code && !i.href);

/** Whether the text is more than words and lines. */
export const formatted = (blocks: Block[]): boolean => blocks.some((b) => b.kind !== 'paragraph' || !b.inline.every(plainRun));

/** The words of a line alone. */
export const words = (inline: Inline[]): string => inline.map((i) => (i === null ? '\n' : isPicture(i) ? i.alt : i.text)).join('');

/** Every line of the blocks, however deep. */
export function lines(blocks: Block[]): Inline[][] {
  return blocks.flatMap((b): Inline[][] => {
    if (b.kind === 'paragraph' || b.kind === 'heading') return [b.inline];
    if (b.kind === 'quote') return lines(b.blocks);
    if (b.kind === 'list') return b.items.flatMap(lines);
    return b.kind === 'table' ? b.rows.flat() : [];
  });
}

/** The Content-IDs of the pictures that stand in the text. */
export const picturesIn = (blocks: Block[]): string[] => lines(blocks).flatMap((l) => l.flatMap((i) => (isPicture(i) ? [i.cid] : [])));

export type Direction = 'ltr' | 'rtl';

/** Where a text begins: by its first letter that has a direction. */
export function directionOf(text: string): Direction | undefined {
  const letter = /\p{L}/u.exec(text)?.[0];
  if (!letter) return undefined;
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(letter) ? 'rtl' : 'ltr';
}
