import { sync } from '../sync/sync';

const limit = 200_000;

/** The beginning of something raw as text, enough to read. */
export async function rawText(path: string): Promise<{ text: string; cut: boolean }> {
  const text = await sync.client.call<string>('GET', path, { text: true });
  return { text: text.slice(0, limit), cut: text.length > limit };
}
