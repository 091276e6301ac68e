import { SvelteMap } from 'svelte/reactivity';
import { has, t } from '../../texts/text.svelte';
import { Fault, type ID, type Import } from './words';

/** A file on its way to the desk. It lives as long as this page: a browser gives a file to nobody twice. */
export interface Upload {
  name: string;
  sent: number;
  size: number;
  /** The desk does not answer, and it is tried again. */
  waiting: boolean;
  fault?: Fault;
}

const uploads = new SvelteMap<ID, Upload>();

export const uploadOf = (id: ID): Upload | undefined => uploads.get(id);
export const noteUpload = (id: ID, u: Upload): void => void uploads.set(id, u);
export const dropUpload = (id: ID): void => void uploads.delete(id);

const remembered = (id: ID): string => 'holdfast.upload.' + id;
const mark = (f: File): string => JSON.stringify([f.name, f.size, f.lastModified]);

/** Remembers which file an import is of, so that no other one is put behind its beginning. */
export function rememberFile(id: ID, file: File): void {
  localStorage.setItem(remembered(id), mark(file));
}
export function isThatFile(id: ID, file: File): boolean {
  const before = localStorage.getItem(remembered(id));
  return before === null || before === mark(file);
}
export const forgetFile = (id: ID): void => localStorage.removeItem(remembered(id));

/** Whether there is something to wait for. */
export const underWay = (i: Import): boolean => i.state === 'queued' || i.state === 'running' || (i.state === 'uploading' && uploads.has(i.id));

/** Why an import failed, as every other fault is shown. */
export const faultOf = (i: Import): Fault | undefined => (i.code ? new Fault(422, i.code, i.reason ?? i.code) : undefined);

/** What a record is called there, in the reader's words: "ticket 5 message 7", and a file's name behind it. */
export function recordName(ref: string): string {
  const words = ref.split(' ');
  const parts: string[] = [];
  while (words.length > 1 && has('imports.ref.' + words[0])) {
    const word = words.shift()!;
    parts.push(t('imports.ref.' + word, { id: words.shift() }));
  }
  if (words.length) parts.push(words.join(' '));
  return parts.join(', ');
}

/** The fields that a column can be, by what they say something about. */
export const fieldGroups: { of: string; fields: string[] }[] = [
  { of: 'customer', fields: ['name', 'mail', 'phone', 'customer', 'company', 'about', 'language'] },
  { of: 'message', fields: ['text', 'html', 'date', 'direction', 'author', 'author_name', 'attachment', 'message', 'message_id'] },
  { of: 'conversation', fields: ['conversation', 'subject', 'status', 'priority', 'tags', 'assignee', 'created', 'updated'] },
];

/** Those of which a table needs one, to know who its customers are. */
export const naming = ['name', 'mail', 'phone', 'customer'];

/** The choice for one column; whichever had that field before is passed over. */
export function choose(columns: { header: string; field: string }[], chosen: Record<string, string>, header: string, field: string): Record<string, string> {
  const out = { ...chosen, [header]: field };
  if (field) for (const c of columns) if (c.header !== header && (out[c.header] ?? c.field) === field) out[c.header] = '';
  return out;
}

/** What is sent: only what differs from what the desk finds by the headers itself. */
export function differing(columns: { header: string; field: string }[], chosen: Record<string, string>): Record<string, string> {
  return Object.fromEntries(columns.filter((c) => chosen[c.header] !== undefined && chosen[c.header] !== c.field).map((c) => [c.header, chosen[c.header]!]));
}
