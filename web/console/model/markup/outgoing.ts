import type { Attachment } from '../words';
import { mail, type Widths } from './mail';
import { plain } from './plain';
import { read } from './read';
import { write } from './write';
import { formatted, isPicture, picturesIn, type Block, type Inline } from './tree';

/** What a channel gets of a text that was written as Markdown. */
export interface Said {
  text: string;
  /** Only where the text has more than words and the channel carries it. */
  html?: string;
  attachments: Attachment[];
}

/**
 * Says a text the way the channel can: formatted with its pictures in place, or plain
 * with the pictures as files. A picture that was taken out of the text is not sent.
 */
export function say(source: string, attachments: Attachment[], html: boolean, widths?: Widths): Said {
  // The same picture twice is one file, shown twice.
  const first = new Map<string, string>();
  const same = new Map<string, string>();
  for (const a of attachments) {
    if (!a.cid) continue;
    if (!first.has(a.id)) first.set(a.id, a.cid);
    same.set(a.cid, first.get(a.id)!);
  }
  const blocks = pictures(read(source), (cid) => same.get(cid));
  const used = new Set(picturesIn(blocks));
  const files = attachments.filter((a) => !a.cid || used.has(a.cid));
  if (html && formatted(blocks)) return { text: plain(blocks, 'named'), html: mail(blocks, widths), attachments: files };
  return { text: plain(blocks), attachments: files.map(({ cid: _, ...file }) => file) };
}

/** The Markdown without pictures, where there are any. */
export const withoutPictures = (source: string): string => (source.includes('](cid:') ? write(pictures(read(source), () => undefined)) : source);

/** How many letters a channel would carry of it. */
export const lettersIn = (source: string): number => [...plain(read(source))].length;

/** The blocks with other Content-IDs for their pictures; without those that have none. */
export function pictures(blocks: Block[], cidOf: (cid: string) => string | undefined): Block[] {
  const line = (l: Inline[]) =>
    l.flatMap((i): Inline[] => {
      if (!isPicture(i)) return [i];
      const cid = cidOf(i.cid);
      return cid === undefined ? [] : [{ ...i, cid }];
    });
  return blocks.map((b): Block => {
    if (b.kind === 'paragraph' || b.kind === 'heading') return { ...b, inline: line(b.inline) };
    if (b.kind === 'quote') return { ...b, blocks: pictures(b.blocks, cidOf) };
    if (b.kind === 'list') return { ...b, items: b.items.map((x) => pictures(x, cidOf)) };
    return b.kind === 'table' ? { ...b, rows: b.rows.map((r) => r.map(line)) } : b;
  });
}
