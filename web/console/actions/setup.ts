import { sync } from '../sync/sync';
import { always, type Action } from './action';

/** The settings are plain resources; these three change any of them and bring their screens up to date. */
export interface Save<T = unknown> { method: 'post' | 'put' | 'patch'; path: string; body: unknown; done?: (answer: T) => void }

const noun = (path: string): string => '/' + (path.split('/')[1] ?? '');

export const saveSetup: Action<Save<any>> = {
  id: 'save-setup',
  titleKey: 'action.save',
  group: 'setup',
  available: always,
  async run({ method, path, body, done }) {
    const answer = await sync.client[method]<unknown>(path, body);
    sync.resources.changed(noun(path));
    done?.(answer);
  },
};

export const removeSetup: Action<string> = {
  id: 'remove-setup',
  titleKey: 'action.remove',
  group: 'setup',
  available: always,
  async run(path) {
    await sync.client.delete(path);
    sync.resources.changed(noun(path));
  },
};

/** Asks the desk to do something now, a test or a replay, and hands over what it answered. */
export const askDesk: Action<{ path: string; done: (answer: any) => void; changes?: string }> = {
  id: 'ask-desk',
  titleKey: 'action.ask',
  group: 'setup',
  available: always,
  async run({ path, done, changes }) {
    done(await sync.client.post(path, {}, { deadline: 60_000 }));
    if (changes) sync.resources.changed(changes);
  },
};
